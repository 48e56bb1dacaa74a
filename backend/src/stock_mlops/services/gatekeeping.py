"""The gate as a use case: what a challenger and the present champion forecast, brought together and judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol, cast

from clickhouse_connect.driver.client import Client
from stock_kit.logging import get_logger
from stock_kit.model_settings import GateSettings
from stock_kit.settings import Settings

from stock_mlops.errors import NotFoundError
from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.forecasting.contenders import Contender
from stock_mlops.forecasting.estimators.base import Task
from stock_mlops.forecasting.gate import Verdict, judge
from stock_mlops.forecasting.trainer import TrainingResult
from stock_mlops.instruments import Instrument
from stock_mlops.services.training_record import OUT_OF_FOLD, out_of_fold
from stock_mlops.stores.catalog import Catalog, Champion, ModelVersion
from stock_mlops.stores.clickhouse import get_client
from stock_mlops.stores.mlflow_rest import MlflowRest
from stock_mlops.stores.model_files import ModelFiles
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.warehouse import TrainingFrame, Warehouse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import polars as pl

log = get_logger(__name__)


class Champions(Protocol):
    """``stores.catalog.Catalog``, or a version in a test."""

    def champion_of(self, registered_name: str) -> ModelVersion | None: ...


class Runs(Protocol):
    """``stores.mlflow_rest.MlflowRest``, or a folder in a test."""

    def run(self, run_id: str) -> dict[str, Any]: ...

    def download(self, artifact_uri: str, folder: Path) -> int: ...


class Sessions(Protocol):
    """Where features of sessions come from; ``stores.warehouse.Warehouse``, or a frame in a test."""

    def training_frame(
        self, instrument: Instrument, names: Sequence[str], start: date | None, end: date | None
    ) -> TrainingFrame: ...


@dataclass(frozen=True, slots=True)
class LateWarehouse:
    """The warehouse, connected to when its sessions are asked for: most judging needs none."""

    client: Callable[[], Client]

    def training_frame(
        self, instrument: Instrument, names: Sequence[str], start: date | None, end: date | None
    ) -> TrainingFrame:
        return Warehouse(self.client()).training_frame(instrument, names, start, end)


class Gatekeeper:
    """Judges challengers.

    Raises:
        DependencyUnavailableError: any method, when MLflow does not answer.
    """

    def __init__(
        self,
        champions: Champions,
        runs: Runs,
        sessions: Sessions,
        load: Callable[[Champion], ForecastBundle],
        limits: GateSettings,
    ) -> None:
        self._champions = champions
        self._runs = runs
        self._sessions = sessions
        self._load = load
        self.limits = limits

    def judge(self, registered_name: str, challenger: Contender) -> Verdict:
        """May the challenger serve in the place of what is the champion now?"""
        champion = self._champions.champion_of(registered_name)
        if champion is None or not self._can_serve(champion):
            return judge(challenger, None, self.limits)
        return judge(challenger, self.opponent(champion, challenger), self.limits)

    def _can_serve(self, champion: ModelVersion) -> bool:
        """False of one that an older release saved in a way that is not read any more: it holds nobody back."""
        try:
            self._load(champion.ref)
        except (ValueError, KeyError) as error:
            log.warning(
                "champion_unreadable", model=champion.registered_name, version=champion.version, error=str(error)
            )
            return False
        except (NotFoundError, OSError):
            pass  # lost, or out of reach for a while: it may be resident yet, and what it forecast is known
        return True

    def opponent(self, version: ModelVersion, challenger: Contender) -> Contender:
        """A registered version, with its forecasts for the sessions after its training when those are enough to judge
        on."""
        import polars as pl

        found = self.contender(version)
        newer = challenger.forecasts.filter(pl.col("session") > version.trained_until)
        if newer["session"].n_unique() < self.limits.new_sessions:
            return found
        return found.asked(self._forecast(version, found))

    def contender(self, version: ModelVersion) -> Contender:
        """A registered version by what its run keeps; without forecasts when MLflow has lost them."""
        tags: dict[str, str] = {}
        try:
            run = self._runs.run(version.run_id)
            tags = {item["key"]: item["value"] for item in run["data"].get("tags", ())}
            forecasts = self._out_of_fold(f"{run['info']['artifact_uri']}/evaluation")
        except (NotFoundError, FileNotFoundError) as error:
            log.warning(
                "version_without_evidence", model=version.registered_name, version=version.version, error=str(error)
            )
            forecasts = _no_forecasts()
        return Contender(
            version=version.version,
            exchange=version.registered_name.split("-")[1],
            tickers=tuple(filter(None, tags.get("tickers", "").split(","))),
            task=cast(Task, tags.get("task", version.metrics.get("task", "regression"))),
            horizon=version.horizon,
            trained_until=version.trained_until,
            forecasts=forecasts,
        )

    def _out_of_fold(self, uri: str) -> pl.DataFrame:
        import polars as pl

        with TemporaryDirectory(prefix="stock-gate-") as folder:
            self._runs.download(uri, Path(folder))
            return pl.read_parquet(Path(folder) / OUT_OF_FOLD)

    def _forecast(self, version: ModelVersion, found: Contender) -> pl.DataFrame:
        """What the version says of the sessions after its training, asked now."""
        import numpy as np
        import polars as pl

        bundle = self._load(version.ref)
        parts = []
        for ticker in found.tickers:
            instrument = Instrument(found.exchange, ticker)
            start = instrument.sessions.next(version.trained_until)
            frame = self._sessions.training_frame(instrument, bundle.features, start, None).frame
            x = frame.select(pl.col(list(bundle.features)).cast(pl.Float64)).to_numpy()
            usable = np.isfinite(x).all(axis=1)
            if usable.any():
                asked = frame.select("session").filter(pl.Series(usable))
                y_hat = bundle.predict_rows(x[usable])
                parts += [
                    asked.with_columns(
                        ticker=pl.lit(ticker), horizon=pl.lit(horizon, pl.Int64), y_hat=pl.Series(column)
                    )
                    for horizon, column in enumerate(y_hat.T, start=1)
                ]
        wanted = ("ticker", "session", "horizon", "y_hat")
        return pl.concat(part.select(wanted) for part in parts) if parts else _no_forecasts().select(wanted)


def contender_of(result: TrainingResult) -> Contender:
    """A model that was just trained."""
    info = result.bundle.info
    return Contender(
        None, info.exchange, info.tickers, info.task, info.horizon, info.trained_until, out_of_fold(result)
    )


def open_gatekeeper(settings: Settings, mlflow: MlflowRest) -> Gatekeeper:
    """The use case over the servers of ``settings``."""
    return Gatekeeper(
        Catalog(get_engine(settings.model_meta_db)),
        mlflow,
        LateWarehouse(partial(get_client, settings.clickhouse)),
        ModelFiles(mlflow, settings.path(settings.serving.cache_dir)).load,
        settings.gate,
    )


def _no_forecasts() -> pl.DataFrame:
    import polars as pl

    numbers = dict.fromkeys(("y", "y_hat", "probability_up"), pl.Float64)
    return pl.DataFrame(
        schema={"ticker": pl.String, "session": pl.Date, "horizon": pl.Int64, **numbers, "fold": pl.Int64}
    )
