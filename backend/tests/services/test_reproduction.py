from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import numpy as np
import polars as pl
import pytest
from stock_kit.events import PredictionEvent
from stock_mlops.errors import NotFoundError
from stock_mlops.features import FEATURE_VERSION, compute_features
from stock_mlops.forecasting.adaptation import AdaptiveState
from stock_mlops.forecasting.spec import parse_spec
from stock_mlops.forecasting.trainer import train
from stock_mlops.instruments import Instrument, sessions_of
from stock_mlops.prices.adjustment import adjust
from stock_mlops.services.forecast_events import Provenance as Asked
from stock_mlops.services.forecast_events import Subject, make_event
from stock_mlops.services.provenance import TrainedOn, code_version, write_provenance
from stock_mlops.services.reproduction import Replayer, Reproducer
from stock_mlops.services.serving import ServedModel
from stock_mlops.stores.catalog import Champion
from stock_mlops.stores.interval_states import StateKey

if TYPE_CHECKING:
    from backend.tests.conftest import MakeBundle, MakeVector

AAPL = Instrument("US", "AAPL")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
REF = Champion(AAPL.registered_model, 3, "run3", "uri")


def raw_prices(rows: int = 700) -> pl.DataFrame:
    rng = np.random.default_rng(1)
    close = 50 * np.exp(rng.normal(0, 0.01, rows).cumsum())
    return pl.DataFrame(
        {
            "exchange": "US",
            "ticker": "AAPL",
            "session": sessions_of("US").array(date(2005, 1, 3), date(2012, 1, 1))[:rows],
            "open": close,
            "high": close * 1.01,
            "low": close * 0.99,
            "close": close,
            "volume": rng.uniform(1e6, 2e6, rows),
            "dividend": 0.0,
            "split": 1.0,
            "adj_close": close,
            "source": "test",
            "ingested_at": NOW,
        }
    )


class Run:
    """One training's artifacts, in a folder; and the raw prices that it was trained on."""

    def __init__(self, folder: Path, raw: pl.DataFrame, **values: Any) -> None:
        self.folder, self.raw = folder, raw
        spec = parse_spec(
            {"ticker": "AAPL", "features": ["return_1", "rsi_14"], "horizon": 2, "validation": {"folds": 2}, **values}
        )
        clean = adjust(raw)
        frame = clean.select("session", "open", "close").join(
            compute_features(clean, spec.features).select("session", *spec.features), on="session"
        )
        result = train(spec, frame, data_version="d", feature_version=FEATURE_VERSION)
        result.bundle.save(folder / "model/artifacts/bundle")
        write_provenance(spec, TrainedOn(frame, "d", {"US:AAPL": NOW}), folder / "evaluation")

    def run(self, run_id: str) -> dict[str, Any]:
        if run_id != "run":
            raise NotFoundError(f"no run {run_id}")
        return {"info": {"artifact_uri": str(self.folder)}}

    def download(self, artifact_uri: str, folder: Path) -> int:
        shutil.copytree(artifact_uri, folder)
        return 1

    def read(self, instrument: Instrument, as_of: datetime | None = None) -> pl.DataFrame:
        assert as_of == NOW
        return self.raw


@pytest.mark.parametrize(
    ("model_type", "params"), [("ridge", {}), ("random_forest", {"n_estimators": 15}), ("logistic_regression", {})]
)
def test_a_run_is_trained_again_to_the_same_bits(tmp_path: Path, model_type: str, params: dict[str, Any]) -> None:
    run = Run(tmp_path, raw_prices(), model_type=model_type, params=params)
    found = Reproducer(run, run).reproduce("run")
    assert found.identical
    assert found.largest_difference == 0
    assert found.differs == ()
    assert found.rebuilt_difference is not None
    assert found.rebuilt_difference < 1e-9
    assert found.rows > 600


