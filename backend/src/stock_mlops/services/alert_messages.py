"""What a receiver of alerts is told: one message about everything that changed within its window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from stock_kit.events import AlertState

from stock_mlops.stores.alerts import Alert

_SUBJECT_LENGTH = 150
# In a message's JSON, under their own names.
_SHOWN = (
    "fingerprint", "detector", "subject", "severity", "state", "title", "detail", "exchange", "ticker", "service",
    "value", "threshold", "count", "acknowledged_by",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    """Alerts to tell of, the most severe first."""

    alerts: tuple[Alert, ...]
    link: str
    """Of the dashboard; empty: none."""

    @property
    def id(self) -> UUID:
        """The same when the same is told again, so that a receiver can leave out what it has."""
        told = ",".join(sorted(f"{alert.id}:{alert.revision}" for alert in self.alerts))
        return uuid5(NAMESPACE_URL, f"stock-alert-message:{told}")

    @property
    def subject(self) -> str:
        """One line."""
        firing = [alert for alert in self.alerts if alert.state is AlertState.FIRING]
        first = (firing or self.alerts)[0]
        state = f"{first.severity}".upper() if firing else "RESOLVED"
        more = f" (and {len(self.alerts) - 1} more)" if len(self.alerts) > 1 else ""
        line = " ".join(f"[{state}] {first.title}{more}".split())
        return line if len(line) <= _SUBJECT_LENGTH else f"{line[: _SUBJECT_LENGTH - 1]}…"

    @property
    def text(self) -> str:
        blocks = [_block(alert) for alert in self.alerts]
        return "\n\n".join([*blocks, *([self.link] if self.link else [])]) + "\n"

    def body(self) -> dict[str, Any]:
        """As JSON; ``text`` beside the fields is what chat services show."""
        return {
            "id": str(self.id),
            "text": f"{self.subject}\n\n{self.text}",
            "link": self.link or None,
            "alerts": [_fields(alert) for alert in self.alerts],
        }


def message_of(alerts: Sequence[Alert], link: str) -> Message:
    ordered = sorted(
        alerts, key=lambda alert: (alert.state is not AlertState.FIRING, -alert.severity.rank, alert.raised_at)
    )
    return Message(tuple(ordered), link)


def _block(alert: Alert) -> str:
    times = f"since {alert.raised_at:%Y-%m-%d %H:%M:%S} UTC"
    if alert.resolved_at is not None:
        times += f", over since {alert.resolved_at:%Y-%m-%d %H:%M:%S} UTC"
    state = str(alert.severity).upper() if alert.state is AlertState.FIRING else f"RESOLVED, was {alert.severity}"
    return f"{state}: {alert.title}\n{alert.detail}\n{alert.detector}, {alert.subject}, {times}"


def _fields(alert: Alert) -> Mapping[str, Any]:
    times = {
        name: None if (at := getattr(alert, name)) is None else at.isoformat()
        for name in ("raised_at", "seen_at", "resolved_at")
    }
    return {"alert_id": str(alert.id), "revision": alert.revision, **times} | {
        name: getattr(alert, name) for name in _SHOWN
    }
