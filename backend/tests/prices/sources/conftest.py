"""Yahoo's answers without Yahoo: the real yfinance runs on it, down to the line that would send a request."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yfinance
from stock_mlops.instruments import sessions_of
from yfinance.exceptions import YFRateLimitError

NEW_YORK = ZoneInfo("America/New_York")


@dataclass
class Bar:
    """A session as it was traded."""

    close: float | None
    dividend: float = 0.0
    split: float = 1.0
    volume: float = 1000.0


@dataclass
class FakeResponse:
    content: dict[str, Any]
    text: str = "{}"
    status_code: int = 200

    def json(self) -> dict[str, Any]:
        return self.content


@dataclass
class FakeYahoo:
    """Holds traded bars and answers like Yahoo, which adjusts prices, volumes and dividends for all later splits."""

    listed: dict[str, dict[date, Bar]] = field(default_factory=dict)
    refusals: int = 0
    """So many of the next requests are answered with 429."""
    requests: list[tuple[str, date | None]] = field(default_factory=list)
    """Symbol and first day of each request; the one for a time zone has no first day."""
    unrecorded: dict[str, float] = field(default_factory=dict)
    """A split that Yahoo applied to its prices without naming it."""

    def list_symbol(self, symbol: str, closes: list[float | None], first: date = date(2024, 1, 2), **bars: Bar) -> None:
        """``bars`` (row0=Bar(...), row3=...) replace the plain ones."""
        days = sessions_of("US").between(first, date(2100, 1, 1))[: len(closes)]
        rows = {day: Bar(close) for day, close in zip(days, closes, strict=True)}
        rows.update({days[int(name.removeprefix("row"))]: bar for name, bar in bars.items()})
        self.listed[symbol] = rows

    def get(self, url: str, params: dict[str, Any]) -> FakeResponse:
        symbol = url.rsplit("/", 1)[1]
        start = params.get("period1")
        first = None if start is None else datetime.fromtimestamp(start, NEW_YORK).date()
        self.requests.append((symbol, first))
        if self.refusals:
            self.refusals -= 1
            raise YFRateLimitError
        if symbol not in self.listed:
            error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            return FakeResponse({"chart": {"result": None, "error": error}})
        last = datetime.fromtimestamp(params.get("period2", 4e9), NEW_YORK).date()
        days = [day for day in self.listed[symbol] if (first or date.min) <= day < last]
        return FakeResponse({"chart": {"result": [self._result(symbol, days)], "error": None}})

    def _result(self, symbol: str, days: list[date]) -> dict[str, Any]:
        bars = self.listed[symbol]
        later = {day: self._later_splits(symbol, day) for day in days}
        close = [None if (price := bars[day].close) is None else price / later[day] for day in days]
        stamps = {day: int(datetime(day.year, day.month, day.day, 9, 30, tzinfo=NEW_YORK).timestamp()) for day in days}
        volume = [None if bars[day].close is None else round(bars[day].volume * later[day]) for day in days]
        dividends = {
            str(stamps[day]): {"amount": bars[day].dividend / later[day], "date": stamps[day]}
            for day in days
            if bars[day].dividend
        }
        splits = {
            str(stamps[day]): {"date": stamps[day], "numerator": bars[day].split, "denominator": 1}
            for day in days
            if bars[day].split != 1
        }
        meta = {
            "symbol": symbol,
            "currency": "USD",
            "instrumentType": "EQUITY",
            "exchangeTimezoneName": "America/New_York",
            "priceHint": 2,
            "validRanges": ["1d", "max"],
            "dataGranularity": "1d",
            "regularMarketTime": max(stamps.values(), default=0),
        }
        quote = {"open": close, "high": close, "low": close, "close": close, "volume": volume}
        return {
            "meta": meta,
            "timestamp": list(stamps.values()),
            "indicators": {"quote": [quote], "adjclose": [{"adjclose": close}]},
            "events": {"dividends": dividends, "splits": splits},
        }

    def _later_splits(self, symbol: str, day: date) -> float:
        ratio = self.unrecorded.get(symbol, 1.0)
        for other, bar in self.listed[symbol].items():
            ratio *= bar.split if other > day else 1.0
        return ratio


@pytest.fixture
def yahoo(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeYahoo]:
    fake = FakeYahoo()

    def get(_data: object, url: str, params: dict[str, Any], timeout: float = 0) -> FakeResponse:
        return fake.get(url, params)

    monkeypatch.setattr("yfinance.data.YfData.get", get)
    monkeypatch.setattr("yfinance.data.YfData.cache_get", get)
    # A folder per test: a time zone that was cached would save the request for it.
    yfinance.set_tz_cache_location(str(tmp_path_factory.mktemp("yfinance")))
    yfinance.config.debug.hide_exceptions = False
    yield fake
    yfinance.config.debug.hide_exceptions = True
