from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import numpy as np
import polars as pl
import pytest
from sqlalchemy import create_engine
from stock_kit.model_settings import GateSettings
from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.features import FEATURE_VERSION
from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.forecasting.contenders import Contender
from stock_mlops.forecasting.gate import Verdict, judge
from stock_mlops.forecasting.spec import parse_spec
from stock_mlops.forecasting.trainer import TrainingResult
from stock_mlops.instruments import Instrument, sessions_of
from stock_mlops.services.training import Training
from stock_mlops.services.training_record import Order
from stock_mlops.stores.catalog import Catalog, ModelDefinition
from stock_mlops.stores.registry import ModelFiles, Registered, RunRecord
from stock_mlops.stores.warehouse import TrainingFrame

FEATURES = ("return_1", "gap")


class FrameData:
    """Training data from memory; notes what was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[Instrument, Sequence[str], date | None, date | None]] = []

    def training_frames(
        self, instruments: Sequence[Instrument], names: Sequence[str], start: date | None, end: date | None
    ) -> dict[Instrument, TrainingFrame]:
        self.asked += [(instrument, names, start, end) for instrument in instruments]
        rng = np.random.default_rng(1)
        returns = rng.normal(0, 0.01, 1000)
        sessions = sessions_of("US").array(date(2005, 1, 3), date(2012, 1, 1))[:1000]
        frame = pl.DataFrame(
            {
                "session": sessions,
                "open": np.exp(returns.cumsum()),
                "close": np.exp(returns.cumsum()),
                "return_1": returns,
                "gap": rng.normal(size=1000),
            }
        )
        return dict.fromkeys(instruments, TrainingFrame(frame, "content-hash", datetime(2026, 1, 1, tzinfo=UTC)))


class MemoryRegistry:
    """Registers in a list; reads the bundle back as a server would."""

    def __init__(self) -> None:
        self.records: list[RunRecord] = []
        self.bundles: list[ForecastBundle] = []
        self.plots: list[str] = []
        self.evaluation: dict[str, pl.DataFrame] = {}
        self.card = ""
        self.promoted: list[tuple[str, int, str]] = []
        self.up = True

    def log_and_register(self, name: str, record: RunRecord, files: ModelFiles, workdir: Path) -> Registered:
        if not self.up:
            raise DependencyUnavailableError("MLflow", "no answer")
        assert set(files.example) == set(files.inputs)
        self.records.append(record)
        self.bundles.append(ForecastBundle.load(files.bundle))
        self.plots = sorted(file.name for file in files.plots.iterdir())
        self.card = files.card.read_text()
        self.evaluation = {file.name: pl.read_parquet(file) for file in files.evaluation.glob("*.parquet")}
        return Registered(name, len(self.records), f"run-{len(self.records)}", "mlflow-artifacts:/x/bundle")

    def promote(self, name: str, version: int, alias: str) -> None:
        self.promoted.append((name, version, alias))


class FirstVersions:
    """A gate that has no champion to compare with."""

    def __init__(self) -> None:
        self.judged: list[tuple[str, Contender]] = []

    def judge(self, registered_name: str, challenger: Contender) -> Verdict:
        self.judged.append((registered_name, challenger))
        return judge(challenger, None, GateSettings())


@pytest.fixture
def registry() -> MemoryRegistry:
    return MemoryRegistry()


@pytest.fixture
def data() -> FrameData:
    return FrameData()


@pytest.fixture
def gate() -> FirstVersions:
    return FirstVersions()


@pytest.fixture
def training(data: FrameData, registry: MemoryRegistry, gate: FirstVersions) -> Training:
    catalog = Catalog(create_engine("postgresql+psycopg2://unused"))
    return Training(data, registry, catalog, gate, expiry_sessions=63, draw=no_pictures)


def no_pictures(_result: TrainingResult, folder: Path) -> None:
    """Drawing takes longer than everything else here; ``test_trainer`` sees to the pictures."""
    folder.mkdir()
    (folder / "none.txt").touch()


@pytest.fixture
def definition() -> ModelDefinition:
    spec = parse_spec(
        {"ticker": "TEST", "features": FEATURES, "horizon": 2, "start": "2005-01-03", "params": {"alpha": 10.0}}
    )
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return ModelDefinition(
        uuid4(),
        spec.name,
        "US",
        "TEST",
        None,
        "ridge",
        spec.registered_model,
        spec.model_dump(mode="json"),
        spec.spec_hash,
        now,
        now,
    )


def test_a_definition_becomes_a_registered_version(
    training: Training, data: FrameData, registry: MemoryRegistry, definition: ModelDefinition
) -> None:
    job_id = uuid4()
    version = training.train_model(definition, lambda *_: None, order=Order(job_id))
    assert data.asked == [(Instrument("US", "TEST"), FEATURES, date(2005, 1, 3), None)]
    assert (version.registered_name, version.version, version.run_id) == ("stock-US-TEST", 1, "run-1")
    assert (version.model_id, version.job_id, version.horizon) == (definition.id, job_id, 2)
    assert (version.data_version, version.feature_version) == ("content-hash", FEATURE_VERSION)
    assert registry.bundles[0].info.data_version == "content-hash"
    assert registry.promoted == []  # not before the commit


def test_what_was_trained_is_judged_by_what_its_run_keeps(
    training: Training, registry: MemoryRegistry, gate: FirstVersions, definition: ModelDefinition
) -> None:
    version = training.train_model(definition, lambda *_: None)
    [(name, challenger)] = gate.judged
    assert name == version.registered_name
    assert challenger.forecasts.equals(registry.evaluation["out_of_fold.parquet"])
    assert (challenger.horizon, challenger.trained_until) == (2, version.trained_until)
    assert version.verdict["passed"]
    assert version.verdict["champion"] is None


def test_a_run_records_what_repeats_it_and_what_it_found(
    training: Training, registry: MemoryRegistry, definition: ModelDefinition
) -> None:
    job_id = uuid4()
    training.train_model(definition, lambda *_: None, order=Order(job_id))
    record = registry.records[0]
    assert record.params["features"] == "return_1,gap"
    assert record.params["params.alpha"] == 10.0
    assert record.params["validation.folds"] == 5
    for metric in ("rmse", "skill", "dm_p_value", "auc", "bias", "coverage", "train_rmse"):
        assert {f"{metric}_h1", f"{metric}_h2"} <= set(record.metrics)
    assert record.tags["spec_hash"] == definition.spec_hash
    assert (record.tags["data_version"], record.tags["seed"]) == ("content-hash", "7")
    assert record.tags["job_id"] == str(job_id)
    assert registry.plots == ["none.txt"]
    assert {"backtest_sharpe_h1", "backtest_turnover_per_year_h2", "importance_gap"} <= set(record.metrics)
    assert len(record.series["learning_curve_train_rmse"]) == 5
    assert record.children == []


def test_what_a_model_was_judged_by_is_kept_for_other_backtests(
    training: Training, registry: MemoryRegistry, definition: ModelDefinition
) -> None:
    training.train_model(definition, lambda *_: None)
    forecasts, prices = registry.evaluation["out_of_fold.parquet"], registry.evaluation["prices.parquet"]
    assert set(forecasts["horizon"]) == {1, 2}
    first = forecasts.filter(pl.col("horizon") == 1)
    close = dict(zip(prices["session"], prices["close"], strict=True))
    sessions = sessions_of("US")
    made = first["session"][10]
    assert first["y"][10] == pytest.approx(np.log(close[sessions.next(made)] / close[made]))


def test_a_run_keeps_the_card_of_its_model(
    training: Training, registry: MemoryRegistry, definition: ModelDefinition
) -> None:
    version = training.train_model(definition, lambda *_: None)
    assert registry.card.startswith("# stock-US-TEST: US:TEST ridge h2\n")
    assert version.data_version in registry.card


def test_a_panel_is_trained_on_its_members_and_bears_their_version(
    training: Training, data: FrameData, registry: MemoryRegistry, definition: ModelDefinition
) -> None:
    spec = parse_spec({"panel": "big", "tickers": ["B", "A"], "features": FEATURES, "horizon": 1})
    panel = replace(
        definition, ticker=None, panel="big", registered_name=spec.registered_model, spec=spec.model_dump(mode="json")
    )
    version = training.train_model(panel, lambda *_: None)
    assert [asked[0].ticker for asked in data.asked] == ["A", "B"]
    assert version.registered_name == "stock-US-panel-big"
    assert registry.bundles[0].info.tickers == ("A", "B")
    assert version.data_version not in ("", "content-hash")


def test_the_trials_of_a_search_are_runs_of_their_own(
    training: Training, registry: MemoryRegistry, definition: ModelDefinition
) -> None:
    values = {"ticker": "TEST", "features": FEATURES, "horizon": 1, "validation": {"folds": 2, "embargo": 0}}
    spec = parse_spec({**values, "model_type": "ridge", "search": {"trials": 3}})
    training.train_model(replace(definition, spec=spec.model_dump(mode="json")), lambda *_: None)
    record = registry.records[0]
    assert [child.name for child in record.children] == ["trial 1", "trial 2", "trial 3"]
    assert all("loss" in child.metrics and "params.alpha" in child.params for child in record.children)
    assert record.params["trials"] == 3
    best = min(record.children, key=lambda child: child.metrics["loss"])
    assert record.params["params.alpha"] == best.params["params.alpha"]


def test_a_challenger_that_was_asked_for_so_is_the_winner_of_a_search_and_says_so_everywhere(
    training: Training, registry: MemoryRegistry, definition: ModelDefinition
) -> None:
    order = Order(uuid4(), uuid4(), search_trials=3)
    version = training.train_model(definition, lambda *_: None, order=order)
    record = registry.records[0]
    assert [child.name for child in record.children] == ["trial 1", "trial 2", "trial 3"]
    # The definition's own parameters are in the running.
    assert record.children[0].params["params.alpha"] == 10.0
    won = min(record.children, key=lambda child: child.metrics["loss"]).params["params.alpha"]
    assert registry.bundles[0].info.params["alpha"] == won
    assert version.metrics["search"] == {"trials": 3, "params": {"alpha": won}}
    told = f"the best of 3 tried: alpha = {won:.4g}"
    assert version.remark == record.tags["search"] == told
    assert told in registry.card
    assert (record.tags["retraining"], record.tags["challenger"]) == (str(order.retraining), "search")
    again = training.train_model(definition, lambda *_: None, order=order)
    assert again.metrics["search"] == version.metrics["search"]


def test_a_training_without_a_search_says_of_none(
    training: Training, registry: MemoryRegistry, definition: ModelDefinition
) -> None:
    version = training.train_model(definition, lambda *_: None, order=Order(uuid4(), uuid4()))
    tags = registry.records[0].tags
    assert (version.metrics["search"], version.remark, tags["search"], tags["challenger"]) == (None, "", "", "same")
    assert "tried:" not in registry.card


def test_progress_tells_the_stages_in_order(training: Training, definition: ModelDefinition) -> None:
    seen: list[tuple[float, str]] = []
    training.train_model(definition, lambda fraction, stage: seen.append((fraction, stage)))
    assert [fraction for fraction, _ in seen] == sorted(fraction for fraction, _ in seen)
    stages = [stage for _, stage in seen]
    assert stages[0] == "reading data"
    assert "horizon 2 of 2: fold 3 of 5" in stages
    assert stages[-2:] == ["comparing with the champion", "registering in MLflow"]


def test_without_mlflow_the_training_fails_as_something_that_may_pass(
    training: Training, registry: MemoryRegistry, definition: ModelDefinition
) -> None:
    registry.up = False
    with pytest.raises(DependencyUnavailableError, match="MLflow"):
        training.train_model(definition, lambda *_: None)
