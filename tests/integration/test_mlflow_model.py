"""The saved MLflow model, loaded again by MLflow itself, whose import alone takes seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stock_kit.server_settings import MlflowSettings
from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.forecasting.bundle import BundleInfo, ForecastBundle
from stock_mlops.forecasting.engine import LinearEngine
from stock_mlops.forecasting.intervals import Intervals
from stock_mlops.forecasting.reference import Reference
from stock_mlops.stores.registry import ModelFiles, ModelRegistry, save_model

# mlflow's imports warn about other libraries' future; nothing of that is ours.
pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]


@pytest.fixture
def bundle(tmp_path: Path) -> ForecastBundle:
    from datetime import date

    info = BundleInfo(
        exchange="US",
        registered_model="stock-US-TEST",
        tickers=("TEST",),
        model_type="ridge",
        task="regression",
        features=("gap", "return_1"),
        horizon=2,
        params={"alpha": 1.0},
        seed=7,
        spec_hash="h",
        feature_version="f",
        data_version="d",
        trained_from=date(2001, 1, 2),
        trained_until=date(2002, 1, 2),
    )
    engine = LinearEngine(np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([0.01, 0.02]), logistic=False)
    errors = np.linspace(-0.1, 0.1, 99)
    reference = Reference(np.zeros((2, 41)), np.zeros((2, 41)))
    bundle = ForecastBundle(info, engine, Intervals.of([errors, errors]), reference)
    bundle.save(tmp_path / "bundle")
    return bundle


def test_mlflow_loads_the_model_with_its_signature_and_example(bundle: ForecastBundle, tmp_path: Path) -> None:
    import mlflow.pyfunc
    import pandas as pd

    files = ModelFiles(
        tmp_path / "bundle",
        tmp_path,
        tmp_path,
        tmp_path / "model_card.md",
        bundle.features,
        ["return_1", "return_2"],
        {"gap": 1.0, "return_1": 2.0},
    )
    save_model(tmp_path / "model", files)
    model = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    assert model.metadata.signature.inputs.input_names() == ["gap", "return_1"]
    assert model.input_example.to_dict("records") == [{"gap": 1.0, "return_1": 2.0}]
    # Columns are taken by name, in whatever order they come.
    answer = model.predict(pd.DataFrame({"return_1": [2.0, 0.0], "gap": [1.0, 0.0]}))
    assert list(answer.columns) == ["return_1", "return_2"]
    assert answer.to_numpy() == pytest.approx(np.array([[0.71, 1.02], [0.01, 0.02]]))
    # The bundle is where serving looks for it.
    assert ForecastBundle.load(tmp_path / "model" / "artifacts" / "bundle").info == bundle.info


def test_a_server_that_does_not_answer_is_a_dependency_that_is_unavailable() -> None:
    registry = ModelRegistry(MlflowSettings(port=1, request_timeout=1))
    with pytest.raises(DependencyUnavailableError, match="MLflow"):
        registry.promote("stock-US-TEST", 1, "champion")
