"""What a model and a prediction leave behind, and that both can be made again from it; panels and searches."""

from __future__ import annotations

from typing import Any

import pytest
from stock_mlops.instruments import Instrument
from stock_mlops.stores.catalog import Catalog
from stock_mlops.stores.interval_states import IntervalStates, StateKey
from stock_mlops.stores.mlflow_rest import MlflowRest
from stock_mlops.stores.postgres import get_engine

from tests.integration.support import Stack, make_champion, predict, train, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    "definition",
    [
        {"model_type": "ridge"},
        {"model_type": "logistic_regression", "features": ["momentum", "volatility_20"]},
        {"model_type": "lightgbm", "task": "direction"},
        {"model_type": "hist_gradient_boosting"},
    ],
    ids=lambda definition: str(definition["model_type"]),
)
def test_a_run_is_reproduced_bit_for_bit_and_its_prediction_replayed(
    stack: Stack, sample_loaded: None, definition: dict[str, Any]
) -> None:
    result = train(stack, ticker="MSFT", horizon=2, **definition)["result"]
    reproduced = stack.cli("reproduce", result["run_id"])
    assert reproduced.returncode == 0, reproduced.stdout + reproduced.stderr
    assert "Identical" in reproduced.stdout
    assert "rebuilt from the raw prices" in reproduced.stdout


def test_a_served_prediction_is_replayed_from_what_was_stored(stack: Stack, sample_loaded: None) -> None:
    make_champion(stack, train(stack, ticker="IBM", model_type="ridge", horizon=3)["result"])
    wait_for(lambda: not predict(stack, ticker="IBM", horizon=3)["fallback"], seconds=15, what="the model to serve")
    served = predict(stack, ticker="IBM", horizon=3)
    assert len(served["levels"]) == len(served["lowers"]) == 3
    assert not served["fallback"]

    def replayed() -> bool:
        done = stack.cli("replay", served["prediction_id"])
        assert "differs" not in done.stdout, done.stdout
        return done.returncode == 0

    wait_for(replayed, seconds=60, what="the prediction to be stored and replayed")


def test_a_panel_serves_the_members_that_have_no_model_of_their_own(stack: Stack, sample_loaded: None) -> None:
    done = stack.cli(
        "train", "AAPL", "GOOG", "--panel", "tech", "--model", "ridge", "--horizon", "2", "--param", "alpha=500"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stock-US-panel-tech version" in done.stdout
    serving = Catalog(get_engine(stack.settings.model_meta_db)).serving(Instrument("US", "AAPL"))
    assert serving is not None
    assert {"US:AAPL", "US:GOOG"} <= set(serving.members) or serving.registered_name == "stock-US-AAPL"

    def served_by() -> str:
        return str(predict(stack, ticker="AAPL")["model_name"])

    wait_for(lambda: served_by() in {"stock-US-panel-tech", "stock-US-AAPL"}, seconds=15, what="the panel to serve")


def test_the_trials_of_a_search_are_nested_runs(stack: Stack, sample_loaded: None) -> None:
    definition = {"ticker": "GOOG", "model_type": "ridge", "horizon": 1, "validation": {"folds": 3}}
    result = train(stack, **definition, search={"trials": 3, "timeout": 120})["result"]
    assert result["metrics"]["trials"] == 3
    mlflow = MlflowRest(stack.settings.mlflow)
    run = mlflow.run(result["run_id"])
    mlflow.close()
    params = {item["key"]: item["value"] for item in run["data"]["params"]}
    assert params["trials"] == "3"


def test_intervals_are_adapted_when_new_sessions_are_loaded(stack: Stack, sample_loaded: None) -> None:
    result = train(stack, ticker="IBM", model_type="random_walk", horizon=1, end="2011-12-30")["result"]
    make_champion(stack, result)
    # The next load brings the outcomes of all sessions since.
    done = stack.cli("etl", "--source", "sample", "--ticker", "IBM", "--full")
    assert done.returncode == 0, done.stdout + done.stderr
    states = IntervalStates(get_engine(stack.settings.model_meta_db))
    key = StateKey(result["registered_name"], result["version"], Instrument("US", "IBM"))
    wait_for(lambda: states.newest(key) is not None, seconds=30, what="the intervals to be adapted")
    state = states.newest(key)
    assert state is not None
    assert state.outcomes[0] > 100
