"""How what is seen of a condition changes its alert. Pure: no clock, no table.

Seeing the same thing twice, or late, changes nothing: whatever was seen before the alert's newest sight or resolution
is left out. So a message may be delivered again, and read by another process after a restart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from stock_kit.events import AlertChange, AlertState, Severity, SignalEvent

from stock_mlops.services.alerting import Condition
from stock_mlops.stores.alerts import Alert, Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One look at one condition."""

    detector: str
    condition: Condition
    holds: bool
    at: datetime
    lasts: timedelta
    """The condition counts as over when it is not seen again for so long."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """An alert as it stands afterwards, and what happened to it; without a note it was merely seen again."""

    alert: Alert
    note: Note | None = None


def observed(signal: SignalEvent) -> Observation:
    """A stream detector's word as an observation."""
    condition = Condition(
        **{name: getattr(signal, name) for name in Condition.__dataclass_fields__},
    )
    lasts = timedelta(seconds=signal.lasts_seconds)
    return Observation(
        detector=signal.detector, condition=condition, holds=signal.holds, at=signal.seen_at, lasts=lasts
    )


def fold(known: Alert | None, seen: Observation, cool_down: timedelta, new_id: UUID | None = None) -> Outcome | None:
    """What an observation does.

    Args:
        known: the newest alert of the condition's fingerprint.
        cool_down: a condition that comes back within this time of its end reopens its alert.
        new_id: of an alert that is raised; tests name it.

    Returns:
        None when nothing changes.
    """
    if known is not None and known.state is AlertState.FIRING:
        if seen.holds:
            return _again(known, seen) if seen.at > known.seen_at else None
        # A condition may end at the very moment at which it was last seen.
        return resolve(known, seen.at, seen.condition.detail) if seen.at >= known.seen_at else None
    if not seen.holds:
        return None
    if known is not None and known.resolved_at is not None:
        if seen.at <= known.resolved_at:
            return None
        if seen.at - known.resolved_at < cool_down:
            return _reopen(known, seen)
    return _raise(seen, new_id or uuid4())


def resolve(alert: Alert, at: datetime, why: str) -> Outcome:
    """End an alert."""
    over = replace(alert, state=AlertState.RESOLVED, resolved_at=at, changed_at=at, revision=alert.revision + 1)
    return Outcome(over, Note(AlertChange.RESOLVED, detail=why))


def acknowledge(alert: Alert, at: datetime, actor: str, comment: str | None) -> Outcome:
    """Somebody has taken note of an alert; a later one may add to it."""
    noted = replace(
        alert,
        acknowledged_at=at,
        acknowledged_by=actor,
        comment=comment,
        changed_at=max(at, alert.changed_at),
        revision=alert.revision + 1,
    )
    return Outcome(noted, Note(AlertChange.ACKNOWLEDGED, actor, comment or ""))


def _raise(seen: Observation, new_id: UUID) -> Outcome:
    condition = seen.condition
    alert = Alert(
        id=new_id,
        fingerprint=condition.fingerprint,
        detector=seen.detector,
        subject=condition.subject,
        severity=condition.severity,
        state=AlertState.FIRING,
        title=condition.title,
        detail=condition.detail,
        raised_at=seen.at,
        seen_at=seen.at,
        expires_at=seen.at + seen.lasts,
        revision=1,
        changed_at=seen.at,
        exchange=condition.exchange,
        ticker=condition.ticker,
        service=condition.service,
        value=condition.value,
        threshold=condition.threshold,
    )
    return Outcome(alert, Note(AlertChange.RAISED, detail=condition.detail))


def _again(alert: Alert, seen: Observation) -> Outcome:
    now = _seen(alert, seen)
    if seen.condition.severity.rank <= alert.severity.rank:
        return Outcome(now)
    worse = replace(now, severity=seen.condition.severity, changed_at=seen.at, revision=alert.revision + 1)
    return Outcome(worse, Note(AlertChange.ESCALATED, detail=seen.condition.detail))


def _reopen(alert: Alert, seen: Observation) -> Outcome:
    back = replace(
        _seen(alert, seen),
        state=AlertState.FIRING,
        severity=_worse(alert.severity, seen.condition.severity),
        resolved_at=None,
        changed_at=seen.at,
        revision=alert.revision + 1,
    )
    return Outcome(back, Note(AlertChange.REOPENED, detail=seen.condition.detail))


def _seen(alert: Alert, seen: Observation) -> Alert:
    """The alert told in the newest words, its severity left alone: that only ever rises."""
    condition = seen.condition
    return replace(
        alert,
        title=condition.title,
        detail=condition.detail,
        value=condition.value,
        threshold=condition.threshold,
        seen_at=seen.at,
        expires_at=seen.at + seen.lasts,
        count=alert.count + 1,
    )


def _worse(one: Severity, other: Severity) -> Severity:
    return max(one, other, key=lambda severity: severity.rank)
