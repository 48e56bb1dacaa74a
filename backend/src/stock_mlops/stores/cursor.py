"""Where a page of a list ended: the newest first, so the next page holds what is older."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from stock_mlops.errors import InvalidRequestError


@dataclass(frozen=True, slots=True)
class Cursor:
    """Time and id of a page's last item; the id tells apart what happened at the same time."""

    at: datetime
    id: UUID

    def encode(self) -> str:
        return urlsafe_b64encode(f"{self.at.isoformat()} {self.id}".encode()).decode()

    @classmethod
    def decode(cls, text: str) -> Self:
        """Raises :class:`InvalidRequestError` for a text that :meth:`encode` did not make."""
        try:
            at, _, identity = urlsafe_b64decode(text.encode()).decode().partition(" ")
            moment = datetime.fromisoformat(at)
            if moment.tzinfo is None:
                raise ValueError("no time zone")
            return cls(moment, UUID(identity))
        except (ValueError, binascii.Error):
            message = "expected the next_cursor of the page before"
            raise InvalidRequestError(
                f"cursor: {message}, got {text!r}", errors=[{"field": "query.cursor", "message": message}]
            ) from None
