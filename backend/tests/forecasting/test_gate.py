"""Who may serve: an honest champion on a planted signal, and what tries to take its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
import polars as pl
import pytest
from stock_kit.model_settings import GateSettings
from stock_mlops.forecasting.contenders import Contender
from stock_mlops.forecasting.gate import Verdict, judge
from stock_mlops.forecasting.spec import parse_spec
from stock_mlops.forecasting.trainer import train
from stock_mlops.instruments import sessions_of
from stock_mlops.services.gatekeeping import contender_of

FEATURES = ("return_1", "gap", "rsi_14")
# The planted signal explains 9 % of a day's variance, which on a market would be a reason for alarm.
LIMITS = GateSettings(max_skill=0.3)


@lru_cache
def planted(rows: int = 1500, phi: float = 0.3, seed: int = 1) -> pl.DataFrame:
    """Each session's return is ``phi`` times the one before plus noise; ``return_1`` shows the one before."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0.0, 0.01, rows)
    returns = np.zeros(rows)
    for position in range(1, rows):
        returns[position] = phi * returns[position - 1] + noise[position]
    close = 50 * np.exp(np.cumsum(returns))
    return pl.DataFrame(
        {
            "session": sessions_of("US").array(date(2003, 1, 2), date(2012, 1, 1))[:rows],
            "open": close,
            "close": close,
            "return_1": returns,
            "gap": rng.normal(size=rows),
            "rsi_14": rng.normal(50.0, 10.0, rows),
        }
    )


def with_shuffled_labels(frame: pl.DataFrame, seed: int = 5) -> pl.DataFrame:
    """The same features, with the returns from close to close dealt out anew: what follows a session is what followed
    another one."""
    logs = np.log(frame["close"].to_numpy())
    returns = np.random.default_rng(seed).permutation(np.diff(logs))
    close = np.exp(np.concatenate([logs[:1], logs[0] + np.cumsum(returns)]))
    return frame.with_columns(open=pl.Series(close), close=pl.Series(close))


def trained(frame: pl.DataFrame, **values: Any) -> Contender:
    spec = parse_spec({"ticker": "TEST", "features": FEATURES, "horizon": 2, "params": {"alpha": 1.0}, **values})
    return contender_of(train(spec, frame, data_version="d", feature_version="f"))


@lru_cache
def honest(model_type: str = "ridge", horizon: int = 2) -> Contender:
    params = {"alpha": 1.0} if model_type == "ridge" else {}
    return trained(planted(), model_type=model_type, horizon=horizon, params=params)


def failed(verdict: Verdict) -> set[str]:
    return {check.name for check in verdict.reasons}


def champion(**values: Any) -> Contender:
    return replace(honest(), version=3, **values)


def test_an_equal_challenger_passes_on_the_sessions_that_both_had_held_out() -> None:
    verdict = judge(honest(), champion(), LIMITS)
    assert verdict.passed
    assert (verdict.champion, verdict.window) == (3, "out_of_fold")
    assert verdict.sessions == honest().at(2).height
    assert orjson.loads(orjson.dumps(verdict.to_dict()))["checks"][0]["name"] == "enough_sessions"


def test_a_challenger_trained_on_shuffled_labels_is_refused_with_the_reasons() -> None:
    """Its own validation, on labels as wrong as those it was trained on, finds nothing amiss."""
    challenger = trained(with_shuffled_labels(planted()))
    assert judge(challenger, None, LIMITS).passed
    verdict = judge(challenger, champion(), LIMITS)
    assert not verdict.passed
    assert failed(verdict) == {"outcomes_agree", "not_worse_than_champion"}
    reasons = {check.name: check for check in verdict.reasons}
    assert reasons["outcomes_agree"].numbers["changed"] > 0.9
    compared = reasons["not_worse_than_champion"]
    assert compared.numbers["rmse"] > compared.numbers["champion_rmse"]
    assert compared.numbers["p_value"] < 0.001
    assert "RMSE" in compared.got
    assert "Diebold-Mariano" in compared.expected


def test_labels_shuffled_inside_the_training_are_found_by_the_forecasts_alone() -> None:
    """The returns that it is judged by are right here, only what it learnt is not."""
    shuffled = trained(with_shuffled_labels(planted())).forecasts
    true = honest().forecasts.select("ticker", "session", "horizon", "y")
    forecasts = shuffled.drop("y").join(true, on=("ticker", "session", "horizon"), maintain_order="left")
    verdict = judge(replace(honest(), forecasts=forecasts.select(honest().forecasts.columns)), champion(), LIMITS)
    assert "not_worse_than_champion" in failed(verdict)
    assert "outcomes_agree" not in failed(verdict)


def test_a_worse_model_type_does_not_replace_a_better_one_and_a_better_one_does() -> None:
    nothing = honest("random_walk")
    assert failed(judge(nothing, champion(), LIMITS)) == {"not_worse_than_champion"}
    assert judge(honest(), replace(nothing, version=1), LIMITS).passed


