from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from stock_kit.events import Severity, SignalEvent
from stock_mlops.services.alert_intake import AlertIntake

SIGNAL = SignalEvent(
    detector="service_down",
    fingerprint="service_down:backend1",
    subject="backend1",
    holds=True,
    severity=Severity.CRITICAL,
    title="down",
    detail="",
    seen_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
    lasts_seconds=600,
)

HEARD = datetime(2026, 11, 21, 13, tzinfo=UTC)


class World:
    """A log, a desk, a table and a lock. ``done`` is set once what the test waits for has happened."""

    def __init__(self) -> None:
        self.batches: list[list[SignalEvent]] = []
        self.observed: list[SignalEvent] = []
        self.committed = 0
        self.opened = 0
        self.closed = 0
        self.expired: list[datetime] = []
        self.heard_until: datetime | None = HEARD
        self.steady = False
        self.counted = 0
        self.pruned: list[timedelta] = []
        self.lock_is_ours = True
        self.failures: list[Exception] = []
        self.done = threading.Event()

    def open(self) -> World:
        self.opened += 1
        return self

    def poll(self, timeout: float) -> list[SignalEvent]:
        return [SIGNAL] if self.steady else self.batches.pop(0) if self.batches else []

    def commit(self) -> None:
        self.committed += 1

    def close(self) -> None:
        self.closed += 1

    def observe(self, signals: Sequence[SignalEvent]) -> None:
        if self.failures:
            raise self.failures.pop()
        self.observed += signals

    def expire(self, heard_until: datetime) -> int:
        self.expired.append(heard_until)
        return 0

    def open_counts(self) -> dict[Severity, int]:
        self.counted += 1
        if not self.lock_is_ours:
            self.done.set()
        return dict.fromkeys(Severity, 1)

    def prune(self, retention: timedelta) -> int:
        self.pruned.append(retention)
        self.done.set()
        return 0

    @contextmanager
    def lock(self) -> Iterator[bool]:
        yield self.lock_is_ours

    def run(self, settled: float = 0.0) -> None:
        intake = AlertIntake(self, self, self.open, self.lock, retention=timedelta(days=1), settled=settled)
        intake.start()
        assert self.done.wait(10)
        intake.close()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("stock_mlops.services.alert_intake._RETRY", 0.001)
    return World()


def test_signals_are_taken_in_and_committed_afterwards(world: World) -> None:
    world.batches = [[SIGNAL, SIGNAL], [SIGNAL]]
    world.run()
    assert (len(world.observed), world.committed, world.closed) == (3, 2, world.opened)
    assert world.pruned == [timedelta(days=1)]


def test_what_the_desk_could_not_store_is_not_committed_and_the_log_is_opened_anew(world: World) -> None:
    world.batches = [[SIGNAL], [SIGNAL]]
    world.failures = [ConnectionError("the database is gone")]
    world.run()
    assert (len(world.observed), world.committed, world.opened, world.closed) == (1, 1, 2, 2)


def test_silence_means_something_only_after_listening_for_a_while(world: World) -> None:
    world.run(settled=3600)
    assert world.expired == []
    again = World()
    again.run(settled=0)
    assert set(again.expired) == {HEARD}


def test_alerts_end_in_time_while_signals_come_without_a_pause(world: World) -> None:
    world.steady = True
    world.run()
    assert set(world.expired) == {HEARD}
    assert world.observed != []


def test_nothing_ends_while_it_is_not_known_how_far_the_log_was_read(world: World) -> None:
    world.heard_until = None
    world.run()
    assert world.expired == []


def test_a_process_that_stands_by_reads_nothing_and_counts_all_the_same(world: World) -> None:
    world.lock_is_ours = False
    world.batches = [[SIGNAL]]
    world.run()
    assert (world.opened, world.observed) == (0, [])
    assert world.counted > 0
