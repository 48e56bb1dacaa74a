from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from stock_mlops.monitoring.columns import YEAR, return_columns

RNG = np.random.default_rng(1)
CLOSE = 100 * np.exp(RNG.normal(0, 0.01, 600).cumsum())
RANGE = np.abs(RNG.normal(0.02, 0.005, 600))


def test_they_are_what_polars_makes_of_them() -> None:
    frame = pl.DataFrame({"close": CLOSE, "range": RANGE})
    moves = pl.col("close").log().diff()
    wanted = frame.select(
        moves,
        relative=moves / moves.rolling_std(YEAR).shift(1),
        range=pl.col("range") / pl.col("range").shift(1).rolling_mean(YEAR),
    ).to_numpy()
    found = return_columns(CLOSE, RANGE)
    assert np.isnan(found[: YEAR + 1, 1:]).all()
    assert found[YEAR + 1 :] == pytest.approx(wanted[YEAR + 1 :])


def test_a_session_is_not_measured_against_itself_nor_against_later_ones() -> None:
    changed = RANGE.copy()
    changed[400:] *= 3
    before, after = return_columns(CLOSE, RANGE)[:, 2], return_columns(CLOSE, changed)[:, 2]
    assert np.array_equal(before[:400], after[:400], equal_nan=True)
    assert after[400] == pytest.approx(3 * before[400])


@pytest.mark.parametrize("n", [0, 1, YEAR, YEAR + 1])
def test_a_short_history_has_no_relative_values(n: int) -> None:
    found = return_columns(CLOSE[:n], RANGE[:n])
    assert found.shape == (n, 3)
    assert np.isnan(found[:, 1:]).all()
