from datetime import UTC, date, datetime

import polars as pl
from stock_kit.model_settings import EtlSettings
from stock_mlops.instruments import Instrument, sessions_of
from stock_mlops.prices.schema import RAW_SCHEMA, SOURCE_SCHEMA
from stock_mlops.prices.sources import FetchRequest, open_source
from stock_mlops.prices.sources.sample import SampleSource

AAPL = Instrument("US", "AAPL")
CLOSE = datetime(2012, 6, 29, 20, 0, tzinfo=UTC)


def fetch(until: datetime, **request: object) -> dict[Instrument, pl.DataFrame]:
    fetched = SampleSource().fetch(FetchRequest(until=until, **request))  # type: ignore[arg-type]
    return {item.instrument: item.rows for item in fetched}


def test_it_holds_five_shares_and_every_session_of_each() -> None:
    everything = fetch(datetime(2026, 1, 1, tzinfo=UTC))
    assert {instrument.ticker: rows.height for instrument, rows in everything.items()} == {
        "AAPL": 3270,
        "FB": 196,
        "GOOG": 2148,
        "IBM": 3270,
        "MSFT": 3270,
    }
    for rows in everything.values():
        assert rows.schema == SOURCE_SCHEMA
        days = rows["session"].to_list()
        assert days == sessions_of("US").between(days[0], days[-1])


def test_a_session_is_released_when_it_has_closed() -> None:
    before = fetch(CLOSE.replace(hour=19, minute=59))[AAPL]
    after = fetch(CLOSE)[AAPL]
    assert (before["session"].max(), after["session"].max()) == (date(2012, 6, 28), date(2012, 6, 29))


def test_a_share_that_is_not_listed_yet_has_no_rows() -> None:
    assert fetch(datetime(2012, 1, 1, tzinfo=UTC))[Instrument("US", "FB")].is_empty()


def test_only_what_follows_the_stored_rows_is_given() -> None:
    stored = fetch(CLOSE)[AAPL].select(*RAW_SCHEMA).tail(10)
    later = datetime(2012, 7, 3, 20, 0, tzinfo=UTC)
    assert fetch(later, stored={AAPL: stored})[AAPL]["session"].to_list() == [date(2012, 7, 2), date(2012, 7, 3)]
    assert fetch(later, stored={AAPL: stored}, full=True)[AAPL].height == 3106


def test_what_it_does_not_have_is_said() -> None:
    unknown = Instrument("TW", "AAPL")
    [item] = SampleSource().fetch(FetchRequest(until=CLOSE, instruments=(unknown,)))
    assert item.error == "the sample has no TW:AAPL; it has US:AAPL, US:FB, US:GOOG, US:IBM, US:MSFT"


def test_it_vouches_for_the_crash_that_was_real() -> None:
    vouched = {item.instrument.ticker: item.vouched for item in SampleSource().fetch(FetchRequest(until=CLOSE))}
    assert vouched.pop("AAPL") == {date(2000, 9, 29)}
    assert not any(vouched.values())


def test_it_is_opened_by_name_and_replayed() -> None:
    source = open_source("sample", EtlSettings())
    assert (source.name, source.timeline) == ("sample", "replay")
