"""Instruments, exchanges, watchlists."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator

from api.schemas.common import BodyModel, Exchange, RequestModel, ResponseModel, SafeText, Ticker


class InstrumentQuery(RequestModel):
    q: Annotated[SafeText, Field(max_length=100, description="part of a ticker or a name; empty: all")] = ""
    exchange: Exchange | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class InstrumentFound(ResponseModel):
    exchange: str
    ticker: str
    name: str
    timeline: str = Field(description="live, or replay: its market clock stands in the past")
    yahoo_symbol: str


class InstrumentList(ResponseModel):
    items: list[InstrumentFound] = Field(description="best match first")


class SessionHours(ResponseModel):
    session: date
    opens_at: datetime | None = Field(description="null where the calendar does not record it")
    closes_at: datetime


# JSON Schema's own "time" has a zone.
LocalTime = Annotated[str, Field(pattern=r"^[0-2]\d:[0-5]\d$", examples=["12:00"])]


class LunchBreak(ResponseModel):
    """Local times."""

    starts: LocalTime
    ends: LocalTime


class ExchangeState(ResponseModel):
    exchange: str
    name: str
    calendar: str = Field(description="name of its calendar in exchange_calendars")
    timezone: str = Field(description="name of its time zone")
    yahoo_suffix: str = Field(description="of its symbols at Yahoo; empty: none")
    is_open: bool = Field(description="breaks count as closed")
    today: SessionHours | None = Field(description="of the exchange's own date; null: it has no session")
    next: SessionHours = Field(description="the first session after today")
    lunch_break: LunchBreak | None


class ExchangeList(ResponseModel):
    now: datetime
    items: list[ExchangeState]


class InstrumentRef(BodyModel):
    ticker: Ticker
    exchange: Exchange = "US"


class WatchlistRequest(BodyModel):
    name: Annotated[SafeText, Field(min_length=1, max_length=100)]
    instruments: Annotated[list[InstrumentRef], Field(max_length=500)] = Field(
        default_factory=list,
        description="each once, in the order to be shown",
        json_schema_extra={"uniqueItems": True},
    )

    @model_validator(mode="after")
    def _each_once(self) -> WatchlistRequest:
        keys = [(item.exchange, item.ticker) for item in self.instruments]
        if len(set(keys)) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise ValueError(f"instruments: expected each once, got {':'.join(twice)} more than once")
        return self


class WatchlistItem(ResponseModel):
    exchange: str
    ticker: str


class Watchlist(ResponseModel):
    watchlist_id: UUID
    name: str
    instruments: list[WatchlistItem]
    created_at: datetime
    updated_at: datetime


class WatchlistList(ResponseModel):
    items: list[Watchlist] = Field(description="by name")
