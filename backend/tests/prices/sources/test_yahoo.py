from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import polars as pl
import pytest
import yfinance
from stock_kit.model_settings import EtlSettings
from stock_mlops.instruments import Instrument
from stock_mlops.prices.schema import RAW_SCHEMA, SOURCE_SCHEMA
from stock_mlops.prices.sources import Fetched, FetchRequest, SourceError
from stock_mlops.prices.sources.pace import Pace
from stock_mlops.prices.sources.yahoo import Patience, YahooSource

from .conftest import Bar, FakeYahoo

# yfinance 1.7 uses what pandas 3.1 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")

X, Y = Instrument("US", "X"), Instrument("US", "Y")
NOW = datetime(2024, 1, 31, 22, 0, tzinfo=UTC)
SETTINGS = EtlSettings()


@dataclass
class Waits:
    """The time between requests, without waiting for it."""

    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def patience(self) -> Patience:
        pace = Pace(SETTINGS.yfinance_rate, monotonic=lambda: self.now, sleep=self.sleep)
        return Patience(pace, self.sleep, lambda: 0.5)


def fetch(
    *instruments: Instrument, waits: Waits | None = None, stored: pl.DataFrame | None = None, full: bool = False
) -> list[Fetched]:
    source = YahooSource(SETTINGS, yfinance.download, (waits or Waits()).patience())
    known = {} if stored is None else {instruments[0]: stored}
    return list(source.fetch(FetchRequest(until=NOW, instruments=instruments, stored=known, full=full)))


def stored_rows(rows: pl.DataFrame, count: int = 10) -> pl.DataFrame:
    return rows.select(*RAW_SCHEMA).tail(count)


def test_prices_come_in_our_columns(yahoo: FakeYahoo) -> None:
    yahoo.list_symbol("X", [10.0, 10.5, 11.0])
    [item] = fetch(X)
    assert item.error is None
    assert item.rows.schema == SOURCE_SCHEMA
    assert item.rows.drop("adj_close").row(1) == (
        *("US", "X", date(2024, 1, 3)),
        *(10.5, 10.5, 10.5, 10.5, 1000.0, 0.0, 1.0, "yfinance", 2),
    )


def test_other_markets_have_suffixes(yahoo: FakeYahoo) -> None:
    yahoo.list_symbol("2330.TW", [600.0])
    [item] = fetch(Instrument("TW", "2330"))
    assert item.rows["ticker"].to_list() == ["2330"]


def test_an_unknown_symbol_fails_alone(yahoo: FakeYahoo) -> None:
    yahoo.list_symbol("Y", [10.0])
    unknown, known = fetch(X, Y)
    assert unknown.error is not None
    assert unknown.error.startswith("Yahoo: no prices for X: the symbol is unknown, or was delisted")
    assert unknown.rows.is_empty()
    assert known.rows.height == 1


def test_an_empty_frame_without_an_error_is_an_unknown_symbol(yahoo: FakeYahoo) -> None:
    """yfinance 1.4 to 1.7 can answer so; no exception and no log line tells of it."""
    empty = pl.DataFrame(schema={"Open": pl.Float64}).to_pandas()
    source = YahooSource(SETTINGS, lambda *_args, **_options: empty, Waits().patience())
    [item] = source.fetch(FetchRequest(until=NOW, instruments=(X,)))
    assert item.error == "Yahoo: no prices for X: the symbol is unknown, or was delisted"


def test_a_last_bar_without_prices_is_left_for_the_next_time(yahoo: FakeYahoo) -> None:
    yahoo.list_symbol("X", [10.0, 10.5, None], row2=Bar(None, dividend=0.1))
    [item] = fetch(X)
    assert item.rows["close"].to_list() == [10.0, 10.5]
    assert item.notes == ("the bar of 2024-01-04 is not complete yet",)


def test_a_bar_without_prices_between_others_is_left_to_the_quality_gate(yahoo: FakeYahoo) -> None:
    yahoo.list_symbol("X", [10.0, None, 11.0], row1=Bar(None, dividend=0.1))
    [item] = fetch(X)
    assert item.rows["close"].to_list() == [10.0, None, 11.0]


def test_the_present_session_is_not_asked_for(yahoo: FakeYahoo) -> None:
    yahoo.list_symbol("X", [10.0] * 40)
    [item] = fetch(X)
    assert item.rows["session"].max() == date(2024, 1, 31)
    during = datetime(2024, 1, 31, 20, 59, tzinfo=UTC)
    source = YahooSource(SETTINGS, yfinance.download, Waits().patience())
    [item] = source.fetch(FetchRequest(until=during, instruments=(X,)))
    assert item.rows["session"].max() == date(2024, 1, 30)


def test_a_split_is_undone(yahoo: FakeYahoo) -> None:
    """Yahoo divides all earlier prices and dividends by it; we store what was traded."""
    yahoo.list_symbol("X", [400.0, 404.0, 101.0, 102.0], row1=Bar(404.0, dividend=0.82), row2=Bar(101.0, split=4.0))
    [item] = fetch(X)
    assert item.rows.select("close", "volume", "dividend", "split").rows() == [
        (400.0, 1000.0, 0.0, 1.0),
        (404.0, 1000.0, 0.82, 1.0),
        (101.0, 1000.0, 0.0, 4.0),
        (102.0, 1000.0, 0.0, 1.0),
    ]


