from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from stock_mlops.errors import HorizonError, UnusableVectorError
from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.forecasting.engine import EngineMismatchError, LinearEngine, build_engine
from stock_mlops.forecasting.estimators import estimator_types
from stock_mlops.forecasting.estimators.base import LinearForm
from stock_mlops.forecasting.estimators.random_walk import RandomWalk
from stock_mlops.forecasting.trainer import train

from .conftest import FEATURES, MakeFrame, MakeSpec

QUICK = {
    "random_forest": {"n_estimators": 10},
    "hist_gradient_boosting": {"max_iter": 10},
    "lightgbm": {"n_estimators": 10},
    "mlp": {"epochs": 2},
}
ROW = {"return_1": 0.01, "gap": -0.3, "rsi_14": 55.0}


@pytest.fixture
def bundle(make_frame: MakeFrame, make_spec: MakeSpec) -> ForecastBundle:
    spec = make_spec(horizon=3, params={"alpha": 1.0})
    return train(spec, make_frame(700, phi=0.4), data_version="d", feature_version="f").bundle


@pytest.mark.parametrize("model_type", estimator_types())
def test_a_loaded_bundle_answers_bit_for_bit_the_same(
    make_frame: MakeFrame, make_spec: MakeSpec, tmp_path: Path, model_type: str
) -> None:
    spec = make_spec(model_type=model_type, params=QUICK.get(model_type, {}))
    saved = train(spec, make_frame(600), data_version="d", feature_version="f").bundle
    saved.save(tmp_path / "bundle")
    loaded = ForecastBundle.load(tmp_path / "bundle")
    assert loaded.info == saved.info
    assert loaded.predict_path(ROW, 2) == saved.predict_path(ROW, 2)


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


def test_a_linear_forecast_takes_microseconds(bundle: ForecastBundle) -> None:
    vector = bundle.vector(ROW)
    best = min(_seconds(lambda: bundle.engine.predict(vector[np.newaxis], (1,))) for _ in range(50))
    assert best < 100e-6


def _seconds(work: object) -> float:
    assert callable(work)
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def test_an_engine_that_differs_from_its_estimators_is_never_built() -> None:
    class Lying(RandomWalk):
        def linear_form(self) -> LinearForm:
            return LinearForm(np.zeros(2), 0.001)

    x = np.ones((5, 2))
    fitted = [Lying(None, 0).fit(x, np.zeros(5))]
    with pytest.raises(EngineMismatchError, match=r"differs from its estimators by 0\.001"):
        build_engine(fitted, x)
    assert isinstance(build_engine([RandomWalk(None, 0).fit(x, np.zeros(5))], x), LinearEngine)
