from __future__ import annotations

import json
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from stock_mlops.forecasting.dataset import TooLittleHistoryError
from stock_mlops.forecasting.estimators.base import Task
from stock_mlops.forecasting.evaluation import FoldGlance
from stock_mlops.forecasting.spec import ModelSpec
from stock_mlops.forecasting.trainer import TrainingResult, train

from .conftest import MakeFrame, MakeSpec

# One of each kind; all of them pass the contract suite of the estimators.
CASES: list[dict[str, Any]] = [
    {"model_type": "ridge", "params": {"alpha": 1.0}},
    {"model_type": "random_forest", "params": {"n_estimators": 15, "max_depth": 3}},
    {"model_type": "random_forest", "task": "direction", "params": {"n_estimators": 15, "max_depth": 3}},
    {"model_type": "logistic_regression"},
]
cases = pytest.mark.parametrize(
    "case", CASES, ids=lambda case: "-".join(str(case[key]) for key in case if key != "params")
)


def run(spec: ModelSpec, frame: pl.DataFrame) -> TrainingResult:
    return train(spec, frame, data_version="d1", feature_version="f1")


@cases
def test_a_planted_signal_is_found_at_the_horizon_where_it_is(
    make_frame: MakeFrame, make_spec: MakeSpec, case: dict[str, Any]
) -> None:
    frame = make_frame(1500, phi=0.4)
    first = run(make_spec(**case), frame).horizons[0]
    assert first.beats_random_walk
    # An AR(1) process with phi 0.4 leaves 1 - 0.4^2 of its variance to chance.
    assert first.pooled.skill is not None
    # A classifier tells the side, not the size.
    assert 0.04 < first.pooled.skill < 0.22
    assert first.pooled.auc is not None
    assert first.pooled.auc > 0.58
    assert first.pooled.brier is not None
    assert first.pooled.brier < 0.25


@cases
def test_noise_has_no_skill(make_frame: MakeFrame, make_spec: MakeSpec, case: dict[str, Any]) -> None:
    result = run(make_spec(**case), make_frame(1200, seed=4))
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


@cases
def test_the_same_definition_and_data_give_the_same_model_bit_for_bit(
    make_frame: MakeFrame, make_spec: MakeSpec, case: dict[str, Any]
) -> None:
    spec = make_spec(**case)
    frame = make_frame(700, phi=0.2)
    first, second = run(spec, frame), run(spec, frame)
    rows = frame.select(spec.features).to_numpy()[-40:]
    assert np.array_equal(first.bundle.predict_rows(rows), second.bundle.predict_rows(rows))
    assert first.bundle.predict_path(rows[-1], 2) == second.bundle.predict_path(rows[-1], 2)
    assert first.metrics == second.metrics


def test_another_seed_gives_another_forest(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    frame = make_frame(700)
    one, other = (run(make_spec(seed=seed, horizon=1, **CASES[1]), frame) for seed in (1, 2))
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
    assert len(seen) == 2 * (3 + 1) + 1
    assert seen[-1] < 1

    class StopError(Exception):
        pass

    def stop(_fraction: float, _stage: str) -> None:
        raise StopError

    with pytest.raises(StopError):
        train(make_spec(), make_frame(), data_version="d", feature_version="f", progress=stop)


@pytest.mark.parametrize("task", ["regression", "direction"])
def test_each_test_window_is_told_of_as_soon_as_it_was_forecast(
    make_frame: MakeFrame, make_spec: MakeSpec, task: Task
) -> None:
    model_type = "ridge" if task == "regression" else "logistic_regression"
    told: list[FoldGlance] = []
    spec = make_spec(model_type=model_type, task=task, params={})
    result = train(spec, make_frame(), data_version="d", feature_version="f", judged=told.append)
    assert [(glance.horizon, glance.fold, glance.folds) for glance in told] == [
        (horizon, fold, 3) for horizon in (1, 2) for fold in (1, 2, 3)
    ]
    final = [fold for item in result.horizons for fold in item.folds]
    assert [(glance.first, glance.last) for glance in told] == [(fold.first, fold.last) for fold in final]
    assert [glance.random_walk_rmse for glance in told] == [fold.test.random_walk_rmse for fold in final]
    if task == "regression":
        assert [glance.rmse for glance in told] == [fold.test.rmse for fold in final]
        assert [glance.direction_accuracy for glance in told] == [fold.test.direction_accuracy for fold in final]
    else:
        assert all(glance.rmse is None and glance.auc is not None for glance in told)


def test_plots_are_pictures(make_frame: MakeFrame, make_spec: MakeSpec, tmp_path: Path) -> None:
    from stock_mlops.forecasting.plots import write_plots

    write_plots(run(make_spec(), make_frame()), tmp_path)
    names = {file.name for file in tmp_path.iterdir()}
    assert {"roc.png", "learning_curve.png", "permutation_importance.png", "backtest.png", "residuals.png"} <= names
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in tmp_path.iterdir())


