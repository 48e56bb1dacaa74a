"""The models that this process serves, kept in memory and kept current.

A watcher asks the catalog every few seconds which versions are champions. A model is loaded when it is first asked for
(thousands may exist), or when its champion changes while it is in memory; the new version is loaded beside the old one
and takes its place at once, so no request waits for it or fails.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

import numpy as np
from stock_kit.logging import get_logger
from stock_kit.model_settings import ServingSettings
from stock_kit.tuning import keep_for_good

from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.forecasting.adaptation import AdaptiveState
from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.forecasting.intervals import Intervals
from stock_mlops.instruments import Instrument, sessions_of
from stock_mlops.services.serving_metrics import CATALOG_AGE, MODEL_LOAD_SECONDS, MODEL_LOADS, RESIDENT_MODELS
from stock_mlops.stores.catalog import Champion
from stock_mlops.stores.interval_states import StateKey

log = get_logger(__name__)

# A first request waits so long for its model, and one that comes before the first answer of the catalog for that.
_PATIENCE = 5.0
# A load that failed is tried again after 1, 2, 4, ... and at most so many seconds.
_LONGEST_BACK_OFF = 60.0
_LOADERS = 2
# Slower models answer in a thread, or they would hold up every other request.
_SLOW_SECONDS = 0.001


@dataclass(frozen=True, slots=True, weakref_slot=True)
class ServedModel:
    """A version in memory; with its intervals as they are for one instrument."""

    ref: Champion
    bundle: ForecastBundle
    slow: bool = False
    """Whether one forecast takes longer than the event loop should be held."""
    expires: date | None = None
    """The last session that it is meant for."""
    intervals: Intervals | None = None
    """Adapted to the instrument; None: as validation found them."""
    adapted_through: date | None = None

    @classmethod
    def of(cls, ref: Champion, bundle: ForecastBundle, expiry_sessions: int, *, slow: bool = False) -> ServedModel:
        sessions = sessions_of(bundle.info.exchange)
        return cls(ref, bundle, slow, sessions.next(bundle.info.trained_until, expiry_sessions))

    def adapted(self, state: AdaptiveState | None) -> ServedModel:
        if state is None:
            return self
        return replace(self, intervals=self.bundle.intervals.scaled(state.scales), adapted_through=state.through)

    def is_stale(self, session: date) -> bool:
        return self.expires is not None and session > self.expires


@dataclass(frozen=True, slots=True)
class _Failure:
    ref: Champion
    count: int
    retry_at: float
    reason: str


class _Adapted(NamedTuple):
    """A model with an instrument's intervals, and what it was made from."""

    base: ServedModel
    states: Mapping[StateKey, AdaptiveState]
    state: AdaptiveState | None
    model: ServedModel


