"""How model types are found, and what is said about one that cannot be trained here."""

from __future__ import annotations

import pytest
from stock_mlops.forecasting import estimators
from stock_mlops.forecasting.estimators import available, estimator_types


def test_simpler_types_are_offered_first() -> None:
    assert estimator_types() == (
        "random_walk", "drift", "mean", "ridge", "lasso", "elastic_net", "logistic_regression", "random_forest",
        "hist_gradient_boosting", "lightgbm", "mlp",
    )  # fmt: skip


def test_a_missing_extra_is_named_with_its_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimators, "find_spec", lambda _name: None)
    reason = available("mlp")
    assert reason is not None
    assert "mlp needs jax and optax" in reason
    assert "uv pip install 'stock-mlops[mlp]'" in reason
    assert available("ridge") is None
