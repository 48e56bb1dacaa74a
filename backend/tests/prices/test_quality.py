from collections.abc import Callable
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stock_mlops.instruments import sessions_of
from stock_mlops.prices.quality import Checked, check
from stock_mlops.prices.schema import RAW_SCHEMA, REJECTED_SCHEMA
from stock_mlops.prices.sources.sample import _daily

US = sessions_of("US")
NOW = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
Rows = Callable[..., pl.DataFrame]


def reasons(checked: Checked) -> dict[int, str]:
    return dict(checked.rejected.select("row_number", "reason").rows())


def replace(rows: pl.DataFrame, row_number: int, /, **values: object) -> pl.DataFrame:
    here = pl.col("row_number") == row_number
    return rows.with_columns(
        pl.when(here).then(pl.lit(value)).otherwise(name).cast(rows.schema[name]).alias(name)
        for name, value in values.items()
    )


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"close": None}, "close is missing"),
        ({"open": float("nan")}, "open is missing"),
        ({"high": float("inf")}, "high is inf, expected a positive number"),
        ({"low": 0.0}, "low is 0.0, expected a positive number"),
        ({"close": -3.0}, "close is -3.0, expected a positive number"),
        ({"low": 10.5}, "low 10.5 is above open or close 10.0"),
        ({"high": 9.5}, "high 9.5 is below open or close 10.0"),
        ({"volume": -1.0}, "volume is -1.0, expected zero or more"),
        ({"volume": None}, "volume is missing"),
        ({"dividend": -0.1}, "dividend is -0.1, expected zero or more"),
        ({"split": 0.0}, "split is 0.0, expected a positive ratio"),
        ({"session": None}, "has no date"),
        ({"session": date(2020, 1, 4)}, "Saturday 2020-01-04 is not a session of the exchange"),
        ({"session": date(2020, 1, 20)}, "Monday 2020-01-20 is not a session of the exchange"),
        ({"session": date(2027, 1, 4)}, "lies in the future: market time is 2026-11-20 22:00 UTC"),
        ({"session": date(9999, 1, 4)}, "lies in the future: market time is 2026-11-20 22:00 UTC"),
        ({"session": date(1066, 10, 14)}, "Sunday 1066-10-14 is not a session of the exchange"),
    ],
)
def test_a_faulty_row_is_refused_and_no_other(price_rows: Rows, fault: dict[str, object], reason: str) -> None:
    checked = check(replace(price_rows([10.0] * 9), 5, **fault), US, NOW)
    assert reasons(checked) == {5: reason}
    assert checked.good.height == 8


def test_results_have_their_columns_also_when_there_is_nothing(price_rows: Rows) -> None:
    for rows in (price_rows([10.0, 11.0]), price_rows([])):
        checked = check(rows, US, NOW)
        assert checked.good.schema == RAW_SCHEMA
        assert checked.rejected.schema == REJECTED_SCHEMA


def test_the_present_session_is_provisional_until_its_close(price_rows: Rows) -> None:
    rows = price_rows([10.0, 10.0, 10.0], first=date(2012, 6, 29))
    before, after = datetime(2012, 7, 3, 16, 59, tzinfo=UTC), datetime(2012, 7, 3, 17, 0, tzinfo=UTC)
    assert reasons(check(rows, US, before)) == {4: "provisional: the session has not closed yet"}
    assert reasons(check(rows, US, after)) == {}


def test_today_is_the_exchanges_own_day(price_rows: Rows) -> None:
    """At 23:00 UTC it is tomorrow in Taipei: that day's bar is provisional there, not in the future."""
    rows = price_rows([10.0, 10.0], first=date(2024, 3, 4), exchange="TW")
    night = datetime(2024, 3, 4, 23, 0, tzinfo=UTC)
    assert reasons(check(rows, sessions_of("TW"), night)) == {3: "provisional: the session has not closed yet"}


def test_of_equal_rows_of_a_session_the_first_stays(price_rows: Rows) -> None:
    rows = price_rows([10.0, 11.0])
    twice = pl.concat([rows, rows.tail(1).with_columns(row_number=pl.lit(9, dtype=pl.Int64))])
    checked = check(twice, US, NOW)
    assert reasons(checked) == {9: "the session comes more than once, in rows 3, 9"}
    assert checked.good["close"].to_list() == [10.0, 11.0]


def test_of_different_rows_of_a_session_none_stays(price_rows: Rows) -> None:
    rows = price_rows([10.0, 11.0])
    other = replace(rows.tail(1), 3, close=10.9, open=10.9, low=10.9, row_number=9)
    checked = check(pl.concat([rows, other]), US, NOW)
    text = "the session comes with different values in rows 3, 9"
    assert reasons(checked) == {3: text, 9: text}
    assert checked.good["close"].to_list() == [10.0]


def test_a_faulty_twin_does_not_take_the_good_row_with_it(price_rows: Rows) -> None:
    rows = price_rows([10.0, 11.0])
    broken = replace(rows.tail(1), 3, close=None, row_number=9)
    checked = check(pl.concat([rows, broken]), US, NOW)
    assert reasons(checked) == {9: "close is missing"}
    assert checked.good["close"].to_list() == [10.0, 11.0]


