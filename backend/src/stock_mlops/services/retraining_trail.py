"""Where retrainings stand: each step is committed, counted, and told as an alert, in this order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from stock_kit.events import Severity
from stock_kit.logging import get_logger

from stock_mlops.retraining.cycle import Event, State
from stock_mlops.retraining.policy import Policy
from stock_mlops.services.alerting import AlertReporter, Condition
from stock_mlops.services.retraining_metrics import RETRAINING_STEPS
from stock_mlops.stores.retrainings import Found, NewRetraining, Note, Retraining, RetrainingRecord, StoredPolicy

log = get_logger(__name__)

DETECTOR, POLICY_DETECTOR = "retraining", "retraining_policy"
_WARNINGS = frozenset({State.ROLLED_BACK, State.REVERTING, State.FAILED})
_TITLES: Mapping[State, str] = {
    State.PROPOSED: "a new training is proposed",
    State.TRIGGERED: "a new training begins",
    State.TRAINING: "a challenger is being trained",
    State.SHADOW: "version {challenger} forecasts in the shadow",
    State.JUDGED: "version {challenger} did well in the shadow",
    State.PROBATION: "version {challenger} serves, on probation",
    State.REVERTING: "version {challenger} broke in its probation",
    State.CONFIRMED: "version {challenger} is confirmed",
    State.REJECTED: "version {challenger} was rejected",
    State.ROLLED_BACK: "version {challenger} was rolled back",
    State.FAILED: "the retraining failed",
    State.CANCELLED: "the retraining was ended early",
}


class RetrainingTable(Protocol):
    """``stores.retrainings.Retrainings``, or its twin in a test."""

    def policy(self, model_id: UUID) -> Policy | None: ...

    def set_policy(self, model_id: UUID, policy: Policy, actor: str) -> None: ...

    def policies(self) -> Mapping[UUID, StoredPolicy]: ...

    def begin(self, new: NewRetraining, note: Note) -> Retraining: ...

    def move(self, seen: Retraining, event: Event, note: Note, found: Found | None = None) -> Retraining | None: ...

    def get(self, retraining_id: UUID) -> Retraining | None: ...

    def current(self) -> Sequence[RetrainingRecord]: ...

    def newest(self, registered_name: str) -> Retraining | None: ...

    def records(
        self, model_id: UUID | None, limit: int, states: Sequence[State] = ()
    ) -> Sequence[RetrainingRecord]: ...


class Trail:
    """Begins and moves retrainings, and tells of it."""

    def __init__(self, table: RetrainingTable, reporter: AlertReporter) -> None:
        self._table = table
        self._reporter = reporter

    def begin(self, new: NewRetraining, note: Note) -> Retraining:
        """
        Raises:
            RetrainingOpenError: one of the registered name is open.
        """
        begun = self._table.begin(new, note)
        self._after(begun, Event.BEGAN, note)
        return begun

    def move(self, seen: Retraining, event: Event, note: Note, found: Found | None = None) -> Retraining | None:
        """None when somebody else has moved it since it was seen.

        Raises:
            TransitionError: the event cannot happen in its state.
        """
        moved = self._table.move(seen, event, note, found)
        if moved is not None:
            self._after(moved, event, note)
        return moved

    def tell(self, retraining: Retraining, detail: str) -> None:
        """Report where it stands; what is known already raises nothing new. A failure must not undo the step: the next
        pass tells it again."""
        *_, exchange, ticker = ("", *retraining.registered_name.split("-", 2)[1:])
        condition = Condition(
            fingerprint=f"{DETECTOR}:{retraining.id}:{retraining.state}",
            subject=retraining.registered_name,
            severity=Severity.WARNING if retraining.state in _WARNINGS else Severity.INFO,
            title=f"{retraining.registered_name}: "
            + _TITLES[retraining.state].format(challenger=retraining.challenger),
            detail=detail,
            exchange=exchange,
            ticker=None if ticker.startswith("panel-") else ticker,
        )
        self._report(DETECTOR, [retraining.registered_name], [condition])

    def tell_policies(self, policies: Iterable[StoredPolicy]) -> None:
        """Report those that no longer make sense; the others end their alerts."""
        looked_at = list(policies)
        conditions = [
            Condition(
                fingerprint=f"{POLICY_DETECTOR}:{stored.model_name}",
                subject=stored.model_name,
                severity=Severity.WARNING,
                title=f"{stored.model_name}: its retraining policy is not valid any more",
                detail=f"{stored.problem}. No retraining of it begins until somebody sets its policy anew.",
            )
            for stored in looked_at
            if stored.problem
        ]
        self._report(POLICY_DETECTOR, [stored.model_name for stored in looked_at], conditions)

    def _report(self, detector: str, subjects: Sequence[str], conditions: Sequence[Condition]) -> None:
        try:
            self._reporter.reconcile(detector, subjects, conditions)
        except Exception as error:  # noqa: BLE001  any store's
            log.warning(
                "retraining_not_told", detector=detector, subjects=subjects, error=f"{type(error).__name__}: {error}"
            )

    def _after(self, moved: Retraining, event: Event, note: Note) -> None:
        RETRAINING_STEPS.labels(event).inc()
        log.info(
            "retraining_step",
            id=str(moved.id),
            model=moved.registered_name,
            happened=event,
            state=moved.state,
            actor=note.actor,
        )
        self.tell(moved, note.detail)
