"""What a retraining's state asks to be done, and what came of it.

Each of these acts can be done twice with the effect of once: whoever takes a retraining over after a crash does not
know how far the one before came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Protocol
from uuid import UUID

from stock_mlops.errors import ConflictError, NotFoundError
from stock_mlops.forecasting.gate import Verdict
from stock_mlops.forecasting.search import winner
from stock_mlops.retraining.cycle import Event, State
from stock_mlops.retraining.evidence import FEWEST_SERVED, judge_probation, judge_shadow, settled_sessions
from stock_mlops.services.promotion import GateRefusedError
from stock_mlops.services.retraining_evidence import Moment, validated_rmse
from stock_mlops.services.shadowing import Shadowing, paired
from stock_mlops.stores.catalog import ModelDefinition, ModelVersion
from stock_mlops.stores.jobs import Job, JobState
from stock_mlops.stores.promotions import Change
from stock_mlops.stores.retrainings import Found, Retraining
from stock_mlops.stores.shadow_predictions import SettledShadow

ACTOR = "retraining"


class Versions(Protocol):
    """``stores.catalog.Catalog``, or a list in a test."""

    def definition(self, model_id: UUID) -> ModelDefinition | None: ...

    def champion_of(self, registered_name: str) -> ModelVersion | None: ...

    def version_of(self, registered_name: str, version: int) -> ModelVersion | None: ...


class Trainings(Protocol):
    """Jobs that train challengers; ``services.retraining_desk.TrainingJobs``, or a list in a test."""

    def submit(self, model_id: UUID, retraining_id: UUID, search_trials: int | None) -> UUID:
        """The job of a retraining; asked again, the same one.

        Args:
            search_trials: it is to train the best of so many combinations of parameters; None: the definition.
        """
        ...

    def get(self, job_id: UUID) -> Job | None: ...

    def cancel(self, job_id: UUID) -> bool: ...


class Registry(Protocol):
    """``services.promotion.Promotion``, or its twin in a test."""

    def promote(self, name: str, version: int, change: Change, *, force: bool = False) -> Verdict | None: ...

    def rollback(self, name: str, change: Change, expected: int | None = None) -> tuple[int, int]: ...


@dataclass(frozen=True, slots=True)
class Move:
    """An event that is to happen, and what it is entered with."""

    event: Event
    detail: str
    found: Found | None = None
    checks: Sequence[Mapping[str, Any]] = ()


class Acts:
    """What is done in each state.

    Raises:
        what the stores raise when a server does not answer; the next step does it again.
    """

    def __init__(
        self, versions: Versions, trainings: Trainings, shadowing: Shadowing, registry: Registry, significance: float
    ) -> None:
        self._versions = versions
        self._trainings = trainings
        self._shadowing = shadowing
        self._registry = registry
        self._significance = significance
        self._of: Mapping[State, Callable[[Retraining, ModelDefinition, Moment], Move | None]] = {
            State.TRIGGERED: self._submit,
            State.TRAINING: self._await_training,
            State.SHADOW: self._shadow,
            State.JUDGED: self._promote,
            State.PROBATION: self._watch_probation,
            State.REVERTING: self._revert,
        }

    def act(self, retraining: Retraining, definition: ModelDefinition, moment: Moment) -> Move | None:
        """Do what its state asks for; None when it has to wait."""
        act = self._of.get(retraining.state)
        return None if act is None else act(retraining, definition, moment)

    def superseded(self, retraining: Retraining, expected: int) -> Move | None:
        """None while the version that it expects serves."""
        champion = self._versions.champion_of(retraining.registered_name)
        if champion is not None and champion.version == expected:
            return None
        now = "none" if champion is None else str(champion.version)
        return Move(Event.SUPERSEDED, f"version {now} serves by now, not {expected}")

    def stop_training(self, retraining: Retraining) -> None:
        """Nobody waits for its challenger any more."""
        if retraining.state is State.TRAINING and retraining.job_id is not None:
            self._trainings.cancel(retraining.job_id)

    def _submit(self, retraining: Retraining, definition: ModelDefinition, moment: Moment) -> Move:  # noqa: ARG002
        trials = retraining.policy.searched
        job_id = self._trainings.submit(definition.id, retraining.id, trials)
        what = "" if trials is None else f", a search of {trials} trials"
        return Move(Event.SUBMITTED, f"task {job_id}{what}", Found(job_id=job_id))

    def _await_training(self, retraining: Retraining, _: ModelDefinition, moment: Moment) -> Move | None:
        job = None if retraining.job_id is None else self._trainings.get(retraining.job_id)
        if job is None or (job.state is JobState.COMPLETED and job.result is None):
            return Move(Event.FAILED, f"task {retraining.job_id} and its result are no longer kept")
        if not job.state.is_final:
            return None
        if job.result is None:
            return Move(Event.FAILED, (job.error or {}).get("detail") or f"task {job.id} was cancelled")
        found = Found(challenger=int(job.result["version"]), since=self._seen_until(retraining, job.result, moment))
        verdict = job.result["verdict"]
        refusals = [check for check in verdict["checks"] if not check["passed"]]
        searched = (job.result.get("metrics") or {}).get("search")
        made = "" if searched is None else f"; {winner(searched)}"
        if not verdict["passed"]:
            return Move(Event.REFUSED, f"{_told(refusals)}{made}", found, verdict["checks"])
        return Move(Event.TRAINED, f"version {found.challenger} passed the gate{made}", found, verdict["checks"])

    def _seen_until(self, retraining: Retraining, result: Mapping[str, Any], moment: Moment) -> date:
        """From when on the challenger can be tried. Of a panel, prices of some members may be a session ahead of the
        others': it has learned from those."""
        challenger = self._versions.version_of(retraining.registered_name, int(result["version"]))
        return moment.session if challenger is None else max(moment.session, challenger.trained_until)

    def _shadow(self, retraining: Retraining, definition: ModelDefinition, moment: Moment) -> Move | None:
        versions = self._both(retraining)
        if versions is None:
            return Move(Event.FAILED, "one of the two versions was deleted")
        rows = self._record(retraining, versions, definition, moment)
        length, end = retraining.policy.shadow_sessions, self._end(retraining, definition)
        if moment.session < end:
            return None
        found = paired(rows, (versions[0].version, versions[1].version), end)
        sessions = settled_sessions(found)
        if sessions < length / 2:
            return Move(Event.FAILED, f"both versions forecast {sessions} of {length} sessions: too few to compare")
        checks = judge_shadow(found, self._significance)
        told = [asdict(check) for check in checks]
        refusals = [check for check in told if not check["passed"]]
        if refusals:
            return Move(Event.REFUSED, _told(refusals), checks=told)
        return Move(Event.PASSED, f"nothing speaks against it after {sessions} sessions", checks=told)

    def _promote(self, retraining: Retraining, definition: ModelDefinition, moment: Moment) -> Move:  # noqa: ARG002
        challenger = _known(retraining.challenger)
        serving = Found(since=moment.session)
        if self.superseded(retraining, challenger) is None:
            return Move(Event.PROMOTED, f"version {challenger} serves", serving)
        if gone := self.superseded(retraining, retraining.champion):
            return gone
        change = Change(ACTOR, f"retraining {retraining.id}", job_id=retraining.job_id)
        try:
            verdict = self._registry.promote(retraining.registered_name, challenger, change)
        except GateRefusedError as refusal:
            checks = [asdict(check) for check in refusal.verdict.checks]
            return Move(Event.REFUSED, _told([asdict(check) for check in refusal.verdict.reasons]), checks=checks)
        except NotFoundError as error:
            return Move(Event.FAILED, str(error))
        checks = [] if verdict is None else [asdict(check) for check in verdict.checks]
        return Move(Event.PROMOTED, f"version {challenger} serves", serving, checks)

    def _watch_probation(self, retraining: Retraining, definition: ModelDefinition, moment: Moment) -> Move | None:
        challenger = _known(retraining.challenger)
        if gone := self.superseded(retraining, challenger):
            return gone
        versions = self._both(retraining)
        if versions is None:
            return Move(Event.FAILED, "the version before it was deleted: it cannot be compared, nor rolled back")
        rows = self._record(retraining, versions, definition, moment)
        sessions, since = definition.parsed().instruments[0].sessions, retraining.since or retraining.session
        length = retraining.policy.probation_sessions
        told: list[dict[str, Any]] = []
        # Session by session, whenever this is called: what is decided does not depend on how often one looks.
        for day in range(1, length + 1):
            until = sessions.next(since, day)
            if until > moment.session:
                return None
            found = paired(rows, (versions[0].version, versions[1].version), until)
            checks = judge_probation(found, validated_rmse(versions[0]), retraining.policy.probation_error)
            told = [asdict(check) for check in checks]
            broken = [check for check in told if not check["passed"]]
            if broken:
                return Move(Event.BROKE, f"at the session {until}: {_told(broken)}", checks=told)
        if told:
            return Move(Event.SURVIVED, f"{length} sessions within bounds", checks=told)
        if length < FEWEST_SERVED:
            return Move(Event.SURVIVED, f"unjudged: {length} sessions are fewer than the {FEWEST_SERVED} that tell")
        return Move(
            Event.FAILED,
            f"fewer than {FEWEST_SERVED} of {length} sessions have an outcome that both versions forecast: it serves on"
            " unjudged; look at its prices and features, or roll it back",
        )

    def _revert(self, retraining: Retraining, definition: ModelDefinition, moment: Moment) -> Move:  # noqa: ARG002
        challenger = _known(retraining.challenger)
        # A crash may have come after the rollback; a person may have done it.
        if gone := self.superseded(retraining, challenger):
            return Move(Event.ROLLED_BACK, gone.detail)
        change = Change(ACTOR, f"retraining {retraining.id}: it broke in its probation", job_id=retraining.job_id)
        try:
            _, after = self._registry.rollback(retraining.registered_name, change, challenger)
        except (ConflictError, NotFoundError) as error:
            if gone := self.superseded(retraining, challenger):
                return Move(Event.ROLLED_BACK, gone.detail)
            return Move(Event.FAILED, str(error))
        return Move(Event.ROLLED_BACK, f"version {after} serves again")

    def _both(self, retraining: Retraining) -> tuple[ModelVersion, ModelVersion] | None:
        """The challenger, and the champion that it began with; None when one of them is no more."""
        name = retraining.registered_name
        challenger = self._versions.version_of(name, _known(retraining.challenger))
        champion = self._versions.version_of(name, retraining.champion)
        return None if challenger is None or champion is None else (challenger, champion)

    def _record(
        self,
        retraining: Retraining,
        versions: tuple[ModelVersion, ModelVersion],
        definition: ModelDefinition,
        moment: Moment,
    ) -> Sequence[SettledShadow]:
        """Record what both say of the sessions until now; returns what of it is settled."""
        since, until = retraining.since or retraining.session, moment.session
        if retraining.state is State.SHADOW:
            until = min(until, self._end(retraining, definition))
        refs = [version.ref for version in versions]
        self._shadowing.record(retraining.id, refs, definition.parsed().instruments, since, until)
        return self._shadowing.settled(retraining.id, since, until)

    @staticmethod
    def _end(retraining: Retraining, definition: ModelDefinition) -> date:
        """The session whose close ends the shadow."""
        since, length = retraining.since or retraining.session, retraining.policy.shadow_sessions
        return definition.parsed().instruments[0].sessions.next(since, length) if length else since


def _known(challenger: int | None) -> int:
    if challenger is None:
        raise ValueError("expected a retraining whose challenger is trained")
    return challenger


def _told(checks: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(f"{check['name']}: expected {check['expected']}, got {check['got']}" for check in checks)
