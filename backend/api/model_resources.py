"""What backend1's model routes ask for. The services behind it import polars and the estimators, so each is made when
it is first asked: a backend starts without them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from stock_kit.settings import Settings
from stock_mlops.instruments import Instrument
from stock_mlops.stores.catalog import Champion, ModelVersion
from stock_mlops.stores.mlflow_rest import MlflowRest
from stock_mlops.stores.promotions import AuditEntry, Change

if TYPE_CHECKING:
    from stock_mlops.forecasting.backtest import BacktestSettings
    from stock_mlops.forecasting.gate import Verdict
    from stock_mlops.services.backtesting import Backtesting, ChampionBacktest, Signal
    from stock_mlops.services.deletion import Deletion
    from stock_mlops.services.model_options import FeatureOptions, ModelType
    from stock_mlops.services.promotion import Comparison, Promotion
    from stock_mlops.services.version_evidence import FitHistory, VersionCurves, VersionEvidence


class ModelOffice(Protocol):
    """Decides about models, and tells what is known of their versions."""

    def promote(self, name: str, version: int, change: Change, *, force: bool) -> Verdict | None: ...

    def rollback(self, name: str, change: Change) -> tuple[int, int]: ...

    def compare(self, name: str, first: int, second: int) -> Comparison: ...

    def audit(self, name: str | None, limit: int, before: int | None) -> Sequence[AuditEntry]: ...

    def delete(self, model_id: UUID, change: Change, *, force: bool) -> None: ...

    def backtest(
        self, version: Champion, instrument: Instrument, horizon: int, settings: BacktestSettings, signal: Signal
    ) -> ChampionBacktest: ...

    def card(self, version: ModelVersion) -> str: ...

    def curves(self, version: ModelVersion) -> VersionCurves: ...

    def fit(self, version: ModelVersion, horizon: int) -> FitHistory: ...

    def feature_options(self) -> FeatureOptions: ...

    def model_types(self) -> Sequence[ModelType]: ...


class Models:
    """The real :class:`ModelOffice`."""

    def __init__(self, settings: Settings, mlflow: MlflowRest) -> None:
        self._settings = settings
        self._mlflow = mlflow

    @cached_property
    def _promotion(self) -> Promotion:
        from stock_mlops.services.promotion import make_promotion

        return make_promotion(self._settings, self._mlflow)

    @cached_property
    def _deletion(self) -> Deletion:
        from stock_mlops.services.deletion import make_deletion

        return make_deletion(self._settings, self._mlflow)

    @cached_property
    def _backtesting(self) -> Backtesting:
        from stock_mlops.services.backtesting import make_backtesting

        return make_backtesting(self._settings, self._mlflow)

    @cached_property
    def _evidence(self) -> VersionEvidence:
        from stock_mlops.services.version_evidence import VersionEvidence

        return VersionEvidence(self._mlflow)

    def promote(self, name: str, version: int, change: Change, *, force: bool) -> Verdict | None:
        return self._promotion.promote(name, version, change, force=force)

    def rollback(self, name: str, change: Change) -> tuple[int, int]:
        return self._promotion.rollback(name, change)

    def compare(self, name: str, first: int, second: int) -> Comparison:
        return self._promotion.compare(name, first, second)

    def audit(self, name: str | None, limit: int, before: int | None) -> Sequence[AuditEntry]:
        return self._promotion.audit(name, limit, before)

    def delete(self, model_id: UUID, change: Change, *, force: bool) -> None:
        self._deletion.delete(model_id, change, force=force)

    def backtest(
        self, version: Champion, instrument: Instrument, horizon: int, settings: BacktestSettings, signal: Signal
    ) -> ChampionBacktest:
        return self._backtesting.version(version, instrument, horizon=horizon, settings=settings, signal=signal)

    def card(self, version: ModelVersion) -> str:
        return self._evidence.card(version)

    def curves(self, version: ModelVersion) -> VersionCurves:
        return self._evidence.curves(version)

    def fit(self, version: ModelVersion, horizon: int) -> FitHistory:
        return self._evidence.fit(version, horizon)

    def feature_options(self) -> FeatureOptions:
        from stock_mlops.services.model_options import feature_options

        return feature_options()

    def model_types(self) -> Sequence[ModelType]:
        from stock_mlops.services.model_options import model_types

        return model_types()
