"""Whether the errors of the model that serves have grown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from stock_kit.events import Severity

from stock_mlops.instruments import Instrument
from stock_mlops.monitoring.error_drift import FEWEST, ErrorDrift, error_drifts, relative_errors
from stock_mlops.services.alerting import Condition
from stock_mlops.services.watchers.base import Number, Observation, Subject, condition
from stock_mlops.stores.settled_errors import SettledErrors

# Outcomes for which a finding stands: what they have become is what is usual by then.
_STANDS = 30
_NAMES = {"page_hinkley": "Page-Hinkley", "adwin": "ADWIN"}


class Errors(Protocol):
    """``stores.settled_errors.SettledErrorsTable``, or a list in a test."""

    def of(self, instrument: Instrument, model: str, version: str) -> Sequence[SettledErrors]: ...


class ErrorDriftWatch:
    """Goes through all outcomes of the version each time: the findings do not depend on when it looked before."""

    detector = "error_drift"

    def __init__(self, errors: Errors) -> None:
        self._errors = errors

    def observe(self, subject: Subject) -> Observation:
        if subject.served is None:
            return Observation()
        champion = subject.served.champion
        numbers: list[Number] = []
        conditions: list[Condition] = []
        for series in self._errors.of(subject.instrument, champion.registered_name, str(champion.version)):
            # Forecasts of overlapping periods err together: every horizon-th outcome stands by itself.
            step = slice(None, None, series.horizon)
            relative = relative_errors(series.errors[step], series.widths[step])
            if len(relative) < FEWEST:
                continue
            newest = [item for item in error_drifts(relative) if item.position >= len(relative) - _STANDS]
            numbers.append(Number("error_drift", str(series.horizon), "size", float(relative[-_STANDS:].mean())))
            if newest:
                conditions.append(_grown(subject, series, newest))
        return Observation(numbers, conditions)


def _grown(subject: Subject, series: SettledErrors, found: Sequence[ErrorDrift]) -> Condition:
    methods = sorted({item.method for item in found})
    last = found[-1]
    session = series.sessions[:: series.horizon][last.position]
    return condition(
        subject,
        f"error_drift:{series.horizon}",
        # One of them may err; both seldom do.
        Severity.CRITICAL if len(methods) > 1 else Severity.WARNING,
        f"errors {series.horizon} sessions ahead have grown",
        f"{' and '.join(_NAMES[name] for name in methods)} found at the session {session} that errors grew from"
        f" {last.before:.2f} to {last.after:.2f} half-widths of the stated intervals.",
        last.after,
        last.before,
    )
