"""What monitoring measured."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from api.schemas.common import Exchange, Limit, PageCursor, RequestModel, ResponseModel, Ticker

Monitor = Literal["drift", "error_drift", "accuracy", "coverage", "parity", "quality", "freshness", "age"]


class MonitoredNumber(ResponseModel):
    monitor: Monitor
    part: str = Field(description="group of features, horizon or check; empty: the whole")
    measure: str = Field(description="statistic, features, rmse, difference, findings, ...; of coverage: the level")
    value: float
    threshold: float | None = Field(description="beyond which it is a condition; null: none by itself")


class MonitoredPoint(ResponseModel):
    session: date
    value: float
    model_version: str | None


class MonitoredSeries(ResponseModel):
    monitor: Monitor
    part: str
    measure: str
    points: list[MonitoredPoint] = Field(description="oldest first")


class MonitoredInstrument(ResponseModel):
    exchange: str
    ticker: str
    session: date = Field(description="the newest one that the numbers rest on")
    measured_at: datetime
    model_name: str | None = Field(description="null: no trained model serves the ticker")
    model_version: str | None
    numbers: list[MonitoredNumber]


class MonitoredState(MonitoredInstrument):
    series: list[MonitoredSeries]


class MonitoredInstruments(ResponseModel):
    items: list[MonitoredInstrument]


class MonitoringQuery(RequestModel):
    sessions: Annotated[int, Field(ge=1, le=5000, description="the newest so many sessions of each series")] = 250


class ReportQuery(RequestModel):
    ticker: Ticker | None = None
    exchange: Exchange = "US"
    limit: Limit = 50
    cursor: PageCursor | None = None


class PageQuery(RequestModel):
    expires: Annotated[int, Field(ge=0, le=2**53, description="seconds since 1970")]
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class MonitoringReport(ResponseModel):
    name: str
    exchange: str
    ticker: str
    written_at: datetime
    model_version: int
    size: int = Field(description="bytes")
    url: str = Field(description="address of the page for programs")
    page_url: str = Field(description="address for a frame or a tab, good for an hour")


class MonitoringReports(ResponseModel):
    items: list[MonitoringReport] = Field(description="newest first")
    next_cursor: str | None = Field(None, description="null on the last page")
