from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from stock_kit.events import AlertChange, AlertState, Severity, SignalEvent
from stock_mlops.services.alert_rules import Observation, acknowledge, fold, observed
from stock_mlops.services.alerting import Condition
from stock_mlops.stores.alerts import Alert, Note

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
COOL_DOWN = timedelta(minutes=10)


def at(seconds: float, holds: bool = True, **changes: Any) -> Observation:
    values: dict[str, Any] = {
        "fingerprint": "service_down:backend1",
        "subject": "backend1",
        "severity": Severity.WARNING,
        "title": "backend1 does not answer",
        "detail": "refused",
    }
    return Observation(
        detector="service_down",
        condition=Condition(**values | changes),
        holds=holds,
        at=START + timedelta(seconds=seconds),
        lasts=timedelta(minutes=1),
    )


def run(*seen: Observation) -> tuple[list[Alert], list[AlertChange]]:
    """Every alert that there was, as it stood last, and all changes."""
    alerts: dict[Any, Alert] = {}
    known: Alert | None = None
    changes = []
    for item in seen:
        outcome = fold(known, item, COOL_DOWN)
        if outcome is not None:
            known = outcome.alert
            alerts[known.id] = known
            changes += [] if outcome.note is None else [outcome.note.change]
    return list(alerts.values()), changes


def test_what_is_seen_again_is_the_same_alert_counted() -> None:
    ((alert,), changes) = run(at(0), at(60, detail="timeout", value=3.0), at(120))
    assert changes == [AlertChange.RAISED]
    assert (alert.count, alert.revision, alert.raised_at, alert.seen_at) == (3, 1, at(0).at, at(120).at)
    assert alert.expires_at == at(180).at


def test_what_ends_is_resolved_and_its_end_is_told_once() -> None:
    ((alert,), changes) = run(at(0), at(5, holds=False), at(10, holds=False))
    assert changes == [AlertChange.RAISED, AlertChange.RESOLVED]
    assert (alert.state, alert.resolved_at, alert.revision) == (AlertState.RESOLVED, at(5).at, 2)


def test_what_was_last_seen_at_the_moment_of_its_end_is_over_and_what_came_late_says_nothing() -> None:
    (_, changes) = run(at(0), at(60), at(30, holds=False), at(60, holds=False))
    assert changes == [AlertChange.RAISED, AlertChange.RESOLVED]


def test_what_never_held_raises_nothing() -> None:
    assert run(at(0, holds=False)) == ([], [])


def test_what_is_back_within_the_cool_down_reopens_its_alert_and_later_raises_another() -> None:
    ((alert,), changes) = run(at(0), at(10, holds=False), at(20))
    assert changes == [AlertChange.RAISED, AlertChange.RESOLVED, AlertChange.REOPENED]
    assert (alert.state, alert.resolved_at, alert.count, alert.revision) == (AlertState.FIRING, None, 2, 3)
    (alerts, changes) = run(at(0), at(10, holds=False), at(610))
    assert changes == [AlertChange.RAISED, AlertChange.RESOLVED, AlertChange.RAISED]
    assert len(alerts) == 2


def test_severity_rises_and_does_not_fall() -> None:
    critical = at(10, severity=Severity.CRITICAL, detail="worse")
    ((alert,), changes) = run(at(0), critical, at(20), at(30, severity=Severity.INFO))
    assert changes == [AlertChange.RAISED, AlertChange.ESCALATED]
    assert (alert.severity, alert.count, alert.revision) == (Severity.CRITICAL, 4, 2)


def test_an_acknowledgement_is_kept_while_the_alert_goes_on() -> None:
    ((alert,), _) = run(at(0))
    noted = acknowledge(alert, at(5).at, "ann", "looking")
    assert noted.note == Note(AlertChange.ACKNOWLEDGED, "ann", "looking")
    again = fold(noted.alert, at(60), COOL_DOWN)
    assert again is not None
    assert (again.alert.acknowledged_by, again.alert.comment, again.alert.revision) == ("ann", "looking", 2)


@given(
    moments=st.lists(st.tuples(st.integers(1, 3000), st.booleans()), min_size=1, max_size=20, unique_by=lambda m: m[0]),
    data=st.data(),
)
def test_what_is_delivered_again_after_a_restart_changes_nothing(
    moments: list[tuple[int, bool]], data: st.DataObject
) -> None:
    """A reader that dies before it commits reads a stretch once more, in its order."""
    seen = [at(second, holds) for second, holds in sorted(moments)]
    first = data.draw(st.integers(0, len(seen) - 1))
    last = data.draw(st.integers(first, len(seen)))
    (once, changes) = run(*seen)
    (twice, again) = run(*seen[:last], *seen[first:last], *seen[last:])
    assert [(alert.raised_at, alert.resolved_at, alert.count, alert.revision) for alert in twice] == [
        (alert.raised_at, alert.resolved_at, alert.count, alert.revision) for alert in once
    ]
    assert again == changes


def test_a_signal_is_an_observation_of_what_it_names() -> None:
    signal = SignalEvent(
        detector="forecast_outlier",
        fingerprint="f",
        subject="US:AAPL",
        holds=True,
        severity=Severity.INFO,
        title="t",
        detail="d",
        seen_at=START,
        lasts_seconds=90,
        exchange="US",
        ticker="AAPL",
        value=1.5,
        threshold=1.0,
    )
    seen = observed(signal)
    assert (seen.at, seen.lasts, seen.holds) == (START, timedelta(seconds=90), True)
    assert seen.condition == Condition(
        "f", "US:AAPL", Severity.INFO, "t", "d", exchange="US", ticker="AAPL", value=1.5, threshold=1.0
    )
