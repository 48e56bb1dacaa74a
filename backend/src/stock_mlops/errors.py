"""Errors that a caller can act on: one root, each class with its HTTP status and a code that programs can match.

Services raise them, the API's one handler renders them as problem details, the command line prints them. Anything else
that reaches the API is a bug and answers 500.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, NotRequired, TypedDict


class FieldError(TypedDict):
    """What is wrong with one field of a request."""

    field: str
    message: str
    expected: NotRequired[str]
    code: NotRequired[str]
    """What kind of fault it is, for pages that say it in another language."""
    params: NotRequired[Mapping[str, str | float]]
    """The values that the message speaks of, by name."""


def plain_values(context: Mapping[str, object]) -> dict[str, str | float]:
    """Of what a validation speaks of, that which can be told as JSON."""
    return {name: value for name, value in context.items() if isinstance(value, str | int | float)}


def named_field(path: str, message: str) -> tuple[str, str]:
    """The field that a validation speaks of, and what it says: checks across fields name theirs at the head."""
    head, colon, rest = message.partition(": ")
    return (head, rest) if not path and colon and " " not in head else (path, message)


class StockMlopsError(Exception):
    """The detail says what was expected, what came, and what to do."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str, *, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = list(errors)


class NotFoundError(StockMlopsError):
    status = 404
    code = "not_found"
    title = "Not found"


class ConflictError(StockMlopsError):
    status = 409
    code = "conflict"
    title = "Conflict with the present state"


class GoneError(StockMlopsError):
    """It was there, and its time is over."""

    status = 410
    code = "gone"
    title = "Not kept any more"


class InvalidRequestError(StockMlopsError):
    """Well-formed, and cannot be done as asked."""

    status = 422
    code = "invalid_request"
    title = "Invalid request"


class NoDataError(NotFoundError):
    code = "no_data"
    title = "No data for this ticker"


class UnusableVectorError(ConflictError):
    """The newest feature vector lacks values that the model needs."""

    code = "unusable_features"
    title = "The newest features cannot be used"


class HorizonError(InvalidRequestError):
    code = "horizon_too_long"
    title = "Horizon not served"

    def __init__(self, detail: str, longest: int) -> None:
        field: FieldError = {
            "field": "horizon",
            "message": detail,
            "code": self.code,
            "params": {"longest": longest},
        }
        super().__init__(detail, errors=[field])


class DependencyUnavailableError(StockMlopsError):
    """A server that this one needs does not answer now; the same request may succeed later."""

    status = 503
    code = "dependency_unavailable"
    title = "A dependency is unavailable"

    def __init__(self, dependency: str, reason: str) -> None:
        super().__init__(f"{dependency} is unavailable ({reason}); try again after Retry-After seconds")
        self.dependency = dependency


class UnauthenticatedError(StockMlopsError):
    """It is not known who calls."""

    status = 401
    code = "unauthenticated"
    title = "Not logged in"


class ForbiddenError(StockMlopsError):
    """It is known who calls, and they may not."""

    status = 403
    code = "forbidden"
    title = "Not allowed"


class TooManyRequestsError(StockMlopsError):
    status = 429
    code = "too_many_requests"
    title = "Too many requests"

    def __init__(self, detail: str, retry_after: float) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        """Seconds until the same request may be let in."""
