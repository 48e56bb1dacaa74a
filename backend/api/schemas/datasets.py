"""What is in the warehouse."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from api.schemas.common import Day, RequestModel, ResponseModel


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


class PriceSeries(ResponseModel):
    """Adjusted daily prices, oldest first."""

    exchange: str
    ticker: str
    items: list[PriceBar]


class PriceQuery(RequestModel):
    start: Day | None = None
    end: Day | None = None
    limit: Annotated[int, Field(ge=1, le=20_000, description="the newest so many sessions")] = 1000
