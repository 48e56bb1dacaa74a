from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stock_mlops.monitoring.bootstrap import block_length, stationary_positions


def autoregression(phi: float, n: int = 2000, seed: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=n)
    values = np.zeros(n)
    for row in range(1, n):
        values[row] = phi * values[row - 1] + noise[row]
    return values


def test_independent_values_need_no_blocks_to_speak_of() -> None:
    assert block_length(autoregression(0.0)) < 4


def test_the_longer_the_memory_the_longer_the_blocks() -> None:
    lengths = [block_length(autoregression(phi)) for phi in (0.0, 0.5, 0.9, 0.98)]
    assert lengths == sorted(lengths)
    # Politis and White's constant for an AR(1): (2 G^2 / D)^(1/3) n^(1/3) with G / g(0) = 2 phi / (1 - phi^2).
    exact = (2 * (2 * 0.9 / (1 - 0.9**2)) ** 2 / 2) ** (1 / 3) * 2000 ** (1 / 3)
    assert lengths[2] == pytest.approx(exact, rel=0.35)


def test_a_constant_needs_no_blocks() -> None:
    assert block_length(np.full(500, 3.0)) == 1.0


@given(
    n=st.integers(2, 400),
    length=st.integers(1, 60),
    block=st.floats(1.0, 80.0),
    seed=st.integers(0, 1000),
)
@settings(max_examples=50, deadline=None)
def test_positions_are_rows_and_run_on_inside_a_block(n: int, length: int, block: float, seed: int) -> None:
    drawn = stationary_positions(n, length, block, 20, np.random.default_rng(seed))
    assert drawn.shape == (20, length)
    assert drawn.min() >= 0
    assert drawn.max() < n


def test_blocks_have_the_mean_length_that_was_asked_for() -> None:
    drawn = stationary_positions(100_000, 5000, 25.0, 20, np.random.default_rng(3))
    begun = (np.diff(drawn, axis=1) % 100_000 != 1).mean()
    assert 1 / begun == pytest.approx(25.0, rel=0.1)