def test_a_crash_costs_one_row(price_rows: Rows) -> None:
    checked = check(price_rows([100.0, 101.0, 40.0, 41.0, 42.0]), US, NOW)
    assert list(reasons(checked)) == [4]
    assert reasons(checked)[4].startswith("moved -60.4 % in a session without a split")


def test_a_wrong_price_costs_one_row(price_rows: Rows) -> None:
    checked = check(price_rows([10.0, 10.1, 1010.0, 10.2, 10.3]), US, NOW)
    assert list(reasons(checked)) == [4]
    assert checked.good["close"].to_list() == [10.0, 10.1, 10.2, 10.3]


def test_a_split_explains_a_move_and_its_absence_in_the_price_does_not(price_rows: Rows) -> None:
    splits = [1.0, 1.0, 4.0, 1.0]
    assert reasons(check(price_rows([400.0, 402.0, 101.0, 100.0], split=splits), US, NOW)) == {}
    assert list(reasons(check(price_rows([100.0, 100.5, 101.0, 100.0], split=splits), US, NOW))) == [4]


def test_a_dividend_explains_a_move(price_rows: Rows) -> None:
    rows = price_rows([100.0, 40.0], dividend=[0.0, 60.0])
    assert reasons(check(rows, US, NOW)) == {}


def test_first_rows_are_measured_against_what_is_stored(price_rows: Rows) -> None:
    known = price_rows([100.0, 101.0])
    following = price_rows([100.0, 101.0, 45.0]).tail(1)
    assert list(reasons(check(following, US, NOW, known=known))) == [4]
    assert reasons(check(following, US, NOW)) == {}


def test_a_refused_crash_does_not_refuse_the_next_day(price_rows: Rows) -> None:
    """The next load brings one row only; it is measured against the refused one as well."""
    all_rows = price_rows([100.0, 101.0, 40.0, 41.0])
    known = all_rows.head(3)  # two stored, one refused
    assert reasons(check(all_rows.tail(1), US, NOW, known=known)) == {}


def test_a_refused_wrong_price_does_not_refuse_the_next_day(price_rows: Rows) -> None:
    all_rows = price_rows([100.0, 101.0, 4000.0, 102.0])
    assert reasons(check(all_rows.tail(1), US, NOW, known=all_rows.head(3))) == {}


def test_a_repeated_move_is_accepted_with_its_close_only(price_rows: Rows) -> None:
    rows = price_rows([100.0, 40.0, 41.0])
    accepted = rows.filter(row_number=3).select("exchange", "ticker", "session", "close")
    assert reasons(check(rows, US, NOW, accepted=accepted)) == {}
    assert list(reasons(check(rows, US, NOW, accepted=accepted.with_columns(close=pl.lit(39.0))))) == [3]
    vouched = accepted.with_columns(close=pl.lit(None, dtype=pl.Float64))
    assert reasons(check(rows, US, NOW, accepted=vouched)) == {}


def test_tickers_are_judged_apart(price_rows: Rows) -> None:
    rows = pl.concat([price_rows([10.0, 10.1]), price_rows([500.0, 501.0], ticker="U", row_number=[4, 5])])
    assert reasons(check(rows, US, NOW)) == {}


def test_the_sample_is_sound_but_for_one_real_crash() -> None:
    checked = check(_daily(), US, NOW)
    assert checked.rejected.select("ticker", "session").rows() == [("AAPL", date(2000, 9, 29))]


@settings(deadline=None, max_examples=50)
@given(
    closes=st.lists(st.none() | st.floats(allow_nan=True) | st.floats(1, 1e4), min_size=1, max_size=12),
    days=st.lists(st.dates(date(2019, 12, 1), date(2020, 2, 1)), min_size=12, max_size=12),
)
def test_every_row_is_either_good_or_refused_with_a_reason(closes: list[float | None], days: list[date]) -> None:
    from stock_mlops.prices.schema import SOURCE_SCHEMA

    rows = pl.DataFrame({"close": closes}, schema_overrides={"close": pl.Float64}).with_columns(
        exchange=pl.lit("US"),
        ticker=pl.lit("T"),
        session=pl.Series(days[: len(closes)]),
        open="close",
        high="close",
        low="close",
        volume=pl.lit(1.0),
        dividend=pl.lit(0.0),
        split=pl.lit(1.0),
        adj_close=pl.lit(None),
        source=pl.lit("test"),
        row_number=pl.int_range(pl.len()),
    )
    checked = check(rows.select(pl.col(name).cast(kind) for name, kind in SOURCE_SCHEMA.items()), US, NOW)
    assert checked.good.height + checked.rejected.height == len(closes)
    assert checked.rejected["reason"].null_count() == 0
    assert checked.good["session"].is_unique().all()
    assert checked.good["session"].is_in(US.between(date(2019, 12, 1), date(2020, 2, 1))).all()
    assert (checked.good["close"].is_finite() & (checked.good["close"] > 0)).all()
