"""Shapes that several resources share."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, get_args, get_origin
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError
from stock_mlops.instruments import MARKETS


class RequestModel(BaseModel):
    """A body or a set of query parameters; a field that it does not know is refused, so that a typo cannot pass."""

    model_config = ConfigDict(extra="forbid")


def _scalars(annotation: Any) -> frozenset[Any]:
    """The plain types that an annotation lets in, those of a list's items included."""
    arguments = get_args(annotation)
    if not arguments:
        return frozenset((annotation,))
    inner = arguments[:1] if get_origin(annotation) is Annotated else arguments
    return frozenset().union(*map(_scalars, inner))


class BodyModel(RequestModel):
    """A JSON body: a number is not written as text, and a truth value is neither."""

    @field_validator("*", mode="before")
    @classmethod
    def _json_types(cls, value: Any, info: ValidationInfo) -> Any:
        boolean = _numbers_of(cls).get(str(info.field_name))
        if boolean is not None:
            for item in value if isinstance(value, list) else (value,):
                _check_json_type(item, boolean=boolean)
        return value


@lru_cache(maxsize=500)
def _numbers_of(model: type[BaseModel]) -> dict[str, bool]:
    """The fields that take numbers or truth values and no text; whether it is truth values."""
    kinds = {name: _scalars(field.annotation) for name, field in model.model_fields.items()}
    return {
        name: bool in scalars for name, scalars in kinds.items() if str not in scalars and scalars & {bool, int, float}
    }


def _check_json_type(value: Any, *, boolean: bool) -> None:
    # Python counts bool as an int. What is neither text nor number is refused by the type itself.
    if isinstance(value, str) or (isinstance(value, int | float) and isinstance(value, bool) is not boolean):
        expected = "true or false" if boolean else "a number"
        raise PydanticCustomError(
            "json_boolean" if boolean else "json_number",
            "expected {wanted}, got {got}",
            {"wanted": expected, "got": repr(value)},
        )


class ResponseModel(BaseModel):
    # Fields such as model_id are ours, not pydantic's.
    model_config = ConfigDict(protected_namespaces=())


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _known_market(value: object) -> object:
    market = _upper(value)
    if isinstance(market, str) and market not in MARKETS:
        raise ValueError(f"expected one of {', '.join(MARKETS)}, got {market!r}")
    return market


Ticker = Annotated[
    str,
    Field(pattern=r"^[A-Z0-9.^=-]{1,20}$"),
    BeforeValidator(_upper),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\s*[A-Za-z0-9.^=-]{1,20}\s*$", "description": "symbol; case does not matter"}
    ),
]
Exchange = Annotated[
    str,
    BeforeValidator(_known_market),
    WithJsonSchema({"type": "string", "enum": list(MARKETS), "description": "market code"}),
]


def _no_nul(value: str) -> str:
    # PostgreSQL's text cannot hold it, and no name needs it.
    if "\x00" in value:
        raise ValueError("expected text without NUL characters")
    return value


SafeText = Annotated[str, AfterValidator(_no_nul), Field(json_schema_extra={"pattern": r"^[^\x00]*$"})]


def _written_out(value: object) -> object:
    # Numbers would be taken for seconds since 1970.
    if isinstance(value, str | int | float) and not _DAY.fullmatch(str(value)):
        raise PydanticCustomError("day", "expected a day as YYYY-MM-DD, got {got}", {"got": repr(value)})
    return value


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# ClickHouse's Date32 ends in 2299; a year of one digit is a typing error.
Day = Annotated[
    date, Field(ge=date(1900, 1, 1), le=date(2299, 12, 31), description="YYYY-MM-DD"), BeforeValidator(_written_out)
]


def _moment_written_out(value: object) -> object:
    if isinstance(value, str | int | float) and not _MOMENT.match(str(value)):
        raise PydanticCustomError(
            "moment", "expected a moment as YYYY-MM-DDTHH:MM:SSZ, got {got}", {"got": repr(value)}
        )
    return value


def _in_utc(value: datetime) -> datetime:
    """Databases know fewer time zones than RFC 3339 does."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError(
            "moment", "expected a moment in the years 1 to 9999 of UTC, got {got}", {"got": value.isoformat()}
        ) from None


_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}", re.ASCII)
# RFC 3339; a number would be taken for seconds since 1970 here too.
Moment = Annotated[AwareDatetime, BeforeValidator(_moment_written_out), AfterValidator(_in_utc)]
Limit = Annotated[int, Field(ge=1, le=500, description="most items of one page")]
PageCursor = Annotated[str, Field(min_length=1, max_length=200, description="next_cursor of the page before")]
Offset = Annotated[int, Field(ge=0, le=1_000_000, description="items to skip")]


def check_order(start: date | None, end: date | None) -> None:
    """Raises ``ValueError`` when a span ends before it begins."""
    if start is not None and end is not None and start > end:
        raise ValueError(f"start: expected a day not after end ({end}), got {start}")


class ProblemField(ResponseModel):
    field: str = Field(description="path of the field, e.g. body.horizon")
    message: str
    expected: str | None = None
    code: str | None = Field(None, description="kind of fault, e.g. less_than_equal; null: the message says it all")
    params: dict[str, str | float] = Field(
        default_factory=dict, description="what the message speaks of, for other languages"
    )


class Problem(ResponseModel):
    """RFC 9457 problem details: the body of every error."""

    type: str = Field(description="URN of the kind of problem, or about:blank when the status says it all")
    title: str
    status: int
    detail: str = Field(description="what was expected, what came, what to do")
    code: str = Field(description="stable code for programs")
    errors: list[ProblemField] = Field(default_factory=list, description="the fields at fault, of a 422")
    request_id: str | None = Field(None, description="also in the X-Request-ID header and in the logs")


JobState = Literal["pending", "running", "completed", "failed", "cancelled"]


class JobError(ResponseModel):
    title: str
    detail: str
    code: str = Field("", description="of the problem, as in problem details; empty: of an earlier release")


class JobAccepted(ResponseModel):
    task_id: UUID
    state: JobState
    status_url: str


class JobStatus(ResponseModel):
    task_id: UUID
    kind: str
    state: JobState
    stage: str = Field(description="what the worker is doing, in words")
    progress: float = Field(ge=0, le=1)
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error: JobError | None = None


JsonObject = dict[str, Any]
