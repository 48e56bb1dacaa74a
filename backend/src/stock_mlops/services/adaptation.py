"""Intervals follow the market: each session's outcome moves those of the version that serves its instrument.

It counts what the version *would have* forecast at every session since its training, not only what somebody asked for:
a ticker that nobody looked at for a month has up-to-date intervals all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np
from stock_kit.logging import get_logger
from stock_kit.settings import Settings

from stock_mlops.forecasting.adaptation import AdaptiveState, adapt
from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.instruments import Instrument, parse_symbol
from stock_mlops.stores.catalog import Catalog, Champion
from stock_mlops.stores.clickhouse import get_client
from stock_mlops.stores.interval_states import IntervalStates, StateKey
from stock_mlops.stores.mlflow_rest import MlflowRest
from stock_mlops.stores.model_files import ModelFiles
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.warehouse import TrainingFrame, Warehouse

if TYPE_CHECKING:
    from datetime import date

    import polars as pl

    from stock_mlops.forecasting.estimators.base import Floats

log = get_logger(__name__)

_LOADED = 64


class Outcomes(Protocol):
    """Where features and closes come from; ``stores.warehouse.Warehouse``, or a frame in a test."""

    def training_frame(
        self, instrument: Instrument, names: Sequence[str], start: date | None, end: date | None
    ) -> TrainingFrame: ...


class States(Protocol):
    def newest(self, key: StateKey) -> AdaptiveState | None: ...

    def add(self, key: StateKey, state: AdaptiveState) -> None: ...


class Adaptation:
    """Counts outcomes. Two who count at once write the same state."""

    def __init__(
        self,
        outcomes: Outcomes,
        champion_of: Callable[[Instrument], Champion | None],
        load: Callable[[Champion], ForecastBundle],
        states: States,
    ) -> None:
        self._outcomes = outcomes
        self._champion_of = champion_of
        self._load = load
        self._states = states

    def update(self, instrument: Instrument) -> AdaptiveState | None:
        """Count the sessions that became known since the last time; None when no model serves the instrument.

        Raises:
            what the stores raise when a server does not answer; nothing is lost, the next update counts them too.
        """
        champion = self._champion_of(instrument)
        if champion is None:
            return None
        bundle = self._load(champion)
        key = StateKey(champion.registered_name, champion.version, instrument)
        state = self._states.newest(key) or AdaptiveState.start(bundle.horizon)
        since = state.through or bundle.info.trained_until
        # Forecasts for a session after `since` were made as early as the longest horizon before it.
        start = instrument.sessions.previous(since, bundle.horizon)
        frame = self._outcomes.training_frame(instrument, bundle.features, start, None).frame
        if frame.is_empty() or frame["session"][-1] <= since:
            return state
        state = adapt(state, bundle.intervals, outcome_errors(bundle, instrument, frame, since), frame["session"][-1])
        self._states.add(key, state)
        return state


def outcome_errors(bundle: ForecastBundle, instrument: Instrument, frame: pl.DataFrame, since: date) -> list[Floats]:
    """Per horizon the errors ``y - y_hat`` of forecasts for sessions after ``since``, in the order of time.

    Args:
        frame: session, adjusted close and the bundle's features, by session.
    """
    sessions = instrument.sessions.array(frame["session"][0], frame["session"][-1])
    position = np.searchsorted(sessions, frame["session"].to_numpy().astype("datetime64[D]"))
    logs = np.full(len(sessions), np.nan)
    logs[position] = np.log(frame["close"].to_numpy())
    forecasts = np.full((len(sessions), bundle.horizon), np.nan)
    x = frame.select(bundle.features).to_numpy()
    usable = np.isfinite(x).all(axis=1)
    if usable.any():
        forecasts[position[usable]] = bundle.predict_rows(x[usable])
    first = int(np.searchsorted(sessions, np.datetime64(since), side="right"))
    errors = []
    for horizon in range(1, bundle.horizon + 1):
        made = np.arange(max(0, first - horizon), len(sessions) - horizon)
        errors.append(logs[made + horizon] - logs[made] - forecasts[made, horizon - 1])
    return errors


def open_adaptation(settings: Settings, outcomes: Outcomes | None = None) -> Adaptation:
    """The use case over the servers of ``settings``; features and closes are read from ``outcomes`` where given."""
    meta = get_engine(settings.model_meta_db)
    files = ModelFiles(MlflowRest(settings.mlflow), settings.path(settings.serving.cache_dir))
    return Adaptation(
        outcomes or Warehouse(get_client(settings.clickhouse)),
        Catalog(meta).serving,
        lru_cache(maxsize=_LOADED)(files.load),
        IntervalStates(meta),
    )


def served_instruments(settings: Settings) -> list[Instrument]:
    """Every instrument that a trained model serves."""
    champions = Catalog(get_engine(settings.model_meta_db)).champions()
    return [parse_symbol(key) for key in sorted({key for champion in champions for key in champion.members})]


def adapt_loaded(open_: Callable[[], Adaptation]) -> Callable[[Collection[Instrument]], None]:
    """To be told whose prices, or whose models, are new. A failure must not fail what brought them: the next pass
    counts what this one did not."""
    opened: list[Adaptation] = []

    def update(instruments: Collection[Instrument]) -> None:
        for instrument in instruments:
            try:
                if not opened:
                    opened.append(open_())
                opened[0].update(instrument)
            except Exception as error:  # noqa: BLE001  any store's error, or a model's that cannot be read
                log.warning(
                    "intervals_not_adapted", instrument=instrument.key, error=f"{type(error).__name__}: {error}"
                )

    return update
