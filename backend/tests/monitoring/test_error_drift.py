from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stock_mlops.forecasting.estimators.base import Floats
from stock_mlops.monitoring.error_drift import FEWEST, error_drifts, relative_errors


def errors(*parts: tuple[int, float], seed: int = 1) -> Floats:
    """Absolute normal errors in half-widths of a 90 % interval; each part has its length and its scale."""
    random = np.random.default_rng(seed)
    return np.concatenate([np.abs(random.standard_normal(count)) * scale / 1.645 for count, scale in parts])


def test_errors_that_stay_as_they_are_give_no_finding() -> None:
    found = [item for seed in range(20) for item in error_drifts(errors((1000, 1.0), seed=seed))]
    assert len(found) <= 2


@pytest.mark.parametrize(("method", "within"), [("page_hinkley", 60), ("adwin", 80)])
def test_errors_that_double_are_found_by_both_methods(method: str, within: int) -> None:
    for seed in range(5):
        found = [item for item in error_drifts(errors((300, 1.0), (150, 2.0), seed=seed)) if item.method == method]
        assert 300 <= found[0].position < 300 + within
        assert found[0].before == pytest.approx(0.49, abs=0.1)
        assert found[0].after > 1.3 * found[0].before


def test_errors_that_become_smaller_are_good_news() -> None:
    assert error_drifts(errors((300, 2.0), (300, 0.5))) == []


def test_one_wild_day_is_no_drift() -> None:
    values = errors((300, 1.0))
    values[200] = 50.0
    assert error_drifts(values) == []


def test_nothing_is_told_before_there_are_enough_outcomes() -> None:
    assert error_drifts(np.zeros(0)) == []
    assert [item for item in error_drifts(errors((5, 0.1), (24, 9.0))) if item.position < FEWEST - 1] == []


@given(st.integers(0, 100), st.integers(1, 400))
def test_what_was_found_does_not_depend_on_what_came_later(seed: int, count: int) -> None:
    values = errors((200, 1.0), (200, 2.5), seed=seed)
    early = error_drifts(values[:count])
    assert early == [item for item in error_drifts(values) if item.position < count]


def test_an_error_is_measured_by_its_own_interval() -> None:
    given_widths = np.array([0.02, 0.04, 0.04])
    assert relative_errors(np.array([0.01, -0.01, 0.04]), given_widths) == pytest.approx([1.0, 0.5, 2.0])


def test_without_an_interval_it_is_measured_by_the_first_errors() -> None:
    random = np.random.default_rng(0)
    raw = random.standard_normal(500) * 0.01
    without = relative_errors(raw, np.full(500, np.nan))
    with_interval = relative_errors(raw, np.full(500, 2 * 1.645 * 0.01))
    assert without.mean() == pytest.approx(with_interval.mean(), rel=0.4)
    assert relative_errors(np.zeros(0), np.zeros(0)).shape == (0,)
    assert np.isfinite(relative_errors(np.zeros(3), np.full(3, np.nan))).all()
