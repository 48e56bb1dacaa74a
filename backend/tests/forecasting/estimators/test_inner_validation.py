from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stock_mlops.forecasting.estimators.early_stopping import best_iteration, held_out
from stock_mlops.forecasting.estimators.inner_validation import most_restrained, purged_blocks


@given(
    sessions=st.integers(60, 800), per_session=st.integers(1, 4), horizon=st.integers(1, 60), seed=st.integers(0, 99)
)
def test_no_label_of_the_fit_meets_one_of_the_block(sessions: int, per_session: int, horizon: int, seed: int) -> None:
    """Sessions with gaps, rows that share them, every horizon: labels run from a row's session to horizon later."""
    rng = np.random.default_rng(seed)
    t = np.sort(rng.choice(2 * sessions, sessions, replace=False)).repeat(per_session)
    blocks = purged_blocks(t, horizon)
    for block in blocks:
        fitted = np.delete(t, block.left_out)
        validated = t[block.rows]
        apart = (fitted + horizon < validated.min()) | (fitted > validated.max() + horizon)
        assert len(fitted) >= 50
        assert apart.all()
    if len(blocks) == 10:
        assert np.array_equal(np.concatenate([t[block.rows] for block in blocks]), t)


def test_too_few_rows_are_not_split() -> None:
    assert purged_blocks(np.arange(40), 1) == []
    assert purged_blocks(np.arange(5), 1) == []


def test_of_equally_good_candidates_the_most_restrained_is_taken() -> None:
    rng = np.random.default_rng(0)
    hard = rng.uniform(1, 10, (10, 1))  # blocks differ far more than candidates do
    noise = rng.normal(0, 0.02, (10, 4))
    assert most_restrained(hard + noise) == 0
    assert most_restrained(hard + noise + np.array([0.5, 0.2, 0.0, 0.0])) == 2
    assert most_restrained(np.array([[2.0, 1.0], [3.0, 2.0]])) == 1


def test_the_newest_rows_say_where_to_stop() -> None:
    found = held_out(np.arange(100), 5)
    assert found is not None
    assert (found[0].max(), found[1].min(), found[1].max()) == (74, 80, 99)
    assert held_out(np.arange(50), 5) is None


@pytest.mark.parametrize(("losses", "iterations"), [([3.0, 2.0, 2.5], 2), ([1.0, 2.0], 1), ([2.0, 1.0, 1.0], 2)])
def test_the_best_iteration_is_counted_from_one(losses: list[float], iterations: int) -> None:
    assert best_iteration(losses) == iterations
