from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from stock_kit.clock import FixedClock
from stock_mlops.instruments import Instrument
from stock_mlops.services.datasets import describe_datasets
from stock_mlops.stores.market_clock import MemoryClocks
from stock_mlops.stores.warehouse import DatasetRow

LOADED = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Known:
    name: str
    timeline: str


def stored(ticker: str, last: date, exchange: str = "US", source: str = "file") -> DatasetRow:
    return DatasetRow(exchange, ticker, source, date(2000, 3, 1), last, 3270, 100.0, LOADED)


def test_each_dataset_is_as_fresh_as_its_own_timeline_says() -> None:
    clocks = MemoryClocks(live=FixedClock(datetime(2026, 11, 20, 22, tzinfo=UTC)))
    clocks.start_replay(date(2012, 6, 29), datetime(2012, 6, 29, 20, 1, tzinfo=UTC), date(2013, 3, 1))
    rows = [stored("MINE", date(2026, 11, 18)), stored("AAPL", date(2012, 6, 29), source="sample")]
    known = {Instrument("US", "AAPL"): Known("Apple", "replay"), Instrument("US", "MINE"): Known("", "live")}

    apple, mine = describe_datasets(rows, known, clocks)

    assert (apple.ticker, apple.name, apple.expected_session, apple.fresh) == ("AAPL", "Apple", date(2012, 6, 29), True)
    assert (mine.expected_session, mine.sessions_behind, mine.fresh) == (date(2026, 11, 20), 2, False)


def test_each_market_closes_by_its_own_clock() -> None:
    # 06:00 UTC: Taipei has closed that day (13:30 local), New York has not even opened.
    clocks = MemoryClocks(live=FixedClock(datetime(2026, 11, 20, 6, tzinfo=UTC)))
    rows = [stored("2330", date(2026, 11, 20), exchange="TW"), stored("IBM", date(2026, 11, 19))]
    known = {Instrument("TW", "2330"): Known("", "live"), Instrument("US", "IBM"): Known("", "live")}
    assert [dataset.fresh for dataset in describe_datasets(rows, known, clocks)] == [True, True]


def test_remains_of_an_unknown_instrument_are_not_shown() -> None:
    assert describe_datasets([stored("GONE", date(2026, 11, 20))], {}, MemoryClocks()) == []