def test_a_model_that_was_changed_afterwards_is_found_out(tmp_path: Path) -> None:
    run = Run(tmp_path, raw_prices(), params={"alpha": 10.0})
    file = tmp_path / "model/artifacts/bundle/linear.npz"
    with np.load(file) as arrays:
        np.savez(file, coefficients=arrays["coefficients"] * (1 + 1e-12), intercepts=arrays["intercepts"] + 1e-15)
    found = Reproducer(run, run).reproduce("run")
    assert not found.identical
    assert 0 < found.largest_difference < 1e-9


def test_prices_that_are_not_those_of_the_training_show(tmp_path: Path) -> None:
    run = Run(tmp_path, raw_prices())
    run.raw = run.raw.with_columns(
        close=pl.col("close") * pl.when(pl.int_range(pl.len()) == 300).then(1.02).otherwise(1)
    )
    found = Reproducer(run, run).reproduce("run")
    assert found.identical  # the model was trained on what the run kept
    assert found.rebuilt_difference is not None
    assert found.rebuilt_difference > 1e-3


def test_what_changed_since_is_told(tmp_path: Path) -> None:
    run = Run(tmp_path, raw_prices())
    file = tmp_path / "evaluation/provenance.json"
    file.write_text(file.read_text().replace(code_version(), "0.0.1+old"))
    assert Reproducer(run, run).reproduce("run").differs == (f"code 0.0.1+old, now {code_version()}",)


class World:
    """A served prediction, its model and the states of its intervals."""

    def __init__(self, make_bundle: MakeBundle, make_vector: MakeVector, state: AdaptiveState | None) -> None:
        self.bundle = make_bundle()
        self.state = state
        served = ServedModel.of(REF, self.bundle, 60).adapted(state)
        vector = make_vector(return_1=0.004, rsi_14=0.3)
        forecast = served.bundle.predict(vector.values, 2, served.intervals)
        subject = Subject(AAPL, vector, AAPL.sessions, served)
        self.event: PredictionEvent | None = make_event(subject, 2, forecast, Asked(uuid4(), NOW, "api"))
        self.version: Champion | None = REF
        self.replayer = Replayer(self, lambda _name, _version: self.version, lambda _: self.bundle, self)

    def one(self, prediction_id: UUID) -> PredictionEvent | None:
        return self.event

    def newest(self, key: StateKey, until: date | None = None) -> AdaptiveState | None:
        assert key == StateKey(REF.registered_name, 3, AAPL)
        assert self.state is not None
        assert until == self.state.through
        return self.state


ADAPTED = replace(AdaptiveState.start(5), log_scales=np.full((5, 3), 0.7), through=date(2012, 6, 28))


@pytest.mark.parametrize("state", [None, ADAPTED])
def test_a_served_prediction_is_computed_again_to_the_same_bits(
    make_bundle: MakeBundle, make_vector: MakeVector, state: AdaptiveState | None
) -> None:
    found = World(make_bundle, make_vector, state).replayer.replay(uuid4())
    assert found.identical
    assert [value.name for value in found.values] == [
        "predicted_return",
        "probability_up",
        *(f"{end} at {level}" for end in ("lower", "upper") for level in ("80%", "90%", "95%")),
    ]


def test_another_model_does_not_pass_for_the_one_that_served(make_bundle: MakeBundle, make_vector: MakeVector) -> None:
    world = World(make_bundle, make_vector, None)
    world.bundle = make_bundle(drift=0.02)
    found = world.replayer.replay(uuid4())
    assert not found.identical
    assert not found.values[0].equal


def test_what_is_not_stored_any_more_is_said(make_bundle: MakeBundle, make_vector: MakeVector) -> None:
    world = World(make_bundle, make_vector, None)
    world.version = None
    with pytest.raises(NotFoundError, match="stock-US-AAPL version 3 was deleted"):
        world.replayer.replay(uuid4())
    world.event = None
    with pytest.raises(NotFoundError, match="there is no prediction"):
        world.replayer.replay(uuid4())