def test_sessions_after_the_champions_training_decide_when_there_are_enough_of_them() -> None:
    """There the champion was asked and is right, though in validation it had been wrong."""
    end = planted()["session"][1100]
    held_out = honest().forecasts
    new = held_out.filter(pl.col("session") > end).select("ticker", "session", "horizon", "y_hat")
    wrong = held_out.with_columns(y_hat=-pl.col("y_hat"))
    asked = champion(trained_until=end, forecasts=wrong).asked(new)
    verdict = judge(honest("random_walk"), asked, LIMITS)
    assert verdict.window == "new_sessions"
    assert verdict.sessions == new.filter(pl.col("horizon") == 2).height
    assert failed(verdict) == {"not_worse_than_champion"}
    few = judge(honest("random_walk"), asked, LIMITS.model_copy(update={"new_sessions": 2000}))
    assert few.window == "out_of_fold"
    assert few.passed


def test_models_that_share_no_sessions_are_not_compared_and_not_promoted() -> None:
    old = honest().forecasts.filter(pl.col("session") < planted()["session"][510])
    verdict = judge(honest(), champion(forecasts=old), LIMITS)
    assert verdict.window == "none"
    assert failed(verdict) == {"not_worse_than_champion"}
    assert "promote with force" in verdict.reasons[0].got


def test_a_first_version_is_barred_by_alarms_only() -> None:
    noisy = honest().forecasts.with_columns(y_hat=pl.col("y_hat") * -8)
    weak = replace(honest(), forecasts=noisy)
    verdict = judge(weak, None, LIMITS)
    assert "not_worse_than_random_walk" in failed(verdict)
    assert verdict.passed
    assert not judge(weak, champion(), LIMITS).passed


def test_a_skill_that_daily_prices_do_not_give_is_an_alarm() -> None:
    verdict = judge(honest(), None, GateSettings())
    assert not verdict.passed
    assert failed(verdict) == {"plausible_skill"}
    assert 0.05 < verdict.reasons[0].numbers["explained"] < 0.15


def test_a_long_rise_explains_itself_without_an_alarm() -> None:
    """A constant forecast of a strong trend beats the random walk by far, and knows nothing."""
    rng = np.random.default_rng(3)
    returns = rng.normal(0.004, 0.01, 1500)
    close = pl.Series(np.exp(np.cumsum(returns)))
    frame = planted().with_columns(open=close, close=close, return_1=pl.Series(returns))
    steady = trained(frame, model_type="mean", params={}, horizon=5)
    assert judge(steady, None, GateSettings()).passed


def test_few_sessions_are_an_alarm() -> None:
    short = replace(honest(), forecasts=honest().forecasts.filter(pl.col("fold") == 0).group_by("horizon").head(30))
    verdict = judge(short, None, LIMITS)
    assert not verdict.passed
    assert failed(verdict) == {"enough_sessions"}


def test_older_data_than_the_champions_are_an_alarm_beyond_some_sessions() -> None:
    sessions, end = sessions_of("US"), honest().trained_until
    assert judge(replace(honest(), trained_until=sessions.previous(end, 5)), champion(), LIMITS).passed
    stale = judge(replace(honest(), trained_until=sessions.previous(end, 6)), champion(), LIMITS)
    assert failed(stale) == {"current_data"}


def test_a_challenger_must_serve_what_the_champion_serves() -> None:
    shorter = judge(honest(horizon=1), champion(), LIMITS)
    assert failed(shorter) == {"serves_as_much"}
    fewer = judge(honest(), champion(tickers=("OTHER", "TEST")), LIMITS)
    assert "without OTHER" in fewer.reasons[0].got


@pytest.mark.parametrize("factor", [0.5, 2.5])
def test_intervals_that_miss_their_level_are_refused(factor: float) -> None:
    """Errors that grow or shrink from window to window: the intervals of the earlier ones do not fit."""
    grown = honest().forecasts.with_columns(
        y_hat=pl.col("y") + (pl.col("y_hat") - pl.col("y")) * pl.lit(factor).pow(pl.col("fold"))
    )
    verdict = judge(replace(honest(), forecasts=grown), champion(), LIMITS)
    assert "calibrated" in failed(verdict)


def test_a_break_of_the_market_is_not_held_against_the_intervals() -> None:
    """Returns that triple from one window to the next leave the random walk's intervals too."""
    scale = np.where(np.arange(1500) < 1000, 1.0, 3.0)
    returns = np.random.default_rng(4).normal(0.0, 0.01, 1500) * scale
    close = pl.Series(np.exp(np.cumsum(returns)))
    frame = planted().with_columns(open=close, close=close, return_1=pl.Series(returns))
    verdict = judge(trained(frame, params={"alpha": 1e5}), None, LIMITS)
    calibrated = next(check for check in verdict.checks if check.name == "calibrated")
    assert calibrated.numbers["coverage"] < 0.75
    assert calibrated.passed


def test_probabilities_worse_than_the_share_of_rises_are_refused() -> None:
    sure = honest().forecasts.with_columns(probability_up=pl.lit(0.95))
    classifier = replace(honest(), task="direction", forecasts=sure)
    verdict = judge(classifier, champion(), LIMITS)
    assert failed(verdict) == {"probabilities"}
    assert verdict.reasons[0].numbers["brier"] > 0.4


def test_noise_that_replaces_noise_is_let_through_mostly() -> None:
    """Two models without skill: refusing costs freshness, so the gate refuses about as rarely as its level says."""
    refused = 0
    for seed in range(20):
        frame = planted(phi=0.0, seed=100 + seed)
        before = trained(frame.head(1200), params={"alpha": 1e4})
        after = trained(frame, params={"alpha": 1e4})
        refused += not judge(after, replace(before, version=1), GateSettings()).passed
    assert refused <= 4
