"""Backtests of models that serve: on the out-of-fold forecasts that their training kept, with costs of one's choice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Protocol

from stock_kit.settings import Settings

from stock_mlops.errors import InvalidRequestError, NotFoundError
from stock_mlops.forecasting.backtest import BacktestResult, BacktestSettings, backtest
from stock_mlops.instruments import Instrument
from stock_mlops.stores.catalog import Catalog, Champion
from stock_mlops.stores.mlflow_rest import MlflowRest
from stock_mlops.stores.postgres import get_engine

Signal = Literal["return", "probability"]
"""What is traded on: the expected return, or the probability of a rise."""

# Its column, and the value that says nothing.
_SIGNALS: Mapping[Signal, tuple[str, float]] = {"return": ("y_hat", 0.0), "probability": ("probability_up", 0.5)}
# A scheme whose models were trained on sessions after those that they forecast.
_NOT_FORWARD = "purged_kfold"


class Champions(Protocol):
    """``stores.catalog.Catalog``, or a list in a test."""

    def champions(self) -> Sequence[Champion]:
        """The newest last."""
        ...


class Runs(Protocol):
    """``stores.mlflow_rest.MlflowRest``, or a folder in a test."""

    def run(self, run_id: str) -> dict[str, Any]: ...

    def download(self, artifact_uri: str, folder: Path) -> int: ...


@dataclass(frozen=True, slots=True)
class ChampionBacktest:
    """A backtest, and of which model version."""

    instrument: Instrument
    champion: Champion
    signal: Signal
    result: BacktestResult


class Backtesting:
    """Backtests champions."""

    def __init__(self, champions: Champions, runs: Runs) -> None:
        self._champions = champions
        self._runs = runs

    def champion(
        self,
        instrument: Instrument,
        *,
        horizon: int = 1,
        settings: BacktestSettings | None = None,
        signal: Signal = "return",
    ) -> ChampionBacktest:
        """Trade on what the champion forecast of sessions that it was not trained on; ``neutral`` follows ``signal``.

        Raises:
            NotFoundError: no trained model serves the instrument, or its run keeps no forecasts.
            InvalidRequestError: the model has no such horizon, or was validated on its past.
            DependencyUnavailableError: MLflow does not answer.
        """
        return self.version(self._serving(instrument), instrument, horizon=horizon, settings=settings, signal=signal)

    def version(
        self,
        champion: Champion,
        instrument: Instrument,
        *,
        horizon: int = 1,
        settings: BacktestSettings | None = None,
        signal: Signal = "return",
    ) -> ChampionBacktest:
        """The same of any registered version, of an instrument that it was trained for.

        Raises:
            NotFoundError: its run keeps no forecasts.
            InvalidRequestError: it does not forecast the instrument or the horizon, or was validated on its past.
            DependencyUnavailableError: MLflow does not answer.
        """
        run = self._runs.run(champion.run_id)
        params = {item["key"]: item["value"] for item in run["data"].get("params", ())}
        if params.get("validation.scheme") == _NOT_FORWARD:
            raise InvalidRequestError(
                f"{champion.registered_name} version {champion.version} was validated by {_NOT_FORWARD}: its forecasts"
                " know what came after them; train it with the scheme expanding or rolling"
            )
        with TemporaryDirectory(prefix="stock-backtest-") as folder:
            self._runs.download(f"{run['info']['artifact_uri']}/evaluation", Path(folder))
            result = _backtest(
                Path(folder), instrument, horizon, settings or BacktestSettings(), signal, int(params.get("trials", 1))
            )
        return ChampionBacktest(instrument, champion, signal, result)

    def _serving(self, instrument: Instrument) -> Champion:
        """Its own model, else the newest panel that it belongs to."""
        champions = self._champions.champions()
        own = [item for item in champions if item.registered_name == instrument.registered_model]
        panels = [item for item in champions if instrument.key in item.members]
        if not (own or panels):
            raise NotFoundError(
                f"no trained model serves {instrument}; train one: stock-mlops train {instrument.ticker}"
                f" --exchange {instrument.exchange}"
            )
        return (own or panels)[-1]


@contextmanager
def open_backtesting(settings: Settings) -> Iterator[Backtesting]:
    """The use case over the servers of ``settings``."""
    with closing(MlflowRest(settings.mlflow)) as mlflow:
        yield make_backtesting(settings, mlflow)


def make_backtesting(settings: Settings, mlflow: MlflowRest) -> Backtesting:
    """The same with a client of MLflow that its caller closes. Connects to nothing yet."""
    return Backtesting(Catalog(get_engine(settings.model_meta_db)), mlflow)


def _backtest(
    folder: Path,
    instrument: Instrument,
    horizon: int,
    settings: BacktestSettings,
    signal: Signal,
    trials: int,
) -> BacktestResult:
    """On the files that ``services.training_record.write_evaluation`` wrote."""
    import polars as pl

    mine = pl.col("ticker") == instrument.ticker
    forecasts = pl.scan_parquet(folder / "out_of_fold.parquet").filter(mine).collect()
    if forecasts.is_empty():
        message = f"the model forecasts no {instrument.ticker}; expected one of its own tickers"
        raise InvalidRequestError(f"ticker: {message}", errors=[{"field": "ticker", "message": message}])
    horizons = forecasts["horizon"].unique().sort().to_list()
    if horizon not in horizons:
        raise InvalidRequestError(
            f"expected a horizon of {', '.join(map(str, horizons))}, which the model of {instrument} forecasts,"
            f" got {horizon}"
        )
    frame = (
        pl.scan_parquet(folder / "prices.parquet")
        .filter(mine)
        .collect()
        .join(forecasts.filter(horizon=horizon), on="session", how="left")
        .sort("session")
    )
    column, neutral = _SIGNALS[signal]
    opens, closes, made = frame.select(pl.col("open", "close", column).fill_null(float("nan"))).to_numpy().T
    settings = replace(settings, neutral=neutral)
    return backtest(frame["session"].to_numpy(), opens, closes, made, horizon, settings, trials=trials)
