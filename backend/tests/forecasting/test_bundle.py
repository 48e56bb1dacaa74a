from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stock_mlops.errors import HorizonError, UnusableVectorError
from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.forecasting.engine import (
    EngineMismatchError,
    EstimatorEngine,
    LinearEngine,
    build_engine,
    serving_engine,
)
from stock_mlops.forecasting.estimators import estimator_types
from stock_mlops.forecasting.estimators.base import LinearForm
from stock_mlops.forecasting.estimators.hist_gradient_boosting import HistGradientBoosting, HistGradientBoostingParams
from stock_mlops.forecasting.estimators.random_walk import RandomWalk
from stock_mlops.forecasting.trainer import train

from .conftest import FEATURES, MakeFrame, MakeSpec

QUICK = {
    "random_forest": {"n_estimators": 10},
    "hist_gradient_boosting": {"max_iter": 10},
    "lightgbm": {"n_estimators": 10},
}
ROW = {"return_1": 0.01, "gap": -0.3, "rsi_14": 55.0}


@pytest.fixture
def bundle(make_frame: MakeFrame, make_spec: MakeSpec) -> ForecastBundle:
    spec = make_spec(horizon=3, params={"alpha": 1.0})
    return train(spec, make_frame(700, phi=0.4), data_version="d", feature_version="f").bundle


# The perceptron compiles for seconds; its contract suite saves and loads it.
@pytest.mark.parametrize("model_type", [name for name in estimator_types() if name != "mlp"])
def test_a_loaded_bundle_answers_the_same_and_each_load_bit_for_bit(
    make_frame: MakeFrame, make_spec: MakeSpec, tmp_path: Path, model_type: str
) -> None:
    spec = make_spec(model_type=model_type, params=QUICK.get(model_type, {}))
    saved = train(spec, make_frame(600), data_version="d", feature_version="f").bundle
    saved.save(tmp_path / "bundle")
    loaded = ForecastBundle.load(tmp_path / "bundle")
    assert loaded.info == saved.info
    # Trees are served by another engine than the one they were trained in, which adds them up in another order.
    for one, other in zip(loaded.predict_path(ROW, 2), saved.predict_path(ROW, 2), strict=True):
        assert one.predicted_return == pytest.approx(other.predicted_return, rel=1e-12)
        assert one.half_widths == other.half_widths
    assert ForecastBundle.load(tmp_path / "bundle").predict_path(ROW, 2) == loaded.predict_path(ROW, 2)


def test_names_and_positions_give_the_same_forecast(bundle: ForecastBundle) -> None:
    by_name = bundle.predict({"unused": 9.0, **ROW}, 2)
    assert by_name == bundle.predict(np.array([ROW[name] for name in FEATURES]), 2)
    assert by_name == bundle.predict_path(ROW, 3)[1]


def test_a_forecast_lies_within_its_interval_and_leans_where_it_points(bundle: ForecastBundle) -> None:
    rise, fall = bundle.predict({**ROW, "return_1": 0.03}), bundle.predict({**ROW, "return_1": -0.03})
    for forecast in (rise, fall):
        assert 0 < forecast.half_widths[0] < forecast.half_width < forecast.half_widths[-1]
    assert rise.predicted_return > 0 > fall.predicted_return
    assert rise.probability_up > 0.5 > fall.probability_up


@pytest.mark.parametrize("model_type", ["ridge", "logistic_regression", "hist_gradient_boosting"])
def test_many_at_once_are_the_same_forecasts_as_one_by_one(
    make_frame: MakeFrame, make_spec: MakeSpec, tmp_path: Path, model_type: str
) -> None:
    spec, frame = make_spec(model_type=model_type), make_frame(600)
    train(spec, frame, data_version="d", feature_version="f").bundle.save(tmp_path)
    loaded = ForecastBundle.load(tmp_path)
    rows = frame.select(spec.features).to_numpy()[-30:]
    many = loaded.predict_many(rows, 2)
    single = [loaded.predict(row, 2) for row in rows]
    assert many.predicted_return == pytest.approx([item.predicted_return for item in single], rel=1e-12)
    assert many.probability_up == pytest.approx([item.probability_up for item in single], rel=1e-12)
    assert many.half_widths.tolist() == list(single[0].half_widths)
    rows[3, 1] = np.nan
    with pytest.raises(UnusableVectorError, match="1 rows without, the first at position 3"):
        loaded.predict_many(rows, 2)


@pytest.mark.parametrize("task", ["regression", "direction"])
@pytest.mark.parametrize("model_type", ["random_forest", "hist_gradient_boosting"])
def test_trees_are_served_by_an_engine_that_answers_as_their_estimators_do(
    make_frame: MakeFrame, make_spec: MakeSpec, tmp_path: Path, model_type: str, task: str
) -> None:
    spec = make_spec(model_type=model_type, task=task, params=QUICK[model_type])
    frame = make_frame(600, phi=0.3)
    trained = train(spec, frame, data_version="d", feature_version="f").bundle
    trained.save(tmp_path)
    loaded = ForecastBundle.load(tmp_path)
    assert (trained.engine.kind, loaded.engine.kind) == ("estimator", "trees")
    rows = frame.select(spec.features).to_numpy()
    before, after = trained.predict_rows(rows), loaded.predict_rows(rows)
    assert np.abs(after - before).max() <= 1e-12 * np.abs(before).max()


