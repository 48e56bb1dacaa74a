"""A :class:`api.model_resources.ModelOffice` in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID

import numpy as np
from stock_mlops.forecasting.backtest import BacktestSettings, backtest
from stock_mlops.forecasting.gate import Check, Verdict
from stock_mlops.forecasting.reliability import ReliabilityBin
from stock_mlops.instruments import Instrument
from stock_mlops.services.backtesting import ChampionBacktest, Signal
from stock_mlops.services.model_options import FeatureOptions, ModelType, feature_options, model_types
from stock_mlops.services.promotion import Comparison, HorizonComparison
from stock_mlops.services.version_evidence import (
    CalibrationCurve,
    CoverageCurve,
    FitHistory,
    SkillCurve,
    VersionCurves,
)
from stock_mlops.stores.catalog import Champion, Glance, ModelVersion
from stock_mlops.stores.promotions import Action, AuditEntry, Change
from stock_mlops.stores.settlements import RollingAccuracy

VERDICT = Verdict(True, 2, "out_of_fold", 500, (Check("coverage", True, "0.85 to 0.95", "0.9", {"coverage": 0.9}),))


def make_version(model_id: UUID, number: int = 3, alias: str | None = "champion") -> ModelVersion:
    return ModelVersion(
        model_id=model_id,
        registered_name="stock-US-AAPL",
        version=number,
        run_id=f"run{number}",
        artifact_uri="mlflow-artifacts:/x",
        alias=alias,
        data_version="d",
        feature_version="f",
        horizon=5,
        metrics={
            "horizons": [{"horizon": 1, "rmse": 0.01, "skill": 0.002, "beats_random_walk": True}],
            "learning_curve": [{"rows": 100, "train_rmse": 0.01, "validation_rmse": 0.02}],
            "importance": [{"feature": "return_1", "mean": 0.1, "deviation": 0.01}],
        },
        trained_until=date(2012, 6, 29),
        job_id=None,
        created_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
        verdict=VERDICT.to_dict(),
    )


def glance(versions: Sequence[ModelVersion]) -> Glance:
    """As ``Catalog.glances`` tells of a model with these versions, the newest first."""
    newest = versions[0]
    horizons = newest.metrics["horizons"]
    return Glance(
        versions=len(versions),
        champion=next((item.version for item in versions if item.alias == "champion"), None),
        version=newest.version,
        alias=newest.alias,
        trained_until=newest.trained_until,
        created_at=newest.created_at,
        skill=horizons[0]["skill"],
        beats_random_walk=tuple(item["horizon"] for item in horizons if item["beats_random_walk"]),
    )


@dataclass
class MemoryOffice:
    """``error``, when set, is what every method raises; ``asked`` is what was asked for."""

    error: Exception | None = None
    asked: list[object] = field(default_factory=list)
    trail: list[AuditEntry] = field(default_factory=list)

    def _note(self, *values: object) -> None:
        self.asked.append(values)
        if self.error is not None:
            raise self.error

    def promote(self, name: str, version: int, change: Change, *, force: bool) -> Verdict | None:
        self._note(name, version, change, force)
        return None if force else VERDICT

    def rollback(self, name: str, change: Change) -> tuple[int, int]:
        self._note(name, change)
        return 3, 2

    def compare(self, name: str, first: int, second: int) -> Comparison:
        self._note(name, first, second)
        settled = RollingAccuracy(
            exchange="US",
            ticker="AAPL",
            model_name=name,
            model_version=str(first),
            horizon=1,
            window=63,
            n=63,
            first_session=date(2012, 4, 2),
            last_session=date(2012, 6, 29),
            rmse=0.01,
            mae=0.008,
            bias=0.0,
            skill=0.01,
            hit_rate=0.5,
            level=0.9,
            coverage=0.9,
            width=0.04,
        )
        versions = make_version(UUID(int=1), first), make_version(UUID(int=1), second, "challenger")
        return Comparison(
            versions, "new_sessions", (HorizonComparison(1, 300, (0.010, 0.011), (0.9, None)),), ([settled], [])
        )

    def audit(self, name: str | None, limit: int, before: int | None) -> Sequence[AuditEntry]:
        self._note(name, limit, before)
        older = [entry for entry in reversed(self.trail) if before is None or entry.id < before]
        return [entry for entry in older if name in (None, entry.registered_name)][:limit]

    def delete(self, model_id: UUID, change: Change, *, force: bool) -> None:
        self._note(model_id, change, force)

    def backtest(
        self, version: Champion, instrument: Instrument, horizon: int, settings: BacktestSettings, signal: Signal
    ) -> ChampionBacktest:
        self._note(version, instrument, horizon, settings, signal)
        rng = np.random.default_rng(1)
        close = 50 * np.exp(np.cumsum(rng.normal(0, 0.01, 60)))
        sessions = np.busday_offset("2020-01-06", list(range(60))).astype("datetime64[D]")
        result = backtest(sessions, close, close, rng.normal(0, 0.01, 60), horizon, settings)
        return ChampionBacktest(instrument, version, signal, result)

    def card(self, version: ModelVersion) -> str:
        self._note(version.version)
        return "# stock-US-AAPL\n"

    def curves(self, version: ModelVersion) -> VersionCurves:
        self._note(version.version)
        days = [date(2012, 6, 28), date(2012, 6, 29)]
        return VersionCurves(
            [SkillCurve(1, days, [0.001, 0.002])],
            [CalibrationCurve(1, [ReliabilityBin(0.52, 0.5, 300)])],
            [CoverageCurve(1, 0.9, 250, days, [0.88, 0.89])],
        )

    def fit(self, version: ModelVersion, horizon: int) -> FitHistory:
        self._note(version.version, horizon)
        return FitHistory(horizon, [0.9, 0.7], [1.0, 0.95], [])

    def feature_options(self) -> FeatureOptions:
        return feature_options()

    def model_types(self) -> Sequence[ModelType]:
        return model_types()


def entry(number: int, action: Action = Action.PROMOTE, name: str = "stock-US-AAPL") -> AuditEntry:
    return AuditEntry(
        id=number,
        at=datetime(2026, 11, 21, 12, tzinfo=UTC),
        actor="ann",
        action=action,
        registered_name=name,
        from_version=number - 1 or None,
        to_version=number,
        reason="",
        verdict=VERDICT.to_dict(),
        job_id=None,
    )
