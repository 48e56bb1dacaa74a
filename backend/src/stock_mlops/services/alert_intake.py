"""Reads what the stream detectors say, and ends what nobody confirms any more.

One process does it at a time (an advisory lock); any number may stand by, so that an alert about a service is raised
while that very service is down.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from time import monotonic
from typing import Protocol

from stock_kit.events import Severity, SignalEvent
from stock_kit.logging import get_logger

from stock_mlops.services.alert_metrics import ALERT_INTAKE_ERRORS, ALERT_SIGNALS, ALERTS_OPEN

log = get_logger(__name__)

INTAKE_LOCK = 7_315_020_012
"""Any number that no other user of the database takes as an advisory lock."""

# Detectors confirm what holds once a minute. Before a log was followed for twice as long it is not known whether nobody
# confirms an alert or nobody could be heard.
_SETTLED = 150.0
_SWEEP = 5.0
_PRUNE = 3600.0
_POLL = 1.0
_RETRY = 2.0


class SignalSource(Protocol):
    """``stores.signal_log.SignalLog``."""

    @property
    def heard_until(self) -> datetime | None: ...

    def poll(self, timeout: float) -> list[SignalEvent]: ...

    def commit(self) -> None: ...

    def close(self) -> None: ...


class SignalDesk(Protocol):
    """``services.alert_desk.AlertDesk``, as far as signals go."""

    def observe(self, signals: Sequence[SignalEvent]) -> None: ...

    def expire(self, heard_until: datetime) -> int: ...


class OpenAlerts(Protocol):
    """``stores.alerts.Alerts``, as far as keeping the table goes."""

    def open_counts(self) -> dict[Severity, int]: ...

    def prune(self, retention: timedelta) -> int: ...


class AlertIntake:
    """A thread that reads for ever.

    Args:
        source: opens the log; it is opened anew after an error.
        lock: yields whether this process may read.
        retention: how long a resolved alert is kept.
        settled: seconds of listening before silence means anything.
    """

    def __init__(
        self,
        desk: SignalDesk,
        alerts: OpenAlerts,
        source: Callable[[], SignalSource],
        lock: Callable[[], AbstractContextManager[bool]],
        *,
        retention: timedelta,
        settled: float = _SETTLED,
    ) -> None:
        self._desk = desk
        self._alerts = alerts
        self._source = source
        self._lock = lock
        self._retention = retention
        self._settled = settled
        self._stop = threading.Event()
        self._next_prune = 0.0
        self._thread = threading.Thread(target=self._run, name="alert-intake", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        reported = False
        while not self._stop.is_set():
            try:
                self._count()
                with self._lock() as mine:
                    if mine:
                        self._read()
                reported = False
            except Exception as error:  # noqa: BLE001  Kafka or the database is down; the next attempt looks again
                ALERT_INTAKE_ERRORS.inc()
                if not reported:
                    log.warning("alert_intake_interrupted", error=str(error).splitlines()[0] if str(error) else "")
                reported = True
            self._stop.wait(_RETRY)

    def _read(self) -> None:
        """Read until told to stop; raises what the log and the desk raise."""
        source = self._source()
        log.info("alert_intake_reading")
        since = monotonic()
        next_sweep = 0.0
        try:
            while not self._stop.is_set():
                self.step(source)
                # Also while signals come without a pause.
                if monotonic() >= next_sweep:
                    self._keep(source.heard_until, listened=monotonic() - since)
                    next_sweep = monotonic() + _SWEEP
        finally:
            source.close()

    def step(self, source: SignalSource) -> None:
        """Take in what came. Committed afterwards: what is read again changes nothing."""
        signals = source.poll(_POLL)
        if signals:
            self._desk.observe(signals)
            ALERT_SIGNALS.inc(len(signals))
            source.commit()

    def _keep(self, heard_until: datetime | None, listened: float) -> None:
        if heard_until is not None and listened >= self._settled:
            self._desk.expire(heard_until)
        self._count()
        if monotonic() >= self._next_prune:
            self._next_prune = monotonic() + _PRUNE
            self._alerts.prune(self._retention)

    def _count(self) -> None:
        # By those who stand by as well: which process reads may change at any time.
        for severity, count in self._alerts.open_counts().items():
            ALERTS_OPEN.labels(severity).set(count)
