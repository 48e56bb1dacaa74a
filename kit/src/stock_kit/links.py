"""Addresses that open one thing for a while, for whoever has them: a browser shows a page in a frame without the
headers that say who asks."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

from stock_kit.clock import wall_seconds


class SignedLinks:
    """Signs names and checks what it signed; every process with the same key takes every other's.

    Args:
        signing_key: of access tokens; links are signed with a key made of it, so that neither stands for the other.
    """

    def __init__(self, signing_key: str, lifetime: timedelta) -> None:
        self._key = hmac.digest(signing_key.encode(), b"stock-mlops links", "sha256")
        self._lifetime = lifetime.total_seconds()

    def query(self, name: str) -> str:
        """``expires=...&signature=...``: what the address of ``name`` ends with."""
        expires = int(wall_seconds() + self._lifetime)
        return f"expires={expires}&signature={self._sign(name, expires)}"

    def holds(self, name: str, expires: int, signature: str) -> bool:
        """Whether we signed that, and it is still good."""
        right = hmac.compare_digest(self._sign(name, expires).encode(), signature.encode())
        return right and wall_seconds() <= expires

    def _sign(self, name: str, expires: int) -> str:
        return hmac.new(self._key, f"{expires}\n{name}".encode(), hashlib.sha256).hexdigest()
