"""The replay: once the sample is loaded, its sessions are released one by one, as if each had just closed.

A step moves the market clock, loads what the clock released, and asks for a forecast of every instrument that a model
serves. Whatever a crash interrupted, the next step finishes: loading is incremental up to the clock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import httpx
from sqlalchemy import Engine
from stock_kit.logging import get_logger
from stock_kit.service_settings import ReplaySettings

from stock_mlops.instruments import Instrument, Sessions, sessions_of
from stock_mlops.prices.sources import PriceSource
from stock_mlops.prices.sources.sample import EXCHANGE, SampleSource
from stock_mlops.services.pipeline_metrics import (
    REPLAY_FAILURES,
    REPLAY_LEFT,
    REPLAY_SECONDS,
    REPLAY_SESSION,
    REPLAY_STEPS,
)
from stock_mlops.stores.market_clock import Clocks, ReplayState
from stock_mlops.stores.postgres import advisory_lock

log = get_logger(__name__)

SETTLING_TIME = timedelta(minutes=1)
"""How long after a session's close the replay stands: nothing of that session is provisional any more."""

# Any number that no other user of the database takes as an advisory lock.
_REPLAY_LOCK = 7_315_020_003
# How often a replica that does not replay looks whether it should.
_STANDBY_SECONDS = 5.0

Predict = Callable[[Instrument], None]


def begin_replay(clocks: Clocks, settings: ReplaySettings, source: PriceSource) -> None:
    """Set the clock of a replayed source, when it stands nowhere yet; other sources need none."""
    if not isinstance(source, SampleSource):
        return
    sessions = sessions_of(EXCHANGE)
    first, last = source.first_session, source.last_session
    start = sessions.previous(min(max(settings.start, first), last) + timedelta(days=1))
    clocks.start_replay(start, sessions.close_time(start) + SETTLING_TIME, last)


class StepOutcome(StrEnum):
    IDLE = "idle"
    """Nothing is replayed: the sample was not loaded yet, or all its tickers went live."""
    RELEASED = "released"
    """A session was released, and is loaded."""
    FAILED = "failed"
    """The session stands released and could not be loaded; the next step tries again."""
    ENDED = "ended"
    """The sample's last session is loaded."""
    LOST = "lost"
    """Another process moved the clock: it replays, not this one."""


