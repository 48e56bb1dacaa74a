from __future__ import annotations

import numpy as np
import pytest
from stock_mlops.forecasting.intervals import conformal_half_width
from stock_mlops.forecasting.reliability import interval_hits, reliability, rolling_mean


def test_stated_chances_that_come_true_lie_on_the_diagonal_and_boastful_ones_do_not() -> None:
    rng = np.random.default_rng(1)
    chance = rng.uniform(0.3, 0.7, 40_000)
    y = np.where(rng.uniform(size=len(chance)) < chance, 0.01, -0.01)
    honest = reliability(y, chance)
    assert [item.n for item in honest] == [4000] * 10
    assert [item.observed for item in honest] == pytest.approx([item.stated for item in honest], abs=0.03)
    boastful = reliability(y, 0.5 + 2 * (chance - 0.5))
    assert boastful[-1].observed < boastful[-1].stated - 0.1
    assert [item.observed for item in boastful] == [item.observed for item in honest]


def test_chances_that_were_not_stated_do_not_count_and_few_make_no_bins() -> None:
    chance = np.where(np.arange(100) < 35, np.nan, 0.5)
    bins = reliability(np.ones(100), chance)
    assert [(item.stated, item.observed, item.n) for item in bins] == [(0.5, 1.0, 33), (0.5, 1.0, 32)]
    assert reliability(np.ones(29), np.full(29, 0.5)) == []


@pytest.mark.parametrize("forward", [True, False])
def test_a_window_is_judged_by_the_errors_of_other_windows_and_of_earlier_ones_only_when_time_goes_forward(
    forward: bool,
) -> None:
    rng = np.random.default_rng(2)
    y, fold = rng.normal(0, 0.01, 300), np.repeat([0, 1, 2], 100)
    hits = interval_hits(y, np.zeros(300), fold, forward=forward)
    width = conformal_half_width(y[fold < 1] if forward else y[fold != 1])
    np.testing.assert_array_equal(hits[fold == 1], np.abs(y[fold == 1]) <= width)
    assert np.isnan(hits[fold == 0]).all() == forward


def test_a_rolling_mean_begins_with_the_first_full_window() -> None:
    np.testing.assert_allclose(rolling_mean(np.array([1.0, 0.0, 0.0, 1.0, 1.0]), 2), [0.5, 0.0, 0.5, 1.0])
    assert len(rolling_mean(np.ones(3), 4)) == 0
