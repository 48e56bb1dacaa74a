"""The closed loop: trigger, challenger, shadow, gate, promotion, probation, rollback; one step at a time.

:meth:`RetrainingLoop.step` does whatever is due at a moment of the market's time, for all models, and can be called
as often as one likes: by the flow ``retraining`` after each look at the data, or session by session in a simulation.
See ``retraining.cycle`` for what a crash leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Protocol
from uuid import UUID

from stock_kit.logging import get_logger

from stock_mlops.instruments import Instrument
from stock_mlops.retraining.cycle import CHAMPION_STILL_SERVES, Event, State
from stock_mlops.retraining.policy import Policy, begins_by_itself, reasons
from stock_mlops.services.retraining_acts import ACTOR, Acts, Move, Versions
from stock_mlops.services.retraining_evidence import Findings, Moment
from stock_mlops.services.retraining_metrics import RETRAINING_FAILURES
from stock_mlops.services.retraining_trail import RetrainingTable, Trail
from stock_mlops.stores.retrainings import NewRetraining, Note, Retraining, RetrainingOpenError, StoredPolicy

log = get_logger(__name__)


class Clock(Protocol):
    """``services.retraining_evidence.Market``."""

    def at(self, instruments: Sequence[Instrument], as_of: datetime | None = None) -> Moment | None: ...


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one step did."""

    begun: int
    moved: int
    """Steps that retrainings took, the first ones not counted."""
    failed: int
    """Models that could not be advanced; the log says why, and the next step tries again."""


class RetrainingLoop:
    """Two steps at once do the same acts, each of which counts once, and one of them is heard."""

    def __init__(
        self, table: RetrainingTable, trail: Trail, versions: Versions, acts: Acts, clock: Clock, findings: Findings
    ) -> None:
        self._table = table
        self._trail = trail
        self._versions = versions
        self._acts = acts
        self._clock = clock
        self._findings = findings

    def step(self, as_of: datetime | None = None, check: Callable[[], None] = lambda: None) -> StepReport:
        """Advance every retraining as far as it goes, and begin those that a policy asks for.

        Args:
            as_of: the market's time (aware); None: of each model's own market clock.
            check: called between two models; what it raises ends the step.

        Raises:
            what the stores raise that know retrainings and policies; a model that fails is logged, and left for the
            next step.
        """
        begun = moved = failed = 0
        for record in self._table.current():
            check()
            retraining = record.retraining
            # A process may have died between the step that led here and telling of it.
            self._trail.tell(retraining, record.steps[-1].detail)
            if retraining.state.is_final:
                continue
            done = self._guarded(retraining.registered_name, partial(self._advance, retraining, as_of))
            moved, failed = moved + (done or 0), failed + (done is None)
        policies = self._table.policies()
        self._trail.tell_policies(policies.values())
        for model_id, stored in policies.items():
            check()
            if not (stored.policy.watches or stored.problem):
                continue
            done = self._guarded(stored.model_name, partial(self._watch, model_id, stored, as_of))
            begun, moved = begun + bool(done), moved + max((done or 0) - 1, 0)
            failed += done is None
        return StepReport(begun, moved, failed)

    @staticmethod
    def _guarded(name: str, act: Callable[[], int]) -> int | None:
        """How many steps it took; None when it failed."""
        try:
            return act()
        except Exception as error:  # noqa: BLE001  one model must not hold up the others
            RETRAINING_FAILURES.inc()
            log.warning("retraining_not_advanced", model=name, error=f"{type(error).__name__}: {error}")
            return None

    def _watch(self, model_id: UUID, stored: StoredPolicy, as_of: datetime | None) -> int:
        """Begin a retraining of a model that serves, when its triggers fire.

        Raises:
            ValueError: its policy no longer makes sense; what is left of it is not what somebody wanted.
        """
        if stored.problem:
            raise ValueError(
                f"expected a policy as PUT /api/models/{model_id}/retraining-policy takes it, got {stored.problem}"
            )
        policy = stored.policy
        definition = self._versions.definition(model_id)
        champion = None if definition is None else self._versions.champion_of(definition.registered_name)
        # The policy of a definition counts while a version of its own serves.
        if definition is None or champion is None or champion.model_id != model_id:
            return 0
        instruments = definition.parsed().instruments
        moment = self._clock.at(instruments, as_of)
        last = self._table.newest(definition.registered_name)
        if moment is None or (last is not None and _rests(last, policy, instruments[0], moment)):
            return 0
        found = reasons(policy, self._findings.of(champion, instruments, moment))
        if not found:
            return 0
        note = Note(ACTOR, "; ".join(map(str, found)), moment.session)
        if last is not None and last.state is State.PROPOSED:
            return self._begin_proposed(last, note, as_of) if begins_by_itself(found) else 0
        new = NewRetraining(
            model_id=model_id,
            registered_name=definition.registered_name,
            state=State.TRIGGERED if begins_by_itself(found) else State.PROPOSED,
            reasons=[reason.to_dict() for reason in found],
            policy=policy,
            champion=champion.version,
            session=moment.session,
        )
        try:
            begun = self._trail.begin(new, note)
        except RetrainingOpenError:  # somebody was faster
            return 0
        return 1 + self._advance(begun, as_of)

    def _begin_proposed(self, proposal: Retraining, note: Note, as_of: datetime | None) -> int:
        """A trigger that begins by itself does not wait for the answer to what another one proposed."""
        begun = self._trail.move(proposal, Event.APPROVED, note)
        return 0 if begun is None else 1 + self._advance(begun, as_of)

    def _advance(self, retraining: Retraining, as_of: datetime | None) -> int:
        """Take the steps that can be taken now; returns how many."""
        steps = 0
        while True:
            moved = self._next(retraining, as_of)
            if moved is None:
                return steps
            retraining, steps = moved, steps + 1
            if retraining.state.is_final:
                return steps

    def _next(self, retraining: Retraining, as_of: datetime | None) -> Retraining | None:
        """The retraining after one step; None when it has to wait, or somebody else has moved it."""
        definition = self._versions.definition(retraining.model_id)
        session = retraining.since or retraining.session
        if definition is None:
            self._acts.stop_training(retraining)
            return self._move(retraining, Move(Event.FAILED, "the model was deleted"), session)
        # Prices that were deleted hold up no promotion and no rollback that was decided on.
        moment = self._clock.at(definition.parsed().instruments, as_of) or Moment(session, session)
        if retraining.state in CHAMPION_STILL_SERVES and (
            gone := self._acts.superseded(retraining, retraining.champion)
        ):
            self._acts.stop_training(retraining)
            return self._move(retraining, gone, moment.session)
        move = self._acts.act(retraining, definition, moment)
        return None if move is None else self._move(retraining, move, moment.session)

    def _move(self, retraining: Retraining, move: Move, session: date) -> Retraining | None:
        return self._trail.move(retraining, move.event, Note(ACTOR, move.detail, session, move.checks), move.found)


def _rests(last: Retraining, policy: Policy, instrument: Instrument, moment: Moment) -> bool:
    """While one is at work, and for a while after it began: what has just been refused would be refused again."""
    if last.ended_at is None:
        return last.state is not State.PROPOSED
    return instrument.sessions.count(last.session, moment.session) < policy.cooldown_sessions
