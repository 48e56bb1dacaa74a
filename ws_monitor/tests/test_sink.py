from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from stock_kit.events import AlertEvent, MetricsEvent, PredictionEvent, SignalEvent, Topic
from stock_kit.service_settings import WsMonitorSettings
from ws_monitor.detectors.registry import Detectors
from ws_monitor.detectors.service_down import ServiceDown
from ws_monitor.memory import MemoryLog, MemoryOutlet, MemoryStore
from ws_monitor.records import Place
from ws_monitor.sink import Sink

MakePrediction = Callable[..., PredictionEvent]
MakeMetrics = Callable[..., MetricsEvent]
MakeAlert = Callable[..., AlertEvent]
PREDICTIONS = Place(str(Topic.PREDICTIONS), 0)


class Bench:
    """A sink between a log and a store in memory; by default every step writes what it read."""

    def __init__(self, **changes: Any) -> None:
        self.log, self.store, self.outlet = MemoryLog(), MemoryStore(), MemoryOutlet()
        settings = WsMonitorSettings(**{"sink_interval": timedelta(microseconds=1), **changes})
        self.sink = Sink(self.store, self.outlet, settings, Detectors([ServiceDown(starting=3)]))

    def step(self) -> None:
        self.sink.step(self.log)


def test_offsets_are_committed_after_the_write(make_prediction: MakePrediction) -> None:
    bench = Bench()
    event = make_prediction()
    bench.log.append(Topic.PREDICTIONS, event)
    bench.step()
    assert bench.store.of(PredictionEvent) == [event]
    assert bench.log.committed == {PREDICTIONS: 1}


def test_a_young_batch_waits_and_a_full_one_does_not(make_prediction: MakePrediction) -> None:
    bench = Bench(sink_interval=timedelta(minutes=1), sink_batch=3)
    for expected in ([], [], [3]):
        bench.log.append(Topic.PREDICTIONS, make_prediction())
        bench.step()
        assert bench.store.inserts == expected
    assert bench.log.committed == {PREDICTIONS: 3}


def test_messages_read_again_leave_one_row_each(make_prediction: MakePrediction) -> None:
    bench = Bench()
    bench.log.refuse_commits = True
    for _ in range(3):
        bench.log.append(Topic.PREDICTIONS, make_prediction())
    bench.step()
    bench.log.rewind()
    bench.log.refuse_commits = False
    bench.step()
    assert len(bench.store.of(PredictionEvent)) == 3
    assert bench.log.committed == {PREDICTIONS: 3}


def test_an_event_resent_within_a_batch_is_written_once(make_prediction: MakePrediction) -> None:
    bench, event = Bench(), make_prediction()
    bench.log.append(Topic.PREDICTIONS, event)
    bench.log.append(Topic.PREDICTIONS, event)
    bench.step()
    assert bench.store.inserts == [1]


def test_a_prediction_that_comes_again_later_is_written_again(make_prediction: MakePrediction) -> None:
    """It is sent again because ClickHouse does not have it, whatever this process remembers."""
    bench, event = Bench(), make_prediction()
    bench.log.append(Topic.PREDICTIONS, event)
    bench.step()
    bench.store.events.clear()
    bench.log.append(Topic.PREDICTIONS, event)
    bench.step()
    assert bench.store.of(PredictionEvent) == [event]


def test_a_commit_that_fails_is_repeated_with_the_next(make_prediction: MakePrediction) -> None:
    bench = Bench()
    bench.log.refuse_commits = True
    bench.log.append(Topic.PREDICTIONS, make_prediction(), partition=1)
    bench.step()
    bench.log.refuse_commits = False
    bench.log.append(Topic.PREDICTIONS, make_prediction())
    bench.step()
    assert bench.log.committed == {PREDICTIONS: 1, Place(PREDICTIONS.topic, 1): 1}