class ResidentModels:
    """Champions by registered name. ``model_for`` is called on event loops, everything else happens in threads."""

    def __init__(
        self,
        champions: Callable[[], Iterable[Champion]],
        load: Callable[[Champion], ForecastBundle],
        settings: ServingSettings,
        states: Callable[[Collection[tuple[str, int]]], Mapping[StateKey, AdaptiveState]] = lambda _: {},
        *,
        patience: float = _PATIENCE,
    ) -> None:
        self._champions = champions
        self._load_bundle = load
        self._read_states = states
        self._states: Mapping[StateKey, AdaptiveState] = {}
        self._adapted: dict[str, _Adapted] = {}
        """Of each instrument, by its key: the version in memory, the state, and the two together."""
        self._expiry = settings.expiry_sessions
        self._interval = settings.refresh_interval.total_seconds()
        self._bound = settings.resident_models
        self._patience = patience
        self._known: dict[str, Champion] | None = None
        self._panels: dict[str, Champion] = {}
        """Of each instrument the newest champion that was trained for it, by its key."""
        self._resident: OrderedDict[str, ServedModel] = OrderedDict()
        self._loading: dict[Champion, Future[ServedModel]] = {}
        self._failures: dict[str, _Failure] = {}
        self._lock = threading.Lock()
        self._told = threading.Event()
        self._told_at = time.monotonic()
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(_LOADERS, thread_name_prefix="model-load")
        self._watcher = threading.Thread(target=self._watch, name="champion-watch", daemon=True)

    def start(self) -> None:
        self._watcher.start()

    def close(self) -> None:
        self._stop.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._watcher.is_alive():
            self._watcher.join(timeout=5)

    async def model_for(self, instrument: Instrument) -> ServedModel | None:
        """The champion of an instrument, else of the newest panel that it belongs to, or None when it has neither.

        Raises:
            DependencyUnavailableError: it has one, which is not in memory and cannot be brought there now.
        """
        known = self._known
        if known is None:
            known = await self._first_answer()
        ref = known.get(instrument.registered_model) or self._panels.get(instrument.key)
        if ref is None:
            return None
        with self._lock:
            served = self._resident.get(ref.registered_name)
            if served is not None:
                self._resident.move_to_end(ref.registered_name)
        return self._for(instrument, served or await self._first_load(ref))

    async def models_for(self, instruments: Sequence[Instrument]) -> list[ServedModel | None]:
        """As :meth:`model_for` of each; what is not in memory is loaded at the same time."""
        known = self._known
        if known is None:
            known = await self._first_answer()
        panels = self._panels
        refs = [known.get(item.registered_model) or panels.get(item.key) for item in instruments]
        wanted = {ref.registered_name: ref for ref in refs if ref is not None}
        with self._lock:
            served = {name: self._resident[name] for name in wanted if name in self._resident}
            for name in served:
                self._resident.move_to_end(name)
        missing = [ref for name, ref in wanted.items() if name not in served]
        for model in await asyncio.gather(*(self._first_load(ref) for ref in missing)):
            served[model.ref.registered_name] = model
        pairs = zip(instruments, refs, strict=True)
        return [None if ref is None else self._for(item, served[ref.registered_name]) for item, ref in pairs]

    def _for(self, instrument: Instrument, served: ServedModel) -> ServedModel:
        """The version with the instrument's intervals, made anew only when either has changed."""
        states = self._states
        known = self._adapted.get(instrument.key)
        if known is not None and known.base is served and known.states is states:
            return known.model
        state = states.get(StateKey(served.ref.registered_name, served.ref.version, instrument))
        unchanged = known is not None and known.base is served and known.state is state
        model = known.model if known is not None and unchanged else served.adapted(state)
        self._adapted[instrument.key] = _Adapted(served, states, state, model)
        return model

    def refresh(self) -> None:
        """Ask the catalog once, and load what changed among the models in memory. Errors are the catalog's."""
        champions = list(self._champions())
        known = {ref.registered_name: ref for ref in champions}
        self._panels = {key: ref for ref in champions for key in ref.members}
        before, self._known = self._known, known
        self._told_at = time.monotonic()
        self._told.set()
        with self._lock:
            for name in [name for name in self._resident if name not in known]:
                del self._resident[name]
            outdated = [known[name] for name, served in self._resident.items() if known[name] != served.ref]
            RESIDENT_MODELS.set(len(self._resident))
            in_memory = [(served.ref.registered_name, served.ref.version) for served in self._resident.values()]
        self._take_states(self._read_states(in_memory))
        # A model just trained will be asked for soon; at start there may be thousands, which may never be.
        new = [ref for name, ref in known.items() if name not in before] if before is not None else []
        for ref in (*outdated, *new[: self._bound]):
            self._start_load(ref)

    def _take_states(self, newest: Mapping[StateKey, AdaptiveState]) -> None:
        """Replace what changed; a state that did not stays the same object, and what was made of it is kept."""
        before = self._states
        self._states = {
            key: old if (old := before.get(key)) is not None and old.through == state.through else state
            for key, state in newest.items()
        }

    async def _first_answer(self) -> dict[str, Champion]:
        await asyncio.to_thread(self._told.wait, self._patience)
        if self._known is None:
            raise DependencyUnavailableError("PostgreSQL", "the model catalog has not answered yet")
        return self._known

    async def _first_load(self, ref: Champion) -> ServedModel:
        loading = self._start_load(ref)
        if loading is None:
            raise self._unavailable(ref)
        # Waited for rather than awaited: a caller that gives up must not cancel the load that others wait for.
        await asyncio.wait([waiting := asyncio.wrap_future(loading)], timeout=self._patience)
        if not waiting.done():
            waiting.add_done_callback(_note_outcome)
            raise DependencyUnavailableError(
                f"model {ref.registered_name} version {ref.version}", f"not loaded within {self._patience:g} s"
            )
        error = waiting.exception()
        if error is None:
            return waiting.result()
        raise error if isinstance(error, DependencyUnavailableError) else self._unavailable(ref) from error

    def _unavailable(self, ref: Champion) -> DependencyUnavailableError:
        failure = self._failures.get(ref.registered_name)
        reason = failure.reason if failure is not None else "the service is stopping"
        return DependencyUnavailableError(f"model {ref.registered_name} version {ref.version}", reason)

    def _start_load(self, ref: Champion) -> Future[ServedModel] | None:
        """The load of a version, begun or joined; None while it may not be tried again yet."""
        with self._lock:
            running = self._loading.get(ref)
            if running is not None:
                return running
            failure = self._failures.get(ref.registered_name)
            if failure is not None and failure.ref == ref and time.monotonic() < failure.retry_at:
                return None
            try:
                future = self._pool.submit(self._load, ref)
            except RuntimeError:  # the pool was shut down
                return None
            self._loading[ref] = future
        future.add_done_callback(lambda _: self._loading.pop(ref, None))
        return future

    def _load(self, ref: Champion) -> ServedModel:
        started = time.perf_counter()
        try:
            bundle = self._load_bundle(ref)
            slow = _seconds_per_forecast(bundle) > _SLOW_SECONDS
            served = ServedModel.of(ref, bundle, self._expiry, slow=slow)
            # Before it serves: its intervals are as they should be from the first answer on.
            self._take_states({**self._states, **self._read_states([(ref.registered_name, ref.version)])})
        except Exception as error:
            self._note_failure(ref, error)
            raise
        self._put(served)
        keep_for_good()
        MODEL_LOADS.labels("loaded").inc()
        MODEL_LOAD_SECONDS.observe(time.perf_counter() - started)
        log.info("model_loaded", model=ref.registered_name, version=ref.version, slow=served.slow)
        return served

    def _put(self, served: ServedModel) -> None:
        name = served.ref.registered_name
        with self._lock:
            self._failures.pop(name, None)
            current = (self._known or {}).get(name)
            if current is not None and current != served.ref and name in self._resident:
                return  # a newer champion appeared meanwhile; the next refresh brings it
            self._resident[name] = served
            self._resident.move_to_end(name)
            while len(self._resident) > self._bound:
                self._resident.popitem(last=False)
            RESIDENT_MODELS.set(len(self._resident))

    def _note_failure(self, ref: Champion, error: Exception) -> None:
        MODEL_LOADS.labels("failed").inc()
        with self._lock:
            last = self._failures.get(ref.registered_name)
            count = last.count + 1 if last is not None and last.ref == ref else 1
            wait = min(2.0 ** (count - 1), _LONGEST_BACK_OFF)
            reason = f"{type(error).__name__}: {error}"
            self._failures[ref.registered_name] = _Failure(ref, count, time.monotonic() + wait, reason)
        log.error("model_load_failed", model=ref.registered_name, version=ref.version, attempt=count, error=reason)

    def _watch(self) -> None:
        failing = False
        while not self._stop.is_set():
            try:
                self.refresh()
                if failing:
                    log.info("catalog_back")
                failing = False
            except Exception as error:  # noqa: BLE001  what serves now goes on serving; the next round asks again
                if not failing:
                    log.warning("catalog_unreachable", error=str(error).splitlines()[0] if str(error) else repr(error))
                failing = True
            CATALOG_AGE.set(time.monotonic() - self._told_at)
            self._stop.wait(self._interval)


def _note_outcome(ended: asyncio.Future[ServedModel]) -> None:
    """Look at the outcome that nobody waits for any more, or asyncio reports the exception as never retrieved."""
    if not ended.cancelled():
        ended.exception()


def _seconds_per_forecast(bundle: ForecastBundle) -> float:
    """Time of one forecast; proves at once that the model answers with a finite number."""
    row = np.zeros(len(bundle.features))
    best = np.inf
    for _ in range(3):
        started = time.perf_counter()
        forecast = bundle.predict(row, 1)
        best = min(best, time.perf_counter() - started)
    if not np.isfinite(forecast.predicted_return):
        raise ValueError(f"the model forecasts {forecast.predicted_return} for a row of zeros")
    return best