class Replay:
    """Releases one session per step.

    Args:
        clocks: where the replay stands.
        sessions: the sessions of the sample's exchange.
        ingest: loads the replayed instruments up to the clock and says how many there are; raises when it cannot.
        instruments: the instruments to forecast after each session.
        predict: asks for one forecast.
        after: told of each session once it is loaded and forecast from; what it raises is logged.
    """

    def __init__(
        self,
        clocks: Clocks,
        sessions: Sessions,
        *,
        ingest: Callable[[], int],
        instruments: Callable[[], Iterable[Instrument]],
        predict: Predict,
        after: Callable[[date], None] = lambda _: None,
    ) -> None:
        self._clocks = clocks
        self._sessions = sessions
        self._ingest = ingest
        self._instruments = instruments
        self._predict = predict
        self._after = after
        self._loaded: ReplayState | None = None

    def step(self) -> StepOutcome:
        """Release the next session, or finish the present one when it was not loaded; failures are logged and counted.

        Raises:
            sqlalchemy.exc.DBAPIError: the database of the clock does not answer.
        """
        outcome = self._step()
        REPLAY_STEPS.labels(outcome).inc()
        return outcome

    def _step(self) -> StepOutcome:
        state = self._clocks.replay()
        if state is None:
            return StepOutcome.IDLE
        if self._loaded is not None and self._loaded.session == state.session:
            if state.ended:
                return StepOutcome.ENDED
            session = self._sessions.next(state.session)
            moved = self._clocks.advance(state, session, self._sessions.close_time(session) + SETTLING_TIME)
            if moved is None:
                return StepOutcome.LOST
            state = moved
        self._tell(state)
        with REPLAY_SECONDS.time():
            return self._release(state)

    def _release(self, state: ReplayState) -> StepOutcome:
        try:
            if not self._ingest():
                return StepOutcome.IDLE
        except Exception as error:  # noqa: BLE001  whatever failed, the next step tries again
            REPLAY_FAILURES.labels("ingest").inc()
            log.warning("replay_ingest_failed", session=str(state.session), error=str(error))
            return StepOutcome.FAILED
        self._loaded = state
        predicted = self._predict_all()
        try:
            self._after(state.session)
        except Exception as error:  # noqa: BLE001  nothing of it may stop the clock
            REPLAY_FAILURES.labels("after").inc()
            log.warning("replay_not_watched", session=str(state.session), error=str(error))
        log.info("replay_session_released", session=str(state.session), predicted=predicted)
        if state.ended:
            log.info("replay_ended", session=str(state.session))
        return StepOutcome.RELEASED

    def _predict_all(self) -> int:
        """How many forecasts succeeded. What fails is not repeated: the next session asks again anyway."""
        succeeded = 0
        try:
            instruments = list(self._instruments())
        except Exception as error:  # noqa: BLE001  as below
            REPLAY_FAILURES.labels("instruments").inc()
            log.warning("replay_instruments_unknown", error=str(error))
            return 0
        for instrument in instruments:
            try:
                self._predict(instrument)
            except Exception as error:  # noqa: BLE001  one instrument must not stop the others, nor the clock
                REPLAY_FAILURES.labels("predict").inc()
                log.warning("replay_predict_failed", instrument=instrument.key, error=str(error))
            else:
                succeeded += 1
        return succeeded

    def _tell(self, state: ReplayState) -> None:
        REPLAY_SESSION.set(datetime.combine(state.session, datetime.min.time(), UTC).timestamp())
        REPLAY_LEFT.set(self._sessions.count(state.session, state.ends_at))


class HttpPredictor:
    """Asks backend2 for forecasts, one session ahead; ``key`` is the platform's, None while access is off."""

    def __init__(self, url: str, key: str | None = None, *, timeout: float = 10.0) -> None:
        headers = {"X-Prediction-Origin": "replay"} | ({} if key is None else {"X-API-Key": key})
        self._client = httpx.Client(base_url=url, timeout=timeout, headers=headers)

    def __call__(self, instrument: Instrument) -> None:
        """Ask for one forecast.

        Raises:
            httpx.HTTPError: backend2 did not answer, or not with a forecast.
        """
        body = {"exchange": instrument.exchange, "ticker": instrument.ticker, "horizon": 1}
        self._client.post("/api/predict/", json=body).raise_for_status()

    def close(self) -> None:
        self._client.close()


class ReplayThread:
    """Steps through the replay at a steady pace, in the one replica that holds the lock."""

    def __init__(self, replay: Replay, engine: Engine, interval: float) -> None:
        self._replay = replay
        self._engine = engine
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="replay", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask it to stop and wait for the step at work."""
        self._stop.set()
        self._thread.join(timeout=self._interval + 10)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with advisory_lock(self._engine, _REPLAY_LOCK) as mine:
                    if mine:
                        self._steps()
            except Exception as error:  # noqa: BLE001  the thread outlives any outage
                REPLAY_FAILURES.labels("clock").inc()
                log.warning("replay_interrupted", error=str(error))
            self._stop.wait(_STANDBY_SECONDS)

    def _steps(self) -> None:
        """Step until told to stop or until another process turns out to replay (it took the lock when ours broke)."""
        outcome = StepOutcome.IDLE
        while outcome is not StepOutcome.LOST and not self._stop.is_set():
            started = time.monotonic()
            outcome = self._replay.step()
            self._stop.wait(max(0.0, self._interval - (time.monotonic() - started)))