def test_while_the_store_is_away_reading_rests_and_nothing_is_lost(
    make_prediction: MakePrediction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ws_monitor.sink._FIRST_RETRY", 0.01)
    bench = Bench()
    bench.store.failure = ConnectionError("refused")
    bench.log.append(Topic.PREDICTIONS, make_prediction())
    bench.step()
    assert bench.sink.paused
    bench.log.append(Topic.PREDICTIONS, make_prediction())
    bench.step()
    assert bench.log.committed == {}
    assert bench.log.poll(0, hold=True) == []

    bench.store.failure = None
    deadline = monotonic() + 10
    while bench.log.committed.get(PREDICTIONS, 0) < 2:
        bench.step()
        assert monotonic() < deadline
    assert not bench.sink.paused
    assert len(bench.store.of(PredictionEvent)) == 2
    assert bench.log.committed == {PREDICTIONS: 2}


def test_a_message_that_is_no_event_is_buried_and_the_others_go_on(make_prediction: MakePrediction) -> None:
    bench = Bench()
    bench.log.append(Topic.PREDICTIONS, b'{"type":"prediction","ticker":"AAPL"}')
    bench.log.append(Topic.PREDICTIONS, b"\xff")
    bench.log.append(Topic.PREDICTIONS, make_prediction())
    bench.step()
    assert len(bench.store.of(PredictionEvent)) == 1
    assert bench.log.committed == {PREDICTIONS: 3}
    first, second = bench.sink.dead_letters
    assert (first.where, first.reason) == ("stock.predictions/0@0", "prediction_id: Field required")
    assert second.where == "stock.predictions/0@1"


def test_a_row_that_no_column_holds_does_not_hold_up_its_batch(make_prediction: MakePrediction) -> None:
    bench = Bench()
    events = [make_prediction() for _ in range(7)]
    bench.store.refused = {events[4].identity}
    for event in events:
        bench.log.append(Topic.PREDICTIONS, event)
    bench.step()
    assert bench.store.of(PredictionEvent) == events[:4] + events[5:]
    assert [letter.where for letter in bench.sink.dead_letters] == ["predictions"]
    assert bench.log.committed == {PREDICTIONS: 7}


def test_what_a_detector_sees_goes_to_the_alert_desk_once_and_is_not_stored(make_metrics: MakeMetrics) -> None:
    bench = Bench()
    for _ in range(3):
        bench.log.append(Topic.METRICS, make_metrics(up=False, error="refused"))
    bench.step()
    ((topic, signal),) = bench.outlet.sent
    assert isinstance(signal, SignalEvent)
    assert (topic, signal.holds, signal.fingerprint) == (Topic.SIGNALS, True, "service_down:backend1")
    assert bench.store.inserts == []
    bench.log.rewind()
    bench.step()
    assert len(bench.outlet.sent) == 1


def test_a_change_of_an_alert_is_stored(make_alert: MakeAlert) -> None:
    bench = Bench()
    raised, resolved = make_alert(), make_alert(revision=2, state="resolved", change="resolved")
    for event in (raised, resolved, raised):
        bench.log.append(Topic.ALERTS, event)
    bench.step()
    assert bench.store.of(AlertEvent) == [raised, resolved]
    assert bench.outlet.sent == []


def test_a_signal_is_not_sent_before_what_was_read_with_it_is_stored(
    make_metrics: MakeMetrics, make_prediction: MakePrediction
) -> None:
    bench = Bench()
    bench.store.failure = ConnectionError("refused")
    bench.log.append(Topic.PREDICTIONS, make_prediction())
    for _ in range(3):
        bench.log.append(Topic.METRICS, make_metrics(up=False))
    bench.step()
    assert bench.outlet.sent == []
    bench.store.failure = None
    assert bench.sink.flush(bench.log)
    assert len(bench.outlet.sent) == 1


def test_what_a_detector_saw_is_said_before_its_events_are_committed(
    make_metrics: MakeMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """The process dies here."""

    def die(_: object) -> bool:
        raise Killed

    bench = Bench()
    monkeypatch.setattr(bench.log, "commit", die)
    for _ in range(3):
        bench.log.append(Topic.METRICS, make_metrics(up=False))
    with pytest.raises(Killed):
        bench.step()
    assert len(bench.outlet.sent) == 1


def test_offsets_are_not_committed_before_the_broker_has_the_signals(make_metrics: MakeMetrics) -> None:
    bench = Bench()
    bench.outlet.delivers = False
    for _ in range(3):
        bench.log.append(Topic.METRICS, make_metrics(up=False))
    bench.step()
    assert (len(bench.outlet.sent), bench.log.committed) == (1, {})
    bench.outlet.delivers = True
    bench.log.append(Topic.METRICS, make_metrics(up=False))
    bench.step()
    assert bench.log.committed == {Place(str(Topic.METRICS), 0): 4}


def test_when_partitions_are_handed_out_anew_what_holds_is_said_again(make_metrics: MakeMetrics) -> None:
    bench = Bench()
    for _ in range(3):
        bench.log.append(Topic.METRICS, make_metrics(up=False))
    bench.step()
    for generation in (1, 2):
        bench.log.generation = generation
        bench.log.append(Topic.METRICS, make_metrics(up=False))
        bench.step()
    assert [signal.occurred_at - bench.outlet.sent[0][1].occurred_at for _, signal in bench.outlet.sent] == [
        timedelta(0),
        timedelta(seconds=10),
    ]
