"""Takes events out of the outbox when their consumer has stored them, and sends them again until then.

One process does it at a time (an advisory lock); any number may stand by. A dependency that is down only delays a pass:
without ClickHouse nothing can be confirmed, and nothing is sent again either, since the consumer could not store it.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Protocol

from pydantic import ValidationError
from stock_kit.events import AlertEvent, Event, PredictionEvent, Topic
from stock_kit.logging import get_logger
from stock_kit.service_settings import OutboxSettings

from stock_mlops.services.prediction import Sender
from stock_mlops.services.serving_metrics import (
    OUTBOX_AGE,
    OUTBOX_CONFIRMED,
    OUTBOX_RESENT,
    OUTBOX_SIZE,
    RELAY_ERRORS,
)
from stock_mlops.stores.outbox import OutboxPage, OutboxTable, PendingRow, Sent
from stock_mlops.stores.outbox_batches import BatchTable

log = get_logger(__name__)

RELAY_LOCK = 7_315_020_004
"""Any number that no other user of the database takes as an advisory lock."""

_PAGE = 1000
# The clock that a prediction was made by and the database's, at most.
_CLOCKS_APART = timedelta(minutes=1)
_LONGEST_REST = 0.05
# Sent again in one pass: what the producer takes without dropping, and the sink stores before the next pass.
_MOST_RESENT = 4000
_MODELS: Mapping[Topic, type[Event]] = {Topic.PREDICTIONS: PredictionEvent, Topic.ALERTS: AlertEvent}
# Sent again after resend_after, then after twice and four times that, and from then on every eight times that.
_MOST_DOUBLINGS = 3


class Confirmations(Protocol):
    def existing(self, ids: Collection[str], keys: Iterable[str], since: datetime | None = None) -> set[str]:
        """Which of ``ids`` are stored; ``keys`` of their instruments narrow the search, and so does ``since``, before
        which none of them was made."""
        ...


class Lock(Protocol):
    def __call__(self) -> AbstractContextManager[bool]:
        """Yields whether this process may work; another one does otherwise."""
        ...


@dataclass(slots=True)
class Relayed:
    """What one pass did."""

    confirmed: int = 0
    resent: int = 0


class Relay:
    """A thread over the whole outbox.

    Args:
        stored: where the events of each topic are found once they are stored.
    """

    def __init__(
        self,
        outbox: OutboxTable,
        batches: BatchTable,
        stored: Mapping[Topic, Confirmations],
        sender: Sender,
        lock: Lock,
        settings: OutboxSettings,
    ) -> None:
        self._outbox = outbox
        self._batches = batches
        self._stored = stored
        self._sender = sender
        self._lock = lock
        self._interval = settings.confirm_interval.total_seconds()
        self._resend_after = settings.resend_after.total_seconds()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="outbox-relay", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def run_once(self) -> Relayed | None:
        """One pass over the whole outbox; None when another process is at it. Raises what its dependencies raise."""
        with self._lock() as mine:
            if not mine:
                return None
            relayed = Relayed()
            for topic in self._stored:
                self._relay_batches(topic, relayed)
                self._relay_rows(topic, relayed)
            load = self._outbox.load()
        OUTBOX_SIZE.set(load.size)
        OUTBOX_AGE.set(load.oldest_seconds)
        return relayed

    def _relay_batches(self, topic: Topic, relayed: Relayed) -> None:
        for batch_id in self._batches.waiting(topic):
            started = monotonic()
            batch = self._batches.get(batch_id)
            if batch is None:
                continue
            stored = self._stored[topic].existing(batch.ids, set(batch.keys), batch.recorded - _CLOCKS_APART)
            if len(stored) == len(batch.ids):
                self._batches.delete(batch_id)
            elif batch.waited >= self._resend_after:
                self._batches.unpack(batch_id, stored)
            else:
                break  # nor will the consumer have stored what was sent after these yet
            OUTBOX_CONFIRMED.inc(len(stored))
            relayed.confirmed += len(stored)
            if self._rest(started):
                break

    def _relay_rows(self, topic: Topic, relayed: Relayed) -> None:
        after: Sent | None = None
        while True:
            page = self._outbox.page(topic, after, _PAGE)
            if page is None:
                break
            confirmed, started = relayed.confirmed, monotonic()
            self._relay(topic, page, relayed)
            after = page.last
            if len(page.ids) < _PAGE:  # what comes meanwhile is the next pass's: else this one might never end
                break
            if relayed.confirmed == confirmed and page.longest_wait < self._resend_after:
                break  # nor will the consumer have stored what was sent after these yet
            if self._rest(started):
                break

    def _rest(self, started: float) -> bool:
        """The databases' processors are wanted by those who wait for an answer, too. Returns whether this ends."""
        return self._stop.wait(min(monotonic() - started, _LONGEST_REST))

    def _relay(self, topic: Topic, page: OutboxPage, relayed: Relayed) -> None:
        # Of an instrument with a million predictions only the newest are read.
        stored = self._confirm(topic, page.ids, page.keys, page.oldest - _CLOCKS_APART, relayed)
        if page.longest_wait < self._resend_after:
            return
        waiting = self._outbox.pending([event_id for event_id in page.ids if event_id not in stored])
        due = [row.id for row in waiting if self._is_due(row)][: _MOST_RESENT - relayed.resent]
        if due:
            # Whose clock is off by more than that.
            stored = self._confirm(topic, due, page.keys, None, relayed)
            due = [event_id for event_id in due if event_id not in stored]
        if due:
            # Marked first: a crash in between delays these events, the other order would send them twice as often.
            self._outbox.mark_sent(due)
            for event_id, payload in self._outbox.payloads(due).items():
                self._send(topic, event_id, payload)
            OUTBOX_RESENT.inc(len(due))
            relayed.resent += len(due)

    def _confirm(
        self, topic: Topic, ids: Sequence[str], keys: Iterable[str], since: datetime | None, relayed: Relayed
    ) -> set[str]:
        """Take the rows out that are stored; returns their ids."""
        stored = self._stored[topic].existing(ids, keys, since)
        if stored:
            self._outbox.delete(stored)
            OUTBOX_CONFIRMED.inc(len(stored))
            relayed.confirmed += len(stored)
        return stored

    def _is_due(self, row: PendingRow) -> bool:
        doublings = min(row.attempts - 1, _MOST_DOUBLINGS)
        return row.waited_seconds >= self._resend_after * float(1 << doublings)

    def _send(self, topic: Topic, event_id: str, payload: str) -> None:
        try:
            event = _MODELS[topic].model_validate_json(payload)
        except ValidationError as error:
            # Written by a release that is gone; it stays in the table, visible in the outbox's size and age.
            log.error("outbox_row_unreadable", id=event_id, error=str(error))
            return
        self._sender.send(topic, event)

    def _loop(self) -> None:
        failing = False
        while not self._stop.wait(self._interval):
            try:
                relayed = self.run_once()
            except Exception as error:  # noqa: BLE001  any dependency may be down; the next pass asks again
                RELAY_ERRORS.inc()
                if not failing:
                    log.warning("outbox_relay_interrupted", error=str(error).splitlines()[0] if str(error) else "")
                failing = True
                continue
            if failing:
                log.info("outbox_relay_back")
            failing = False
            if relayed is not None and relayed.resent:
                log.info("outbox_resent", rows=relayed.resent)
