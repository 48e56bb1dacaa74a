"""What a check of the platform reports: the conditions that hold now. What no longer holds ends its alert."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from stock_kit.events import Severity


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that an operator should know of, as one check sees it now.

    Attributes:
        fingerprint: equal whenever the same condition is seen again (``drift:US:AAPL:returns``); an open alert of this
            fingerprint goes on, instead of a second one being raised.
        subject: what was looked at (``US:AAPL``); :meth:`AlertReporter.reconcile` resolves by it.
        value: the measured number, with ``threshold`` as the limit that it passed.
    """

    fingerprint: str
    subject: str
    severity: Severity
    title: str
    detail: str
    exchange: str | None = None
    ticker: str | None = None
    service: str | None = None
    value: float | None = None
    threshold: float | None = None


class AlertReporter(Protocol):
    """Takes what checks find."""

    def reconcile(self, detector: str, subjects: Collection[str], conditions: Sequence[Condition]) -> None:
        """Make the open alerts of ``detector`` about ``subjects`` equal to ``conditions``.

        A condition without an open alert raises one; one that has an open alert counts as seen again; an open alert
        of these subjects without a condition is resolved. Calling it twice with the same arguments raises nothing new.

        Args:
            detector: name of the check (``feature_drift``).
            subjects: everything that the check looked at in this run, also what was found well.
            conditions: what holds now; each one's subject is among ``subjects``.

        Raises:
            ValueError: a condition's subject is not among ``subjects``.
        """
