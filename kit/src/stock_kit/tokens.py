"""Access tokens: short-lived JSON Web Tokens (RFC 7519), signed with HS256 and nothing else; and the names under which
one-time tickets of WebSockets wait in Redis."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

from stock_kit.access import Role
from stock_kit.clock import wall_now, wall_seconds

_ALGORITHM = "HS256"
_ISSUER, _AUDIENCE = "stock-mlops", "stock-mlops-api"
_REQUIRED = ["sub", "name", "role", "iat", "exp", "iss", "aud"]
# Two machines' clocks may differ by so much.
_LEEWAY_SECONDS = 5
# Tokens whose signature was seen to be right; checking one takes 40 us, finding it here 0.2.
_REMEMBERED = 10_000


class InvalidTokenError(Exception):
    """The text says what is wrong, and holds nothing of the token."""


@dataclass(frozen=True, slots=True)
class Claims:
    account_id: str
    name: str
    role: Role
    issued_at: float
    """Seconds since the epoch."""
    expires_at: float


class AccessTokens:
    """Issues and verifies; every process with the same key takes every other's."""

    def __init__(self, signing_key: str, lifetime: timedelta) -> None:
        self._key = signing_key
        self._lifetime = lifetime
        self._verified: dict[str, Claims] = {}

    @property
    def lifetime_seconds(self) -> int:
        return int(self._lifetime.total_seconds())

    def issue(self, account_id: str, name: str, role: Role, now: datetime | None = None) -> str:
        issued = now or wall_now()
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": account_id,
            "name": name,
            "role": str(role),
            # With its fraction: a change of the account within the same second must still tell before from after.
            "iat": issued.timestamp(),
            "exp": (issued + self._lifetime).timestamp(),
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def verify(self, token: str) -> Claims:
        """What the token says.

        Raises:
            InvalidTokenError: it is not ours, was altered, or has expired.
        """
        claims = self._verified.get(token)
        if claims is None:
            claims = self._decode(token)
            if len(self._verified) >= _REMEMBERED:
                self._verified.clear()
            self._verified[token] = claims
        elif claims.expires_at + _LEEWAY_SECONDS < wall_seconds():
            del self._verified[token]
            raise InvalidTokenError("the token has expired")
        return claims

    def _decode(self, token: str) -> Claims:
        try:
            values = jwt.decode(
                token,
                self._key,
                # The header's own word for its algorithm is the attacker's ("none", RS256 with a public key).
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                issuer=_ISSUER,
                leeway=_LEEWAY_SECONDS,
                options={"require": _REQUIRED},
            )
            return Claims(
                account_id=str(values["sub"]),
                name=str(values["name"]),
                role=Role(values["role"]),
                issued_at=float(values["iat"]),
                expires_at=float(values["exp"]),
            )
        except jwt.ExpiredSignatureError as error:
            raise InvalidTokenError("the token has expired") from error
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise InvalidTokenError("the token is not valid") from error


def digest(secret: str) -> str:
    """SHA-256 in hex of a secret of high entropy: what is stored of it. A password needs argon2 instead."""
    return hashlib.sha256(secret.encode()).hexdigest()


def ticket_key(ticket: str) -> str:
    """Where a WebSocket's ticket waits in Redis' cache database; its value is the name of who asked for it."""
    return "stock:ws-ticket:" + digest(ticket)