def test_trees_that_answer_otherwise_do_not_serve() -> None:
    x = np.linspace(-1, 1, 80).reshape(-1, 1)
    honest = HistGradientBoosting(HistGradientBoostingParams(max_iter=5, patience=None), 1).fit(x, x[:, 0])
    other = HistGradientBoosting(HistGradientBoostingParams(max_iter=5, patience=None), 1).fit(x, -x[:, 0])

    class Lying(HistGradientBoosting):
        def tree_model(self) -> Any:
            return other.tree_model()

    lying = Lying(honest.params, 1)
    lying._model = honest._model
    assert serving_engine(EstimatorEngine([honest]), x).kind == "trees"
    assert serving_engine(EstimatorEngine([lying]), x).kind == "estimator"


def test_an_input_beyond_all_that_was_trained_on_is_named(bundle: ForecastBundle) -> None:
    assert bundle.predict(ROW).out_of_range == []
    strange = bundle.predict({**ROW, "gap": 40.0, "rsi_14": -5.0})
    assert strange.out_of_range == ["gap", "rsi_14"]
    assert strange.inputs == [ROW["return_1"], 40.0, -5.0]


def test_adapted_intervals_widen_the_forecast_and_leave_its_point(bundle: ForecastBundle) -> None:
    plain = bundle.predict(ROW, 2)
    adapted = bundle.predict(ROW, 2, bundle.intervals.scaled(np.full_like(bundle.intervals.base, 2.0)))
    assert adapted.predicted_return == plain.predicted_return
    assert adapted.half_widths == pytest.approx([2 * width for width in plain.half_widths])
    assert abs(adapted.probability_up - 0.5) < abs(plain.probability_up - 0.5)


@pytest.mark.parametrize("broken", [{"gap": None}, {"gap": float("nan")}, {"gap": float("inf")}])
def test_a_vector_without_a_value_is_refused_by_name(bundle: ForecastBundle, broken: dict[str, float | None]) -> None:
    with pytest.raises(UnusableVectorError, match="no value for gap"):
        bundle.predict({**ROW, **broken})


def test_a_vector_of_another_length_is_refused(bundle: ForecastBundle) -> None:
    with pytest.raises(UnusableVectorError, match="expected 3 features"):
        bundle.predict(np.zeros(4))


@pytest.mark.parametrize("horizon", [0, 4])
def test_a_horizon_that_was_not_trained_is_refused(bundle: ForecastBundle, horizon: int) -> None:
    with pytest.raises(HorizonError, match=f"from 1 to 3 sessions.*got {horizon}"):
        bundle.predict(ROW, horizon)


def test_a_bundle_of_an_unknown_format_is_refused(bundle: ForecastBundle, tmp_path: Path) -> None:
    bundle.save(tmp_path)
    file = tmp_path / "bundle.json"
    file.write_text(file.read_text().replace('"format": 2', '"format": 99'))
    with pytest.raises(ValueError, match="expected bundle format 2, got 99"):
        ForecastBundle.load(tmp_path)


def test_nothing_in_a_bundle_is_pickled(bundle: ForecastBundle, tmp_path: Path) -> None:
    bundle.save(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "bundle.json",
        "intervals.npz",
        "linear.npz",
        "reference.npz",
    ]
    for file in tmp_path.glob("*.npz"):
        with np.load(file, allow_pickle=False) as arrays:
            assert all(arrays[name].dtype == np.float64 for name in arrays)


def test_a_linear_bundle_serves_without_the_libraries_it_was_trained_with(
    bundle: ForecastBundle, tmp_path: Path
) -> None:
    bundle.save(tmp_path)
    program = f"""
import sys
from pathlib import Path
from stock_mlops.forecasting.bundle import ForecastBundle
forecast = ForecastBundle.load(Path({str(tmp_path)!r})).predict({ROW!r}, 2)
heavy = {{"sklearn", "scipy", "pandas", "polars", "mlflow", "skops", "matplotlib"}} & set(sys.modules)
assert not heavy, heavy
print(forecast.predicted_return)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == bundle.predict(ROW, 2).predicted_return


def test_an_engine_that_differs_from_its_estimators_is_never_built() -> None:
    class Lying(RandomWalk):
        def linear_form(self) -> LinearForm:
            return LinearForm(np.zeros(2), 0.001)

    x = np.ones((5, 2))
    fitted = [Lying(None, 0).fit(x, np.zeros(5))]
    with pytest.raises(EngineMismatchError, match="differs from its estimators"):
        build_engine(fitted, x)
    assert isinstance(build_engine([RandomWalk(None, 0).fit(x, np.zeros(5))], x), LinearEngine)
