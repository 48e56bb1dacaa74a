"""What the gate is given: the champion's files, or the champion itself asked about newer sessions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import polars as pl
import pytest
from stock_kit.model_settings import GateSettings
from stock_mlops.errors import NotFoundError
from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.forecasting.contenders import Contender
from stock_mlops.forecasting.spec import parse_spec
from stock_mlops.forecasting.trainer import TrainingResult, train
from stock_mlops.instruments import Instrument, sessions_of
from stock_mlops.services.gatekeeping import Gatekeeper, contender_of
from stock_mlops.services.training_record import out_of_fold
from stock_mlops.stores.catalog import Champion, ModelVersion
from stock_mlops.stores.warehouse import TrainingFrame

FEATURES = ("return_1", "gap")
LIMITS = GateSettings(max_skill=0.5, new_sessions=250)


def frame(phi: float = 0.3, rows: int = 1500) -> pl.DataFrame:
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.01, rows)
    returns = np.zeros(rows)
    for position in range(1, rows):
        returns[position] = phi * returns[position - 1] + noise[position]
    close = np.exp(returns.cumsum())
    sessions = sessions_of("US").array(date(2003, 1, 2), date(2012, 1, 1))[:rows]
    return pl.DataFrame(
        {"session": sessions, "open": close, "close": close, "return_1": returns, "gap": rng.normal(size=rows)}
    )


def trained(rows: int = 1500, model_type: str = "ridge") -> TrainingResult:
    spec = parse_spec({"ticker": "TEST", "features": FEATURES, "horizon": 2, "model_type": model_type})
    return train(spec, frame().head(rows), data_version="d", feature_version="f")


class Registry:
    """A champion, its run and its bundle; and the warehouse's rows."""

    def __init__(self, result: TrainingResult | None) -> None:
        self.result = result
        self.lost = False
        self.unreadable = False
        self.asked: list[tuple[Instrument, date | None]] = []

    def champion_of(self, registered_name: str) -> ModelVersion | None:
        if self.result is None:
            return None
        info = self.result.bundle.info
        return ModelVersion(
            uuid4(), registered_name, 4, "run", "uri", "champion", "d", "f", info.horizon, self.result.metrics,
            info.trained_until, None, datetime(2026, 1, 1, tzinfo=UTC),
        )  # fmt: skip

    def run(self, run_id: str) -> dict[str, Any]:
        if self.lost:
            raise NotFoundError("MLflow does not know the run")
        tags = [{"key": "tickers", "value": "TEST"}, {"key": "task", "value": "regression"}]
        return {"info": {"artifact_uri": "mlflow-artifacts:/1/run/artifacts"}, "data": {"tags": tags}}

    def download(self, artifact_uri: str, folder: Path) -> int:
        assert artifact_uri.endswith("/evaluation")
        assert self.result is not None
        out_of_fold(self.result).write_parquet(folder / "out_of_fold.parquet")
        return 1

    def training_frame(
        self, instrument: Instrument, names: object, start: date | None, end: date | None
    ) -> TrainingFrame:
        self.asked.append((instrument, start))
        return TrainingFrame(frame().filter(pl.col("session") >= start), "d", datetime(2026, 1, 1, tzinfo=UTC))

    def load(self, champion: Champion) -> ForecastBundle:
        assert (champion.version, champion.run_id) == (4, "run")
        assert self.result is not None
        if self.unreadable:
            raise ValueError("expected bundle format 2, got 1; train again")
        if self.lost:
            raise NotFoundError("MLflow does not know the run")
        return self.result.bundle


def gatekeeper(registry: Registry) -> Gatekeeper:
    return Gatekeeper(registry, registry, registry, registry.load, LIMITS)


@pytest.fixture(scope="module")
def newest() -> Contender:
    return contender_of(trained())


def test_without_a_champion_there_is_nothing_to_compare_with(newest: Contender) -> None:
    verdict = gatekeeper(Registry(None)).judge("stock-US-TEST", newest)
    assert verdict.passed
    assert verdict.champion is None


def test_a_champion_of_the_same_sessions_is_read_from_its_run(newest: Contender) -> None:
    registry = Registry(trained(model_type="random_walk"))
    verdict = gatekeeper(registry).judge("stock-US-TEST", newest)
    assert verdict.passed
    assert (verdict.champion, verdict.window) == (4, "out_of_fold")
    assert registry.asked == []


def test_an_older_champion_is_asked_about_the_sessions_since_its_training(newest: Contender) -> None:
    older = trained(rows=1100)
    registry = Registry(older)
    verdict = gatekeeper(registry).judge("stock-US-TEST", newest)
    until = older.bundle.info.trained_until
    assert registry.asked == [(Instrument("US", "TEST"), sessions_of("US").next(until))]
    assert verdict.window == "new_sessions"
    assert verdict.sessions == newest.at(2).filter(pl.col("session") > until).height
    assert verdict.passed
    refused = gatekeeper(registry).judge("stock-US-TEST", contender_of(trained(model_type="random_walk")))
    assert [check.name for check in refused.reasons] == ["not_worse_than_champion"]


def test_the_champion_asked_now_forecasts_as_its_bundle_does(newest: Contender) -> None:
    older = trained(rows=1100)
    registry = Registry(older)
    champion = registry.champion_of("stock-US-TEST")
    assert champion is not None
    new = gatekeeper(registry).opponent(champion, newest).new
    assert new is not None
    row = new.filter(pl.col("horizon") == 2).row(10, named=True)
    features = frame().filter(pl.col("session") == row["session"]).select(FEATURES).to_numpy()
    assert row["y_hat"] == older.bundle.predict_rows(features)[0, 1]


def test_a_champion_whose_run_is_lost_cannot_be_compared_with(newest: Contender) -> None:
    registry = Registry(trained())
    registry.lost = True
    verdict = gatekeeper(registry).judge("stock-US-TEST", newest)
    assert not verdict.passed
    assert verdict.window == "none"
    [reason] = verdict.reasons
    assert reason.name == "not_worse_than_champion"


def test_a_panel_is_compared_session_by_session(newest: Contender) -> None:
    """Two members that are always right together are one piece of evidence a session."""
    double = pl.concat([newest.forecasts, newest.forecasts.with_columns(ticker=pl.lit("TWIN"))])
    panel = replace(newest, tickers=("TEST", "TWIN"), forecasts=double)
    verdict = gatekeeper(Registry(trained())).judge("stock-US-panel-x", panel)
    assert verdict.sessions == newest.at(2).height


def test_a_champion_that_an_older_release_saved_holds_nobody_back() -> None:
    registry = Registry(trained())
    registry.unreadable = True
    challenger = contender_of(trained())
    verdict = gatekeeper(registry).judge("stock-US-TEST", challenger)
    assert verdict.champion is None
    assert verdict == gatekeeper(Registry(None)).judge("stock-US-TEST", challenger)
