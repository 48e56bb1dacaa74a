from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
from stock_mlops.instruments import sessions_of
from stock_mlops.monitoring.quality import Check, price_findings

DAYS = sessions_of("US").between(date(2011, 1, 3), date(2012, 6, 29))


def prices(**replaced: dict[int, float]) -> pl.DataFrame:
    """A random walk; ``replaced`` gives columns other values at rows counted from the end (-1 is the newest)."""
    rng = np.random.default_rng(4)
    close = 100 * np.exp(rng.normal(0, 0.01, len(DAYS)).cumsum())
    columns: dict[str, Any] = {
        "session": DAYS,
        "open": close * np.exp(rng.normal(0, 0.003, len(DAYS))),
        "high": close * 1.02,
        "low": close * 0.98,
        "close": close,
        "volume": rng.integers(1_000, 9_000, len(DAYS)).astype(float),
        "factor": np.full(len(DAYS), 0.5),
    }
    for name, values in replaced.items():
        for row, value in values.items():
            columns[name][row] = value
    return pl.DataFrame(columns)


def found(frame: pl.DataFrame, judged: int = 20) -> list[tuple[Check, date]]:
    return [(finding.check, finding.session) for finding in price_findings(frame, DAYS, judged)]


def test_a_quiet_history_has_no_findings() -> None:
    assert found(prices(), judged=200) == []


def test_a_feed_that_repeats_yesterday_is_found_at_its_first_session() -> None:
    frame = prices()
    last = frame.tail(1)
    repeated = pl.concat([frame.head(-1), frame[-2].with_columns(session=last["session"])])
    assert found(repeated) == [(Check.REPEATED_BAR, DAYS[-1])]


def test_a_repeated_bar_is_found_also_where_a_dividend_changed_the_factor() -> None:
    frame = prices()
    again = frame[-2].with_columns(
        (pl.col(name) * 2 for name in ("open", "high", "low", "close")), session=DAYS[-1], factor=pl.lit(1.0)
    )
    assert (Check.REPEATED_BAR, DAYS[-1]) in found(pl.concat([frame.head(-1), again]))


def test_a_session_without_trades_may_stand_still() -> None:
    frame = prices()
    flat = frame[-2].with_columns(pl.col("close").alias(name) for name in ("open", "high", "low"))
    flat = flat.with_columns(volume=pl.lit(0.0))
    still = pl.concat([frame.head(-2), flat, flat.with_columns(session=DAYS[-1])])
    assert found(still.with_columns(session=pl.Series(DAYS))) == [
        (Check.ZERO_VOLUME, DAYS[-2]),
        (Check.ZERO_VOLUME, DAYS[-1]),
    ]


def test_sessions_that_are_not_stored_are_named() -> None:
    frame = prices().filter(~pl.col("session").is_in([DAYS[-3], DAYS[-30]]))
    assert found(frame) == [(Check.MISSING_SESSION, DAYS[-3])]


def test_a_move_far_beyond_the_usual_is_told_once() -> None:
    frame = prices()
    jumped = frame.with_columns(
        close=pl.when(pl.col("session") >= DAYS[-5]).then(pl.col("close") * 1.4).otherwise("close")
    )
    assert found(jumped) == [(Check.OUTLIER, DAYS[-5])]


def test_only_the_newest_sessions_are_judged() -> None:
    frame = prices(volume={-21: 0.0, -20: 0.0})
    assert found(frame) == [(Check.ZERO_VOLUME, DAYS[-20])]


def test_a_history_too_short_to_know_what_is_usual_has_no_outliers() -> None:
    frame = prices().tail(30).with_columns(close=pl.lit(100.0))
    jumped = frame.with_columns(close=pl.when(pl.col("session") == DAYS[-1]).then(140.0).otherwise("close"))
    assert found(jumped) == []
