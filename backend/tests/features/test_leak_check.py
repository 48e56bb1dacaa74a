"""The check passes what the registry holds, and catches the leaks that are made on purpose here."""

from __future__ import annotations

import math

import polars as pl
import pytest
from stock_mlops.features.leak_check import TOLERANCE, Verdict, check_leaks
from stock_mlops.features.registry import Feature, registry
from stock_mlops.prices.adjustment import adjust
from stock_mlops.prices.sources.sample import _daily

CLOSE, VOLUME = pl.col("close"), pl.col("volume")
RETURN = (CLOSE / CLOSE.shift(1)).log()


@pytest.fixture(scope="module")
def clean() -> pl.DataFrame:
    return adjust(_daily().filter(pl.col("ticker") == "IBM").head(900))


def verdict(clean: pl.DataFrame, expression: pl.Expr, lookback: int = 20, *inputs: str) -> Verdict:
    (found,) = check_leaks(clean, [Feature("suspect", "test", inputs or ("close",), lookback, expression)])
    return found


LEAKS = {
    "a centred window": CLOSE / CLOSE.rolling_mean(5, center=True),
    "a backfill": (CLOSE / CLOSE.rolling_mean(20)).fill_null(strategy="backward"),
    "a global z-score": (RETURN - RETURN.mean()) / RETURN.std(),
    "a z-score by the whole deviation": RETURN.fill_null(0.0) / RETURN.std(),
    "tomorrow's close": CLOSE.shift(-1) / CLOSE - 1,
    "a rank over the whole series": CLOSE.rank() / CLOSE.len(),
    "the share of the all-time high": CLOSE / CLOSE.max(),
    "a window of the reversed series": CLOSE.reverse().rolling_mean(5).reverse() / CLOSE,
}


@pytest.mark.parametrize("expression", LEAKS.values(), ids=LEAKS.keys())
def test_a_leak_is_caught(expression: pl.Expr, clean: pl.DataFrame) -> None:
    found = verdict(clean, expression)
    assert found.truncation > 0
    assert found.problems[0].startswith("past values change")


def test_a_leak_of_sizes_alone_is_caught_by_the_perturbation(clean: pl.DataFrame) -> None:
    """Whoever divides by tomorrow's volume and hides that it is missing on the last day."""
    found = verdict(clean, VOLUME / VOLUME.shift(-1, fill_value=1e6), 0, "volume")
    assert found.perturbation > 0


def test_a_lookback_that_is_too_short_is_caught(clean: pl.DataFrame) -> None:
    found = verdict(clean, CLOSE / CLOSE.rolling_mean(10), 8)
    assert (found.truncation, found.perturbation, found.warm_up) == (0.0, 0.0, math.inf)
    assert found.problems == ["8 sessions of lookback are too few: a later start shows by inf"]
    assert not verdict(clean, CLOSE / CLOSE.rolling_mean(10), 9).problems


def test_a_recursion_that_has_not_forgotten_its_start_is_caught(clean: pl.DataFrame) -> None:
    average = CLOSE / CLOSE.ewm_mean(span=12, adjust=False) - 1
    assert verdict(clean, average, 30).warm_up > TOLERANCE
    assert not verdict(clean, average, 150).problems


def test_an_accumulation_is_caught_by_the_warm_up(clean: pl.DataFrame) -> None:
    assert verdict(clean, RETURN.fill_null(0.0).cum_sum(), 500).warm_up > TOLERANCE


def test_one_leak_does_not_accuse_its_neighbours(clean: pl.DataFrame) -> None:
    honest = Feature("honest", "test", ("close",), 1, RETURN)
    leaking = Feature("leaking", "test", ("close",), 0, CLOSE.shift(-1) / CLOSE)
    assert [bool(found.problems) for found in check_leaks(clean, [honest, leaking])] == [False, True]


def test_a_history_that_is_too_short_is_said_to_be_untested(clean: pl.DataFrame) -> None:
    (found,) = check_leaks(clean.head(60), [registry()["EMA26"]])
    assert (found.untested, found.problems) == (["warm-up"], [])
    (found,) = check_leaks(clean.head(15), [registry()["MA10"]])
    assert found.untested == []


def test_no_registered_feature_leaks(clean: pl.DataFrame) -> None:
    verdicts = check_leaks(clean, list(registry().values()))
    assert {found.feature: found.problems for found in verdicts if found.problems} == {}
    assert [found.feature for found in verdicts if found.untested] == []
