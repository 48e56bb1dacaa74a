"""Whether an instrument's newest prices and features are whole and believable; see ``monitoring.quality``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from stock_kit.events import Severity
from stock_kit.model_settings import MonitoringSettings

from stock_mlops.features import default_features
from stock_mlops.monitoring.quality import NEEDED, Check, Finding, price_findings
from stock_mlops.services.watchers.base import History, Number, Observation, Subject, condition

if TYPE_CHECKING:
    from stock_mlops.services.alerting import Condition

_TITLES: dict[Check, str] = {
    Check.MISSING_SESSION: "sessions are missing",
    Check.REPEATED_BAR: "the feed repeats a session's prices",
    Check.ZERO_VOLUME: "sessions without any volume",
    Check.OUTLIER: "a move far beyond the usual",
    Check.MISSING_FEATURE: "features are not known",
    Check.SHIFTED_FEATURES: "features are those of the session before",
}
# A share nobody trades and a crash are news of the market; the others are faults of the data.
_MARKET = frozenset({Check.ZERO_VOLUME, Check.OUTLIER})
_SHOWN = 5
_FEATURES_NAMED = 8


class QualityWatch:
    detector = "data_quality"

    def __init__(self, history: History, settings: MonitoringSettings) -> None:
        self._history = history
        self._judged = settings.judged_sessions

    def observe(self, subject: Subject) -> Observation:
        sessions, last = subject.instrument.sessions, subject.last_session
        prices = self._history.prices(subject.instrument, sessions.previous(last, self._judged + NEEDED), last)
        first = prices["session"][0]
        expected = sessions.between(max(first, sessions.previous(last, self._judged - 1)), last)
        findings = [*price_findings(prices, expected, self._judged), *self._unknown_features(subject)]
        return observed(subject, findings, tuple(check for check in Check if check is not Check.SHIFTED_FEATURES))

    def _unknown_features(self, subject: Subject) -> list[Finding]:
        names = tuple(subject.served.bundle.features) if subject.served else default_features()
        frame = self._history.features(subject.instrument, names, subject.last_session, subject.last_session)
        if frame.is_empty():
            return [Finding(Check.MISSING_FEATURE, subject.last_session, "the newest session has no features")]
        unknown = [name for name in names if frame[name][0] is None]
        # A share whose history is shorter than the longest window lacks some from the beginning.
        if not unknown or subject.served is None:
            return []
        named = ", ".join(unknown[:_FEATURES_NAMED]) + (" and others" if len(unknown) > _FEATURES_NAMED else "")
        return [Finding(Check.MISSING_FEATURE, subject.last_session, f"no value for {named}")]


def observed(subject: Subject, findings: Sequence[Finding], checks: Sequence[Check]) -> Observation:
    """How much each of ``checks`` found, and a condition for each that found something."""
    counts = Counter(finding.check for finding in findings)
    numbers = [Number("quality", check, "findings", float(counts[check]), 0.0) for check in checks]
    conditions = [
        _condition(subject, check, [finding for finding in findings if finding.check is check])
        for check in checks
        if counts[check]
    ]
    return Observation(numbers, conditions)


def _condition(subject: Subject, check: Check, findings: Sequence[Finding]) -> Condition:
    newest = findings[-_SHOWN:]
    shown = "; ".join(f"{finding.session}: {finding.detail}" for finding in reversed(newest))
    more = f"; and {len(findings) - len(newest)} more" if len(findings) > len(newest) else ""
    severity = Severity.INFO if check in _MARKET else Severity.WARNING
    return condition(subject, f"quality:{check}", severity, _TITLES[check], shown + more, float(len(findings)), 0.0)
