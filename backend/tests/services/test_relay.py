from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

import pytest
from stock_kit.events import Event, PredictionEvent, Topic
from stock_kit.service_settings import OutboxSettings
from stock_mlops.services import relay as service
from stock_mlops.services.relay import Relay, Relayed
from stock_mlops.stores.outbox import OutboxLoad, OutboxPage, PendingRow, Sent
from stock_mlops.stores.outbox_batches import OutboxBatch

START = datetime(2026, 11, 21, 12, tzinfo=UTC)


def event(prediction_id: UUID) -> PredictionEvent:
    return PredictionEvent(
        prediction_id=prediction_id,
        exchange="US",
        ticker="AAPL",
        made_at=START,
        as_of=date(2012, 6, 29),
        target_session=date(2012, 7, 2),
        horizon=1,
        last_close=100,
        predicted_return=0,
        predicted_close=100,
        model_name="random_walk",
        model_type="random_walk",
        feature_version="1",
        data_version="1",
    )


class Row(NamedTuple):
    recorded_at: datetime
    sent_at: datetime
    attempts: int
    payload: str


class World:
    """An outbox, ClickHouse, Kafka and the lock; time passes when told to."""

    def __init__(self) -> None:
        self.now = START
        self.rows: dict[str, Row] = {}
        self.batches = Batches(self)
        self.stored: set[str] = set()
        self.asked: list[datetime | None] = []
        self.made_at: dict[str, datetime] = {}
        self.sent: list[str] = []
        self.lock_is_ours = True
        self.clickhouse_error: Exception | None = None

    def add(self, payload: str | None = None) -> str:
        new = uuid4()
        self.made_at[str(new)] = self.now
        self.rows[str(new)] = Row(self.now, self.now, 1, payload or event(new).model_dump_json())
        return str(new)

    def add_batch(self, size: int) -> list[str]:
        ids = [self.add() for _ in range(size)]
        self.batches.recorded[ids[0]] = (self.now, {item: self.rows.pop(item).payload for item in ids})
        return ids

    def page(self, topic: str, after: Sent | None, limit: int) -> OutboxPage | None:
        waiting = sorted(Sent(row.sent_at, item) for item, row in self.rows.items())
        places = [place for place in waiting if after is None or place > after][:limit]
        if not places:
            return None
        ids = [place.id for place in places]
        recorded = min(self.rows[item].recorded_at for item in ids)
        return OutboxPage(ids, ["US:AAPL"], recorded, (self.now - places[0].at).total_seconds(), places[-1])

    def pending(self, ids: Sequence[str]) -> list[PendingRow]:
        rows = [(item, self.rows[item]) for item in ids]
        return [PendingRow(item, row.attempts, (self.now - row.sent_at).total_seconds()) for item, row in rows]

    def payloads(self, ids: Sequence[str]) -> dict[str, str]:
        return {item: self.rows[item].payload for item in ids if item in self.rows}

    def delete(self, ids: Collection[str]) -> None:
        for item in ids:
            del self.rows[item]

    def mark_sent(self, ids: Sequence[str]) -> None:
        for item in ids:
            row = self.rows[item]
            self.rows[item] = row._replace(sent_at=self.now, attempts=row.attempts + 1)

    def load(self) -> OutboxLoad:
        return OutboxLoad(len(self.rows), 0.0)

    def existing(self, ids: Collection[str], keys: Iterable[str], since: datetime | None = None) -> set[str]:
        if self.clickhouse_error is not None:
            raise self.clickhouse_error
        assert set(keys) == {"US:AAPL"}
        self.asked.append(since)
        return {item for item in self.stored & set(ids) if since is None or self.made_at[item] >= since}

    def send(self, topic: str, event: Event) -> None:
        assert isinstance(event, PredictionEvent)
        self.sent.append(str(event.prediction_id))

    @contextmanager
    def lock(self) -> Iterator[bool]:
        yield self.lock_is_ours


class Batches:
    """The outbox's rows of many events."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.recorded: dict[str, tuple[datetime, dict[str, str]]] = {}

    def waiting(self, topic: str) -> list[str]:
        return list(self.recorded)

    def get(self, batch_id: str) -> OutboxBatch | None:
        if batch_id not in self.recorded:
            return None
        recorded_at, payloads = self.recorded[batch_id]
        waited = (self._world.now - recorded_at).total_seconds()
        return OutboxBatch(batch_id, list(payloads), ["US:AAPL"] * len(payloads), recorded_at, waited)

    def delete(self, batch_id: str) -> None:
        del self.recorded[batch_id]

    def unpack(self, batch_id: str, stored: Collection[str]) -> None:
        recorded_at, payloads = self.recorded.pop(batch_id)
        for item, payload in payloads.items():
            if item not in stored:
                self._world.rows[item] = Row(recorded_at, recorded_at, 1, payload)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def relay(world: World) -> Relay:
    settings = OutboxSettings(resend_after=timedelta(seconds=5))
    return Relay(world, world.batches, {Topic.PREDICTIONS: world}, world, world.lock, settings)


def test_what_clickhouse_has_leaves_the_outbox_at_once(relay: Relay, world: World) -> None:
    stored, missing = world.add(), world.add()
    world.stored = {stored}
    assert relay.run_once() == Relayed(confirmed=1, resent=0)
    assert set(world.rows) == {missing}
    assert world.sent == []


def test_only_what_may_have_been_made_lately_is_looked_through(relay: Relay, world: World) -> None:
    world.add()
    relay.run_once()
    assert world.asked == [START - timedelta(minutes=1)]


def test_what_was_made_by_a_clock_that_is_far_off_is_found_before_it_is_sent_again(relay: Relay, world: World) -> None:
    stored = world.add()
    world.stored, world.made_at[stored] = {stored}, START - timedelta(days=1)
    assert relay.run_once() == Relayed()
    world.now += timedelta(seconds=6)
    assert relay.run_once() == Relayed(confirmed=1, resent=0)
    assert world.sent == []


def test_a_pass_does_not_run_after_what_comes_meanwhile(
    relay: Relay, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look would find some more, and the pass would never end."""
    page, looks = world.page, []

    def one_more_each_time(topic: str, after: Sent | None, limit: int) -> OutboxPage | None:
        found = page(topic, after, limit)
        looks.append(0 if found is None else len(found.ids))
        world.now += timedelta(milliseconds=1)
        world.add()
        return found

    monkeypatch.setattr(world, "page", one_more_each_time)
    monkeypatch.setattr(service, "_PAGE", 5)
    world.stored = {world.add() for _ in range(7)}
    relay.run_once()
    assert looks == [5, 3]


