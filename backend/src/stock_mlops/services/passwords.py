"""Passwords: argon2id, and how long a good one is."""

from __future__ import annotations

import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from stock_mlops.errors import FieldError, InvalidRequestError

# NIST SP 800-63B asks for 8 and no rules about kinds of characters; the upper bound keeps hashing cheap.
SHORTEST, LONGEST = 10, 256
# OWASP's parameters for argon2id: 19 MiB, two passes. A check takes some 20 ms.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# So many at once, or a burst of log-ins would take the process's memory.
_at_once = threading.Semaphore(4)
# An account that does not exist is checked against this one, so that the answer takes as long.
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))


def hash_password(password: str) -> str:
    with _at_once:
        return _hasher.hash(password)


def verify_password(known_hash: str | None, password: str) -> bool:
    """Whether the password belongs to the hash; None stands for an account that does not exist."""
    with _at_once:
        try:
            return _hasher.verify(known_hash or _NOBODY, password) and known_hash is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(known_hash: str) -> bool:
    """Whether it was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(known_hash)


def check_password(password: str, name: str) -> None:
    """Raises :class:`InvalidRequestError` for a password that is too short, too long, or the account's own name."""
    if SHORTEST <= len(password) <= LONGEST and name.lower() not in password.lower():
        return
    message = f"expected {SHORTEST} to {LONGEST} characters without the account's name, got {len(password)} characters"
    wrong: FieldError = {
        "field": "body.password",
        "message": message,
        "code": "password",
        "params": {"shortest": SHORTEST, "longest": LONGEST},
    }
    raise InvalidRequestError(message, errors=[wrong])
