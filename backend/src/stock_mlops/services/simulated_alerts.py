"""What a simulation's monitoring would have told people: alerts by session instead of by the clock on the wall."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Protocol
from uuid import UUID

from stock_mlops.services.alerting import Condition
from stock_mlops.stores.simulations import SimulatedAlert


class AlertTable(Protocol):
    """``stores.simulations.Simulations``, or its twin in a test."""

    def alerts(self, simulation_id: UUID) -> list[SimulatedAlert]: ...

    def enter_alerts(
        self, simulation_id: UUID, raised: Sequence[SimulatedAlert], resolved: Sequence[str], session: date
    ) -> None: ...


class SimulatedReporter:
    """An :class:`stock_mlops.services.alerting.AlertReporter`. A condition that is away for one session and back is a
    new alert: a session is a day."""

    def __init__(self, table: AlertTable, simulation_id: UUID) -> None:
        self._table = table
        self._simulation_id = simulation_id
        known = table.alerts(simulation_id)
        self._open = {alert.fingerprint: alert for alert in known if alert.resolved is None}
        self.raised = len(known)
        """So far."""
        self.session = date.min
        """The one at whose end is looked."""

    def reconcile(self, detector: str, subjects: Collection[str], conditions: Sequence[Condition]) -> None:
        looked_at = frozenset(subjects)
        if strangers := {condition.subject for condition in conditions} - looked_at:
            raise ValueError(f"expected conditions of the subjects {sorted(looked_at)}, got one of {sorted(strangers)}")
        holding = {condition.fingerprint for condition in conditions}
        over = [
            alert.fingerprint
            for alert in self._open.values()
            if alert.detector == detector and alert.subject in looked_at and alert.fingerprint not in holding
        ]
        raised = [self._alert(detector, item) for item in conditions if item.fingerprint not in self._open]
        if raised or over:
            self._table.enter_alerts(self._simulation_id, raised, over, self.session)
        for fingerprint in over:
            del self._open[fingerprint]
        self.raised += len(raised)
        self._open |= {alert.fingerprint: alert for alert in raised}

    def _alert(self, detector: str, condition: Condition) -> SimulatedAlert:
        return SimulatedAlert(
            fingerprint=condition.fingerprint,
            raised=self.session,
            resolved=None,
            detector=detector,
            subject=condition.subject,
            severity=condition.severity.value,
            title=condition.title,
            detail=condition.detail,
        )


class Untold:
    """An ``AlertReporter`` for what is told in another way: a simulation's retrainings are its decisions."""

    def reconcile(self, detector: str, subjects: Collection[str], conditions: Sequence[Condition]) -> None: ...