def test_a_pass_ends_where_nothing_is_stored_yet_unless_it_is_due(
    relay: Relay, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_PAGE", 5)
    for _ in range(23):
        world.add()
    relay.run_once()
    assert len(world.asked) == 1
    world.now += timedelta(seconds=6)
    assert relay.run_once() == Relayed(confirmed=0, resent=23)


def test_what_clickhouse_lacks_is_sent_again_after_the_wait_and_then_ever_more_seldom(
    relay: Relay, world: World
) -> None:
    lost = world.add()
    resent_at = []
    for second in range(120):
        world.now = START + timedelta(seconds=second)
        relay.run_once()
        resent_at += [second] * (len(world.sent) - len(resent_at))
    assert resent_at == [5, 15, 35, 75, 115]
    assert set(world.sent) == {lost}


def test_without_clickhouse_nothing_leaves_and_nothing_is_sent(relay: Relay, world: World) -> None:
    world.add()
    world.now += timedelta(minutes=5)
    world.clickhouse_error = ConnectionError("refused")
    with pytest.raises(ConnectionError):
        relay.run_once()
    assert len(world.rows) == 1
    assert world.sent == []


def test_a_standby_does_nothing(relay: Relay, world: World) -> None:
    world.stored = {world.add()}
    world.lock_is_ours = False
    assert relay.run_once() is None
    assert len(world.rows) == 1


def test_every_row_is_looked_at_however_many_there_are(
    relay: Relay, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_PAGE", 7)
    world.stored = {world.add() for _ in range(50)}
    waiting = {world.add() for _ in range(3)}
    assert relay.run_once() == Relayed(confirmed=50, resent=0)
    assert set(world.rows) == waiting


def test_one_pass_sends_no_more_than_the_producer_takes(
    relay: Relay, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_MOST_RESENT", 10)
    for _ in range(25):
        world.add()
    world.now += timedelta(seconds=6)
    relay.run_once()
    assert len(world.sent) == 10
    relay.run_once()
    relay.run_once()
    assert len(world.sent) == len(set(world.sent)) == 25


def test_a_row_that_nobody_can_read_holds_up_nobody(relay: Relay, world: World) -> None:
    world.add(payload="{}")
    good = world.add()
    world.now += timedelta(seconds=6)
    relay.run_once()
    assert world.sent == [good]
    assert len(world.rows) == 2


def test_a_batch_leaves_when_clickhouse_has_all_of_it(relay: Relay, world: World) -> None:
    ids = world.add_batch(3)
    world.stored = set(ids[:2])
    assert relay.run_once() == Relayed()
    assert list(world.batches.recorded) == ids[:1]
    world.stored = set(ids)
    assert relay.run_once() == Relayed(confirmed=3, resent=0)
    assert world.batches.recorded == world.rows == {}
    assert world.sent == []


def test_of_a_batch_only_what_clickhouse_lacks_after_the_wait_is_sent_again(relay: Relay, world: World) -> None:
    ids, later = world.add_batch(3), world.add_batch(2)
    world.stored = set(ids[:2])
    world.now += timedelta(seconds=6)
    relay.run_once()
    assert world.batches.recorded == {}
    assert set(world.rows) == set(world.sent) == {ids[2], *later}
    world.stored |= world.rows.keys()
    assert relay.run_once() == Relayed(confirmed=3, resent=0)
    assert world.rows == {}


def test_the_batches_made_after_one_that_is_not_stored_yet_are_left_for_the_next_pass(
    relay: Relay, world: World
) -> None:
    for _ in range(4):
        world.add_batch(2)
    single = world.add()
    world.stored = {single}
    assert relay.run_once() == Relayed(confirmed=1, resent=0)
    assert len(world.asked) == 2  # the first batch, and the page of rows


def test_without_clickhouse_a_batch_stays_as_it_is(relay: Relay, world: World) -> None:
    world.add_batch(2)
    world.now += timedelta(minutes=5)
    world.clickhouse_error = ConnectionError("refused")
    with pytest.raises(ConnectionError):
        relay.run_once()
    assert len(world.batches.recorded) == 1
    assert world.sent == []


def test_a_batch_that_another_process_took_meanwhile_is_passed_over(
    relay: Relay, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.batches, "waiting", lambda _topic: [str(uuid4()), *world.batches.recorded])
    world.stored = set(world.add_batch(2))
    assert relay.run_once() == Relayed(confirmed=2, resent=0)
