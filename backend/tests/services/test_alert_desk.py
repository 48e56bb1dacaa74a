from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from stock_kit.events import AlertEvent, Event, Severity, SignalEvent, Topic
from stock_kit.service_settings import AlertSettings
from stock_mlops.errors import NotFoundError
from stock_mlops.services.alert_desk import AlertDesk
from stock_mlops.services.alerting import AlertReporter, Condition
from stock_mlops.stores.alert_twins import MemoryAlerts

START = datetime(2026, 11, 21, 12, tzinfo=UTC)


class World:
    """A desk, its table, its clock, and what it sent."""

    def __init__(self) -> None:
        self.now = START
        self.table = MemoryAlerts()
        self.sent: list[tuple[str, str]] = []
        self.desk = AlertDesk(self.table, self, AlertSettings(), now=lambda: self.now)

    def send(self, topic: str, event: Event) -> None:
        assert isinstance(event, AlertEvent)
        assert topic == Topic.ALERTS
        assert event in self.table.events
        self.sent.append((event.subject, event.change))

    def check(self, *subjects: str, among: tuple[str, ...] = ("US:AAPL", "US:IBM"), detector: str = "drift") -> None:
        self.now += timedelta(minutes=1)
        found = [Condition(f"{detector}:{item}", item, Severity.WARNING, "drift", "") for item in subjects]
        reporter: AlertReporter = self.desk
        reporter.reconcile(detector, among, found)

    def signal(self, holds: bool = True, seconds: int = 0, lasts: float = 600) -> SignalEvent:
        return SignalEvent(
            detector="service_down",
            fingerprint="service_down:backend1",
            subject="backend1",
            holds=holds,
            severity=Severity.CRITICAL,
            title="down",
            detail="",
            seen_at=START + timedelta(seconds=seconds),
            lasts_seconds=lasts,
        )


@pytest.fixture
def world() -> World:
    return World()


def test_what_a_check_finds_is_raised_once_and_resolved_when_it_finds_it_no_longer(world: World) -> None:
    for found in (["US:AAPL"], ["US:AAPL"], ["US:AAPL", "US:IBM"], ["US:IBM"], ["US:IBM"]):
        world.check(*found)
    assert world.sent == [("US:AAPL", "raised"), ("US:IBM", "raised"), ("US:AAPL", "resolved")]


def test_a_check_says_nothing_about_what_it_did_not_look_at(world: World) -> None:
    world.check("US:AAPL")
    world.check(among=("US:IBM",))
    world.check(detector="parity")
    assert world.sent == [("US:AAPL", "raised")]


def test_a_check_that_looked_earlier_ends_nothing_that_was_seen_since(world: World) -> None:
    world.check("US:AAPL")
    world.now -= timedelta(minutes=5)
    world.check()
    assert world.sent == [("US:AAPL", "raised")]
    world.now += timedelta(minutes=5)
    world.check()
    assert world.sent == [("US:AAPL", "raised"), ("US:AAPL", "resolved")]


def test_a_condition_about_something_that_was_not_looked_at_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="MOON"):
        world.check("US:MOON")
    assert world.table.rows == {}


def test_the_same_signals_from_two_readers_raise_one_alert(world: World) -> None:
    heard = [world.signal(), world.signal(seconds=60), world.signal(holds=False, seconds=90)]
    world.desk.observe(heard[:2])
    world.desk.observe(heard)
    world.desk.observe(heard)
    assert world.sent == [("backend1", "raised"), ("backend1", "resolved")]
    (alert,) = world.table.rows.values()
    assert alert.count == 2


def test_what_nobody_confirms_is_resolved_in_time(world: World) -> None:
    world.desk.observe([world.signal(lasts=120)])
    # It is later already, and what was said meanwhile is not read yet.
    world.now = START + timedelta(seconds=150)
    assert world.desk.expire(START + timedelta(seconds=119)) == 0
    assert [world.desk.expire(START + timedelta(seconds=121)) for _ in range(2)] == [1, 0]
    assert world.sent[-1] == ("backend1", "resolved")
    (_, over) = next(iter(world.table.changes.values()))
    assert "Not seen again since 2026-11-21T12:00:00" in over.detail


def test_every_change_has_an_event_of_its_own_about_the_same_alert(world: World) -> None:
    world.desk.observe([world.signal()])
    (alert,) = world.table.rows.values()
    world.desk.acknowledge(alert.id, "ann", "on it")
    world.desk.acknowledge(alert.id, "bob", None)
    world.desk.observe([world.signal(holds=False, seconds=90)])
    assert [change for _, change in world.sent] == ["raised", "acknowledged", "acknowledged", "resolved"]
    assert len({event.event_id for event in world.table.events}) == 4
    assert {event.alert_id for event in world.table.events} == {alert.id}
    assert [event.revision for event in world.table.events] == [1, 2, 3, 4]
    assert world.table.events[-1].acknowledged_by == "bob"


def test_an_unknown_alert_cannot_be_acknowledged(world: World) -> None:
    with pytest.raises(NotFoundError, match="there is no alert"):
        world.desk.acknowledge(uuid4(), "ann", None)


def test_what_was_not_stored_is_not_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionError("the database is gone")

    monkeypatch.setattr(world.table, "write", refuse)
    with pytest.raises(ConnectionError):
        world.desk.observe([world.signal()])
    assert world.sent == []
