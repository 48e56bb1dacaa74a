from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stock_mlops.forecasting.reference import Reference


@pytest.fixture
def reference() -> Reference:
    rng = np.random.default_rng(1)
    return Reference.of(rng.normal(size=(500, 3)), [rng.normal(size=200)])


def test_the_quantiles_are_numpys() -> None:
    x = np.random.default_rng(2).normal(size=(333, 4))
    grid = np.linspace(0, 1, 41)
    reference = Reference.of(x, [x[:, 0]])
    assert reference.features == pytest.approx(np.quantile(x, grid, axis=0).T)
    assert reference.forecasts[0] == pytest.approx(np.quantile(x[:, 0], grid))


def test_only_what_lies_beyond_all_training_values_is_outside(reference: Reference) -> None:
    lowest, highest = reference.features[:, 0], reference.features[:, -1]
    assert reference.outside(lowest) == reference.outside(highest) == []
    assert reference.outside(np.array([lowest[0] - 1e-9, 0.0, highest[2] + 1e-9])) == [0, 2]


def test_many_rows_are_told_as_each_by_itself(reference: Reference) -> None:
    rows = np.random.default_rng(4).normal(size=(50, 3)) * 3
    found = reference.outside_many(rows)
    assert found == [reference.outside(row) for row in rows]
    assert any(found)


def test_made_up_inputs_look_like_the_training_rows_and_are_always_the_same(reference: Reference) -> None:
    sample = reference.sample(400)
    assert np.array_equal(sample, reference.sample(400))
    assert all(reference.outside(row) == [] for row in sample)
    assert np.quantile(sample, 0.5, axis=0) == pytest.approx(reference.features[:, 20], abs=0.2)


def test_it_survives_its_file(reference: Reference, tmp_path: Path) -> None:
    reference.save(tmp_path / "reference.npz")
    loaded = Reference.load(tmp_path / "reference.npz")
    assert np.array_equal(loaded.features, reference.features)
    assert np.array_equal(loaded.forecasts, reference.forecasts)
