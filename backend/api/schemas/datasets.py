"""What is in the warehouse, and how more comes into it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from api.schemas.common import (
    BodyModel,
    Day,
    Exchange,
    JobState,
    JsonObject,
    RequestModel,
    ResponseModel,
    SafeText,
    Ticker,
    check_order,
)

Format = Literal["json", "csv", "arrow", "parquet"]
PriceColumn = Literal["session", "open", "high", "low", "close", "volume", "dividend", "split"]
Points = Annotated[int, Field(ge=2, le=5000, description="at most so many rows, chosen so that a chart looks the same")]
Sessions = Annotated[int, Field(ge=1, le=20_000, description="the newest so many sessions")]


class Dataset(ResponseModel):
    exchange: str
    ticker: str
    name: str
    source: str
    timeline: str = Field(description="live, or replay: which market clock it follows")
    first_session: date
    last_session: date
    rows: int
    last_close: float = Field(description="as traded")
    loaded_at: datetime | None = None
    expected_session: date = Field(description="the newest session that has closed on its market clock")
    sessions_behind: int
    fresh: bool
    sessions_missing: int = Field(description="sessions of the exchange between first and last without a row")
    rows_refused: int = Field(description="by the quality gate, and not replaced by good ones since")


class DatasetList(ResponseModel):
    items: list[Dataset]
    total: int


class PriceBar(ResponseModel):
    session: date
    open: float
    high: float
    low: float
    close: float
    volume: float
    dividend: float = Field(description="per share, in that session")
    split: float = Field(description="2 when one share became two before the session; else 1")


class PriceSeries(ResponseModel):
    """Daily prices, oldest first."""

    exchange: str
    ticker: str
    adjusted: bool
    items: list[PriceBar]


class FeatureSeries(ResponseModel):
    """Features by session, oldest first."""

    exchange: str
    ticker: str
    sessions: list[date]
    features: dict[str, list[float | None]] = Field(description="one value per session; null in warm-up")


class SpanQuery(RequestModel):
    start: Day | None = None
    end: Day | None = None
    limit: Sessions = 1000
    points: Points | None = None
    format: Format | None = Field(None, description="null: by the Accept header, else json")

    @model_validator(mode="after")
    def _ordered(self) -> SpanQuery:
        check_order(self.start, self.end)
        return self


class PriceQuery(SpanQuery):
    adjusted: bool = Field(True, description="for splits and dividends up to the newest session; false: as traded")
    downsample: Literal["lttb", "ohlc"] = Field(
        "lttb", description="with points: rows that keep the look of the close, or neighbouring rows as one bar"
    )
    columns: Annotated[list[PriceColumn], Field(max_length=8)] = Field(
        default_factory=list, description="of csv, arrow and parquet; none: all"
    )


class FeatureQuery(SpanQuery):
    names: Annotated[list[Annotated[SafeText, Field(max_length=100)]], Field(max_length=500)] = Field(
        default_factory=list, description="features or groups of them; none: the default set"
    )


class QuarantinedRow(ResponseModel):
    session: date | None
    row_number: int | None = Field(description="line of a CSV file (the header is line 1), else the row")
    reason: str
    row: JsonObject = Field(description="as it came")
    source: str
    seen_at: datetime
    resolved_at: datetime | None = Field(description="when its session got a good row")


class DatasetQuality(ResponseModel):
    exchange: str
    ticker: str
    first_session: date
    last_session: date
    sessions_stored: int
    sessions_expected: int = Field(description="of the exchange, from the first stored one to the last")
    sessions_missing: int
    missing: list[date] = Field(description="newest first, 250 at most")
    rows_refused: int
    rows_resolved: int = Field(description="refused once, and replaced by good ones since")
    refused: list[QuarantinedRow] = Field(description="newest first, 250 at most")


class DatasetDeleted(ResponseModel):
    exchange: str
    ticker: str
    rows: int = Field(description="raw prices that there were")


class EtlRequest(BodyModel):
    source: Literal["sample", "yfinance"]
    tickers: Annotated[list[Ticker], Field(max_length=500)] = Field(
        default_factory=list, description="none: all that the source has; yfinance needs some"
    )
    exchange: Exchange = "US"
    full: bool = Field(False, description="all history again, not only what is new")

    @model_validator(mode="after")
    def _named(self) -> EtlRequest:
        if self.source == "yfinance" and not self.tickers:
            raise ValueError("tickers: expected at least one for yfinance, got none")
        return self


class EtlAccepted(ResponseModel):
    run_id: UUID
    state: JobState
    status_url: str


class RejectedRow(ResponseModel):
    session: date | None
    row_number: int | None
    reason: str


class TickerLoad(ResponseModel):
    """What became of one ticker."""

    exchange: str
    ticker: str
    rows_read: int
    new: int
    changed: int
    unchanged: int
    rejected: int
    rejections: list[RejectedRow] = Field(description="the first hundred")
    missing_sessions: int
    first_session: date | None
    last_session: date | None
    warehouse: str = Field(description="what was written there: nothing, tail or all")
    notes: list[str]
    error: str | None


class EtlRun(ResponseModel):
    run_id: UUID
    source: str
    state: JobState
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    tickers_total: int | None = Field(description="null until the source was read")
    tickers_done: int
    tickers: list[TickerLoad]
    error: str | None = Field(description="why the source gave nothing at all")
    message: str = Field(description="what the Prefect server says of its state")


class EtlRuns(ResponseModel):
    items: list[EtlRun]