def test_noise_of_short_floats_is_rounded_away(yahoo: FakeYahoo) -> None:
    yahoo.list_symbol("X", [130.30999755859375])
    [item] = fetch(X)
    assert item.rows["close"].to_list() == [130.31]


def test_what_is_stored_is_asked_for_again_in_part(yahoo: FakeYahoo) -> None:
    yahoo.list_symbol("X", [float(price) for price in range(100, 116)])
    [first] = fetch(X)
    yahoo.list_symbol("X", [float(price) for price in range(100, 118)])
    yahoo.requests.clear()
    [item] = fetch(X, stored=stored_rows(first.rows))
    assert item.rows["session"].min() == first.rows["session"][-10]
    assert item.rows.height == 12
    assert yahoo.requests == [("X", first.rows["session"][-10])]


def test_a_split_since_the_last_time_needs_no_second_fetch(yahoo: FakeYahoo) -> None:
    yahoo.list_symbol("X", [100.0] * 12)
    [first] = fetch(X)
    yahoo.list_symbol("X", [100.0] * 12 + [25.0], row12=Bar(25.0, split=4.0))
    [item] = fetch(X, stored=stored_rows(first.rows))
    assert item.rows["close"].to_list() == [100.0] * 10 + [25.0]


def test_an_overlap_that_disagrees_by_one_ratio_brings_the_whole_history(yahoo: FakeYahoo) -> None:
    yahoo.list_symbol("X", [100.0 + row for row in range(15)])
    [first] = fetch(X)
    yahoo.unrecorded["X"] = 2.0
    [item] = fetch(X, stored=stored_rows(first.rows))
    assert item.rows["close"].to_list() == [(100.0 + row) / 2 for row in range(15)]
    assert [first for _, first in yahoo.requests[-2:]] == [first.rows["session"][5], date(1960, 1, 1)]


def test_a_single_corrected_price_brings_no_whole_history(yahoo: FakeYahoo) -> None:
    yahoo.list_symbol("X", [100.0] * 15)
    [first] = fetch(X)
    yahoo.list_symbol("X", [100.0] * 15, row9=Bar(101.0))
    [item] = fetch(X, stored=stored_rows(first.rows))
    assert item.rows.height == 10


def test_everything_is_asked_for_again_when_told_so(yahoo: FakeYahoo) -> None:
    yahoo.list_symbol("X", [100.0] * 15)
    [first] = fetch(X)
    [item] = fetch(X, stored=stored_rows(first.rows), full=True)
    assert item.rows.height == 15


def test_requests_keep_to_two_in_five_seconds(yahoo: FakeYahoo) -> None:
    symbols = [Instrument("US", f"S{number}") for number in range(4)]
    for symbol in symbols:
        yahoo.list_symbol(symbol.ticker, [10.0])
    waits = Waits()
    fetch(*symbols, waits=waits)
    assert len(yahoo.requests) == 8
    assert waits.waits == [5.0, 5.0, 5.0]


def test_a_refusal_is_waited_out_for_minutes(yahoo: FakeYahoo) -> None:
    yahoo.list_symbol("X", [10.0])
    yahoo.refusals = 2
    waits = Waits()
    [item] = fetch(X, waits=waits)
    assert item.rows.height == 1
    assert [wait for wait in waits.waits if wait > 60] == [120.0, 300.0]


def test_after_refusals_enough_nobody_is_asked_for_any_more(yahoo: FakeYahoo) -> None:
    yahoo.list_symbol("X", [10.0])
    yahoo.list_symbol("Y", [10.0])
    yahoo.refusals = 100
    waits = Waits()
    items = fetch(X, Y, waits=waits)
    assert [item.error for item in items] == ["Yahoo refuses for now (too many requests); try again in an hour"] * 2
    assert {symbol for symbol, _ in yahoo.requests} == {"X"}
    assert [wait for wait in waits.waits if wait > 60] == [120.0, 300.0, 900.0]


def test_waits_vary_so_that_clients_do_not_return_together() -> None:
    from stock_mlops.prices.sources.yahoo import RateLimitedError

    def refuse(*_args: object, **_options: object) -> None:
        raise yfinance.exceptions.YFRateLimitError

    for jitter, expected in ((0.0, 90.0), (1.0, 150.0)):
        waits = Waits()
        patience = Patience(waits.patience().pace, waits.sleep, lambda jitter=jitter: jitter)  # type: ignore[misc]
        [item] = YahooSource(SETTINGS, refuse, patience).fetch(FetchRequest(until=NOW, instruments=(X,)))
        assert item.error is not None
        assert waits.waits[0] == expected
    assert issubclass(RateLimitedError, Exception)


def test_it_must_be_told_what_to_load() -> None:
    with pytest.raises(SourceError, match="name at least one ticker"):
        list(YahooSource(SETTINGS, patience=Waits().patience()).fetch(FetchRequest(until=NOW)))
