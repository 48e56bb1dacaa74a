from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime

import pytest
from stock_kit.events import Severity
from stock_mlops.instruments import Instrument
from stock_mlops.services.alerting import Condition
from stock_mlops.services.monitoring import Monitoring
from stock_mlops.services.watchers.base import Number, Observation, Served, Subject, condition
from stock_mlops.stores.monitoring import Measured
from stock_mlops.stores.warehouse import DatasetRow

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
AAPL, IBM, GONE = (Instrument("US", ticker) for ticker in ("AAPL", "IBM", "GONE"))


class World:
    """A warehouse of three tickers, one of which was deleted, and everything that is written."""

    def __init__(self) -> None:
        self.rows: list[Measured] = []
        self.told: list[tuple[str, list[str], list[Condition]]] = []
        self.error: Exception | None = None
        self.loaded: list[Instrument] = []

    def datasets(self) -> Sequence[DatasetRow]:
        loaded = [(item, date(2012, 6, 29)) for item in (AAPL, IBM, GONE)]
        return [
            DatasetRow(item.exchange, item.ticker, "sample", date(2000, 3, 1), last, 3000, 20.0, NOW)
            for item, last in loaded
        ]

    def timelines(self) -> Mapping[Instrument, str]:
        return {AAPL: "replay", IBM: "live"}

    def served(self, instrument: Instrument) -> Served | None:
        if self.error is not None:
            raise self.error
        self.loaded.append(instrument)
        return None

    def add(self, rows: Sequence[Measured]) -> None:
        self.rows.extend(rows)

    def reconcile(self, detector: str, subjects: Collection[str], conditions: Sequence[Condition]) -> None:
        self.told.append((detector, sorted(subjects), list(conditions)))

    def monitoring(self, *watchers: Watch) -> Monitoring:
        return Monitoring(self, self.served, watchers, self, self, timelines=self.timelines, now=lambda: NOW)


class Watch:
    """Finds ``findings`` wrong."""

    def __init__(self, detector: str, *findings: Instrument, error: Exception | None = None) -> None:
        self.detector = detector
        self.findings = findings
        self.error = error
        self.seen: list[Subject] = []

    def observe(self, subject: Subject) -> Observation:
        self.seen.append(subject)
        if self.error is not None and subject.instrument == AAPL:
            raise self.error
        wrong = [condition(subject, self.detector, Severity.WARNING, "wrong", "why")]
        number = Number("quality", "outlier", "findings", 1.0, 0.0)
        return Observation([number], wrong if subject.instrument in self.findings else [])


@pytest.fixture
def world() -> World:
    return World()


def test_every_watcher_looks_at_every_ticker_that_was_not_deleted(world: World) -> None:
    watchers = Watch("one"), Watch("two")
    report = world.monitoring(*watchers).run()
    for watcher in watchers:
        assert [(item.instrument, item.timeline) for item in watcher.seen] == [(AAPL, "replay"), (IBM, "live")]
    assert (report.instruments, report.numbers) == (2, 4)


def test_only_those_asked_for_are_looked_at(world: World) -> None:
    watcher = Watch("one")
    world.monitoring(watcher).run([IBM, Instrument("TW", "2330")])
    assert [item.instrument for item in watcher.seen] == [IBM]


def test_what_was_measured_is_kept_with_its_session_and_moment(world: World) -> None:
    world.monitoring(Watch("one")).run([AAPL])
    assert world.rows == [
        Measured("US", "AAPL", "quality", "outlier", "findings", date(2012, 6, 29), 1.0, 0.0, None, None, NOW)
    ]


def test_what_is_wrong_is_told_once_per_watcher_with_all_that_it_looked_at(world: World) -> None:
    report = world.monitoring(Watch("one", IBM), Watch("two")).run()
    assert [(detector, subjects, len(found)) for detector, subjects, found in world.told] == [
        ("one", ["US:AAPL", "US:IBM"], 1),
        ("two", ["US:AAPL", "US:IBM"], 0),
    ]
    assert [item.fingerprint for item in report.conditions] == ["one:US:IBM"]


def test_a_watcher_that_fails_leaves_its_alerts_as_they_are_and_the_others_look_on(world: World) -> None:
    broken, sound = Watch("broken", IBM, error=OSError("down")), Watch("sound", AAPL)
    report = world.monitoring(broken, sound).run()
    told = {detector: (subjects, len(found)) for detector, subjects, found in world.told}
    assert told == {"broken": (["US:IBM"], 1), "sound": (["US:AAPL", "US:IBM"], 1)}
    assert report.failed == {"broken": 1}
    assert "broken failed for 1" in report.markdown()


def test_a_model_that_cannot_be_read_does_not_blind_the_watchers_of_prices(world: World) -> None:
    world.error = ValueError("not a bundle")
    watcher = Watch("one")
    world.monitoring(watcher).run()
    assert [item.served for item in watcher.seen] == [None, None]


def test_a_model_is_read_when_its_ticker_is_looked_at_and_not_before(world: World) -> None:
    seen: list[list[Instrument]] = []
    world.monitoring(Watch("one")).run(check=lambda: seen.append(list(world.loaded)))
    assert seen == [[AAPL], [AAPL, IBM]]


def test_a_cancelled_pass_ends_between_two_tickers(world: World) -> None:
    watcher = Watch("one")

    def check() -> None:
        if watcher.seen:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        world.monitoring(watcher).run(check=check)
    assert len(watcher.seen) == 1
    assert world.told == []
