from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from stock_mlops.forecasting.estimators import estimator_types
from stock_mlops.forecasting.spec import ModelSpec
from stock_mlops.forecasting.trainer import TrainingResult, train

from .conftest import MakeFrame, MakeSpec

QUICK = {
    "random_forest": {"n_estimators": 15, "max_depth": 3},
    "hist_gradient_boosting": {"max_iter": 15, "learning_rate": 0.1},
}


def run(spec: ModelSpec, frame: pl.DataFrame) -> TrainingResult:
    return train(spec, frame, data_version="d1", feature_version="f1")


@pytest.mark.parametrize("model_type", [name for name in estimator_types() if name != "random_walk"])
def test_a_planted_signal_is_found_at_the_horizon_where_it_is(
    make_frame: MakeFrame, make_spec: MakeSpec, model_type: str
) -> None:
    frame = make_frame(1500, phi=0.4)
    first = run(make_spec(model_type=model_type, params=QUICK.get(model_type, {"alpha": 1.0})), frame).horizons[0]
    assert first.beats_random_walk
    # An AR(1) process with phi 0.4 leaves 1 - 0.4^2 of its variance to chance.
    assert first.pooled.skill is not None
    assert 0.08 < first.pooled.skill < 0.22
    assert first.pooled.auc is not None
    assert first.pooled.auc > 0.58


@pytest.mark.parametrize("model_type", estimator_types())
def test_noise_has_no_skill(make_frame: MakeFrame, make_spec: MakeSpec, model_type: str) -> None:
    result = run(make_spec(model_type=model_type, params=QUICK.get(model_type, {})), make_frame(1200, seed=4))
    assert not any(item.beats_random_walk for item in result.horizons)
    assert all((item.pooled.skill or 0.0) < 0.02 for item in result.horizons)


def test_validation_never_sees_the_future(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    """A feature that is tomorrow's return itself gives skill on the rows that know it; shifted noise must not."""
    frame = make_frame(1200)
    leaking = frame.with_columns(gap=(pl.col("return_1").shift(-1)).fill_null(0.0))
    honest = run(make_spec(params={"alpha": 1.0}), frame).horizons[0]
    leak = run(make_spec(params={"alpha": 1.0}), leaking).horizons[0]
    assert (honest.pooled.skill or 0.0) < 0.02
    assert (leak.pooled.skill or 0.0) > 0.9


@pytest.mark.parametrize("scheme", ["expanding", "rolling"])
def test_out_of_fold_forecasts_do_not_depend_on_later_rows(
    make_frame: MakeFrame, make_spec: MakeSpec, scheme: str
) -> None:
    spec = make_spec(validation={"folds": 3, "scheme": scheme})
    frame = make_frame(1000, phi=0.3)
    result = run(spec, frame).horizons[1]
    second = result.oof.sessions[np.argmax(result.oof.fold == 1)]
    cut = pl.col("session") >= pl.lit(second.astype(object))
    disturbed = frame.with_columns(return_1=pl.when(cut).then(pl.col("return_1") * -3).otherwise(pl.col("return_1")))
    again = run(spec, disturbed).horizons[1]
    before = result.oof.fold == 0
    assert np.array_equal(result.oof.y_hat[before], again.oof.y_hat[before])
    assert not np.array_equal(result.oof.y_hat[~before], again.oof.y_hat[~before])


@pytest.mark.parametrize("model_type", estimator_types())
def test_the_same_definition_and_data_give_the_same_model_bit_for_bit(
    make_frame: MakeFrame, make_spec: MakeSpec, model_type: str
) -> None:
    spec = make_spec(model_type=model_type, params=QUICK.get(model_type, {}))
    frame = make_frame(700, phi=0.2)
    first, second = run(spec, frame), run(spec, frame)
    rows = frame.select(spec.features).to_numpy()[-40:]
    assert np.array_equal(first.bundle.predict_rows(rows), second.bundle.predict_rows(rows))
    assert first.bundle.predict_path(rows[-1], 2) == second.bundle.predict_path(rows[-1], 2)
    assert first.metrics == second.metrics


def test_another_seed_gives_another_forest(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    frame = make_frame(700)
    values = {"model_type": "random_forest", "params": QUICK["random_forest"], "horizon": 1}
    one, other = (run(make_spec(seed=seed, **values), frame) for seed in (1, 2))
    row = frame.select(one.bundle.features).to_numpy()[-1]
    assert one.bundle.predict(row) != other.bundle.predict(row)


def test_realised_coverage_is_near_the_stated_level(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    for item in run(make_spec(), make_frame(2000)).horizons:
        assert item.coverage is not None
        assert 0.86 <= item.coverage <= 0.94


def test_metrics_are_told_per_horizon_and_fold(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    frame = make_frame()
    result = run(make_spec(horizon=3), frame)
    assert [row["horizon"] for row in result.metrics["horizons"]] == [1, 2, 3]
    for row in result.metrics["horizons"]:
        assert len(row["folds"]) == 3
        assert row["n"] == sum(fold["n"] for fold in row["folds"])
        assert row["fold_mean"]["rmse"] == pytest.approx(np.mean([fold["rmse"] for fold in row["folds"]]))
        assert date.fromisoformat(row["folds"][0]["last"]) < date.fromisoformat(row["folds"][1]["first"])


def test_the_bundle_says_where_it_comes_from(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    spec, frame = make_spec(), make_frame()
    info = run(spec, frame).bundle.info
    assert (info.data_version, info.feature_version, info.spec_hash) == ("d1", "f1", spec.spec_hash)
    assert (info.trained_from, info.trained_until) == (frame["session"][0], frame["session"][-1])


def test_progress_rises_to_the_end_and_may_stop_the_training(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    seen: list[float] = []
    train(
        make_spec(),
        make_frame(),
        data_version="d",
        feature_version="f",
        progress=lambda fraction, _stage: seen.append(fraction),
    )
    assert seen == sorted(seen)
    assert len(seen) == 2 * (3 + 1)
    assert seen[-1] < 1

    class StopError(Exception):
        pass

    def stop(_fraction: float, _stage: str) -> None:
        raise StopError

    with pytest.raises(StopError):
        train(make_spec(), make_frame(), data_version="d", feature_version="f", progress=stop)


def test_plots_are_pictures(make_frame: MakeFrame, make_spec: MakeSpec, tmp_path: Path) -> None:
    from stock_mlops.forecasting.plots import write_plots

    write_plots(run(make_spec(), make_frame()).horizons, tmp_path / "plots")
    files = sorted(file.name for file in (tmp_path / "plots").iterdir())
    assert files == ["cumulative_skill.png", "predicted_vs_actual.png", "residuals.png"]
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in (tmp_path / "plots").iterdir())
