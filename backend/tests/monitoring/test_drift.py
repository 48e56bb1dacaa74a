"""Drift is told on synthetic series whose truth is known; the measurement on real prices is bench.drift's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import anderson
from stock_mlops.monitoring.drift import DriftReference, _anderson_darling, _drifted, watch_drift

Rows = NDArray[np.float64]
COLUMNS = ("noise", "slow", "skewed")
FAMILIES = ([0], [1, 2])


def rows(n: int, seed: int = 1, scale: float = 1.0, shift: float = 0.0) -> Rows:
    """Independent noise, a series that remembers some ten rows, and a skewed one."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=n) * scale + shift
    slow = np.zeros(n)
    step = rng.normal(size=n) * scale
    for row in range(1, n):
        slow[row] = 0.9 * slow[row - 1] + step[row]
    return np.column_stack([noise, slow + shift, np.exp(rng.normal(size=n)) * scale])


@pytest.fixture(scope="module")
def reference() -> DriftReference:
    return DriftReference.of(COLUMNS, rows(1500), window=40)


def test_the_statistic_is_anderson_and_darlings() -> None:
    # scipy has it for a normal distribution of estimated parameters: the same sum over their probabilities.
    from scipy.stats import norm

    x = np.random.default_rng(2).normal(size=200)
    u = norm.cdf((x - x.mean()) / x.std(ddof=1))
    assert _anderson_darling(u[np.newaxis])[0] == pytest.approx(
        anderson(x, dist="norm", method="interpolate").statistic, rel=1e-9
    )


def test_a_series_that_remembers_is_drawn_in_longer_blocks(reference: DriftReference) -> None:
    assert reference.blocks[1] > 3 * reference.blocks[0]


def test_undisturbed_windows_are_seldom_called_drifted(reference: DriftReference) -> None:
    fresh = rows(40 * 500, seed=9)
    p_values = np.array([reference.compare(window).p_value for window in np.split(fresh, 500)])
    shares = (p_values <= 0.02).mean(axis=0)
    # A sample of forty windows does not show all that a slow series does.
    assert (shares < [0.04, 0.08, 0.04]).all(), shares


@pytest.mark.parametrize("change", [{"scale": 3.0}, {"shift": 2.0}, {"scale": 0.2}])
def test_a_change_of_scale_or_level_is_found(reference: DriftReference, change: dict[str, float]) -> None:
    result = reference.compare(rows(40, seed=5, **change))
    moved = [0] if "shift" in change else [0, 2]
    assert (result.statistic[moved] > 1).all()
    assert (result.p_value[moved] <= 0.01).all()


@given(factor=st.floats(0.1, 50.0), offset=st.floats(-5.0, 5.0), seed=st.integers(0, 100))
@settings(max_examples=8, deadline=None)
def test_units_do_not_matter(factor: float, offset: float, seed: int) -> None:
    x, window = rows(300, seed), rows(40, seed + 1)
    plain = DriftReference.of(COLUMNS, x).compare(window)
    scaled = DriftReference.of(COLUMNS, x * factor + offset).compare(window * factor + offset)
    assert scaled.statistic == pytest.approx(plain.statistic, rel=1e-4)
    assert scaled.p_value == pytest.approx(plain.p_value, rel=0.05, abs=1e-3)


def test_the_order_inside_a_window_does_not_matter(reference: DriftReference) -> None:
    window = rows(40, seed=4)
    again = reference.compare(window[::-1])
    assert again.statistic == pytest.approx(reference.compare(window).statistic)


def test_what_was_never_seen_is_rarer_than_any_resample(reference: DriftReference) -> None:
    assert (reference.compare(np.full((40, 3), 1e9)).p_value < 1e-4).all()


def test_p_values_fall_as_the_statistic_rises_also_where_the_tail_begins(reference: DriftReference) -> None:
    told = np.linspace(0.0, 2.0 * reference.undisturbed[:, -1], 400)
    p_values = np.array([reference._p_values(row) for row in told])
    assert (np.diff(p_values, axis=0) <= 1e-12).all()
    # The tail is fitted to the same windows: it may leave their distribution a little, not jump.
    assert np.abs(np.diff(p_values, axis=0)).max() < 0.12


def test_a_few_telling_columns_are_not_drowned_by_many(reference: DriftReference) -> None:
    p_value = np.array([0.012, 0.5, 0.6])
    assert _drifted(p_value, [[0], [1, 2]], 0.02).tolist() == [True, False, False]
    assert not _drifted(p_value, [[0, 1, 2]], 0.02).any()


def test_it_survives_its_bytes(reference: DriftReference) -> None:
    again = DriftReference.from_bytes(reference.to_bytes())
    assert again is not None
    window = rows(40, seed=3)
    assert again.columns == COLUMNS
    assert np.array_equal(again.compare(window).p_value, reference.compare(window).p_value)


def test_too_few_training_rows_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected at least 200 training rows \(five windows\), got 199"):
        DriftReference.of(COLUMNS, rows(199), window=40)


def test_an_alarm_takes_as_many_sessions_as_persistence_asks_for(reference: DriftReference) -> None:
    quiet, loud = rows(44, seed=11), rows(60, seed=12, scale=6.0)
    told = []
    for after in range(40):
        found = watch_drift(reference, np.vstack([quiet, loud[:after]])[-44:], FAMILIES, 0.05, persistence=4, of=5)
        assert found is not None
        told.append((found.sessions, found.persistent))
    first = next(position for position, (sessions, _) in enumerate(told) if sessions)
    assert [persistent for _, persistent in told[first : first + 4]] == [False, False, False, True]
    assert all(persistent for _, persistent in told[first + 4 :])


def test_too_few_rows_for_a_window_say_nothing(reference: DriftReference) -> None:
    assert watch_drift(reference, rows(39), FAMILIES, 0.05, 4, 5) is None