def test_k_fold_judges_short_histories_but_trades_on_none(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    result = run(make_spec(validation={"folds": 4, "scheme": "purged_kfold"}, horizon=1), make_frame(380, phi=0.4))
    assert result.horizons[0].pooled.n == 379
    assert result.backtests == ()
    assert result.horizons[0].coverage is not None


def test_a_classifiers_forecast_agrees_with_its_probability(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    bundle = run(make_spec(model_type="logistic_regression"), make_frame(1500, phi=0.4)).bundle
    rise, fall = (bundle.predict(np.array([move, 0.0, 50.0])) for move in (0.03, -0.03))
    assert rise.probability_up > 0.55 > 0.45 > fall.probability_up
    assert rise.predicted_return > 0 > fall.predicted_return
    rows = np.array([[0.03, 0.0, 50.0], [-0.03, 0.0, 50.0]])
    assert bundle.predict_rows(rows)[:, 0] == pytest.approx([rise.predicted_return, fall.predicted_return])


def panel_of(frames: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([frame.with_columns(ticker=pl.lit(ticker)) for ticker, frame in frames.items()])


PANEL: dict[str, Any] = {"ticker": None, "panel": "tech", "tickers": ["A", "B", "C"], "params": {"alpha": 1.0}}


def test_a_panel_learns_from_all_its_members(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    frames = {ticker: make_frame(900, phi=0.3, seed=seed) for seed, ticker in enumerate("ABC")}
    frames["C"] = frames["C"].tail(500)  # came to the market later
    result = run(make_spec(**PANEL), panel_of(frames))
    assert result.bundle.info.tickers == ("A", "B", "C")
    assert result.rows == 2300
    assert result.horizons[0].beats_random_walk
    ic = result.horizons[0].pooled.ic
    assert ic is not None
    assert ic > 0.1
    assert [who.ticker for who, _ in result.backtests] == ["A", "B", "C"]


def test_a_panels_folds_cut_all_members_at_the_same_sessions(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    frames = {ticker: make_frame(900, seed=seed) for seed, ticker in enumerate("ABC")}
    oof = run(make_spec(**PANEL), panel_of(frames)).horizons[1].oof
    spans = [(oof.sessions[oof.fold == number].min(), oof.sessions[oof.fold == number].max()) for number in range(3)]
    assert all(earlier[1] < later[0] for earlier, later in pairwise(spans))


def test_a_member_of_a_panel_without_prices_is_named(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    frames = {ticker: make_frame(900, seed=seed) for seed, ticker in enumerate("AB")}
    with pytest.raises(TooLittleHistoryError, match="US:C has no stored prices"):
        run(make_spec(**PANEL), panel_of(frames))


SEARCH: dict[str, Any] = {
    "horizon": 1,
    "model_type": "random_forest",
    "params": {"n_estimators": 3, "max_depth": 2},
    "search": {"trials": 4},
}


def test_a_search_keeps_the_best_of_its_trials_which_begin_with_what_was_given(
    make_frame: MakeFrame, make_spec: MakeSpec
) -> None:
    frame = make_frame(1100, phi=0.4)
    result, again = run(make_spec(**SEARCH), frame), run(make_spec(**SEARCH), frame)
    assert result.search is not None
    first, *_ = trials = result.search.trials
    assert len(trials) == result.trials == result.backtests[0][1].trials == 4
    assert first.params["max_depth"] == 2
    best = min(trials, key=lambda trial: trial.loss)
    assert {name: result.bundle.info.params[name] for name in best.params} == dict(best.params)
    assert again.search is not None
    assert [trial.params for trial in again.search.trials] == [trial.params for trial in trials]


def test_a_search_does_not_see_the_test_windows(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    frame = make_frame(1100, phi=0.4)
    result = run(make_spec(**SEARCH), frame)
    first_tested = pl.lit(result.horizons[0].oof.sessions[0].astype(object))
    disturbed = frame.with_columns(
        close=pl.when(pl.col("session") >= first_tested).then(pl.col("close") * 2).otherwise(pl.col("close")),
        return_1=pl.when(pl.col("session") >= first_tested).then(-pl.col("return_1")).otherwise(pl.col("return_1")),
    )
    again = run(make_spec(**SEARCH), disturbed)
    assert result.search is not None
    assert again.search is not None
    assert [trial.loss for trial in again.search.trials] == [trial.loss for trial in result.search.trials]


def test_importance_finds_the_feature_that_holds_the_signal(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    diagnosis = run(make_spec(horizon=1, params={"alpha": 1.0}), make_frame(1500, phi=0.4)).diagnosis
    assert diagnosis.importance[0].feature == "return_1"
    assert diagnosis.importance[0].mean > 0.05
    assert all(abs(item.mean) < 0.02 for item in diagnosis.importance[1:])
    assert [point.rows for point in diagnosis.learning_curve] == sorted(
        point.rows for point in diagnosis.learning_curve
    )


def test_every_number_of_a_training_is_a_plain_value(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    metrics = run(make_spec(), make_frame()).metrics
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
