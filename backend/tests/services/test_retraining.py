"""The closed loop over twins: what it decides, what it tells, and what a crash at any point leaves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stock_kit.events import Severity
from stock_mlops.errors import ConflictError, DependencyUnavailableError, NotFoundError
from stock_mlops.forecasting.gate import Check, Verdict
from stock_mlops.forecasting.spec import ModelSpec, parse_spec
from stock_mlops.instruments import Instrument, sessions_of
from stock_mlops.retraining.cycle import Event, State, after
from stock_mlops.retraining.policy import Evidence, Policy, TriggerRule
from stock_mlops.services.alerting import Condition
from stock_mlops.services.promotion import GateRefusedError
from stock_mlops.services.retraining import RetrainingLoop
from stock_mlops.services.retraining_acts import Acts
from stock_mlops.services.retraining_desk import RetrainingDesk
from stock_mlops.services.retraining_evidence import Moment
from stock_mlops.services.retraining_trail import Trail
from stock_mlops.stores.catalog import Champion, ModelDefinition, ModelVersion
from stock_mlops.stores.jobs import Job, JobKind, JobState
from stock_mlops.stores.promotions import Change
from stock_mlops.stores.retraining_twins import MemoryRetrainings
from stock_mlops.stores.retrainings import Found, NewRetraining, Note, Retraining, RetrainingOpenError
from stock_mlops.stores.shadow_predictions import SettledShadow

NAME, AAPL = "stock-US-AAPL", Instrument("US", "AAPL")
MODEL = UUID(int=1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = sessions_of("US").between(date(2012, 1, 3), date(2012, 12, 31))
AGED = Policy(
    age=TriggerRule(mode="automatic", threshold=20), shadow_sessions=10, probation_sessions=12, cooldown_sessions=40
)
RMSE = 0.01
REFUSAL = Check("not_worse_than_champion", False, "no larger errors", "larger ones")


SPEC = parse_spec({"ticker": "AAPL", "horizon": 1})


class Definition(ModelDefinition):
    """Parsed once: the tests ask thousands of times."""

    def parsed(self) -> ModelSpec:
        return SPEC


DEFINITION = Definition(
    MODEL, SPEC.name, "US", "AAPL", None, "ridge", NAME, SPEC.model_dump(mode="json"), "h", NOW, NOW
)  # fmt: skip


class Crash(BaseException):
    """The process dies here."""


@dataclass
class World:
    """Catalog, jobs, registry, shadow and market in one. ``crash_at`` counts down over all writes, before and after
    each: where it reaches zero the process dies."""

    versions: dict[int, ModelVersion] = field(default_factory=dict)
    champion: int = 1
    before: list[int] = field(default_factory=list)
    today: int = 0
    deleted: bool = False
    jobs: dict[UUID, Job] = field(default_factory=dict)
    job_of: dict[UUID, UUID] = field(default_factory=dict)
    verdict: bool = True
    gate: bool = True
    up: bool = True
    challenger_error: float = RMSE
    served_error: float = RMSE
    audit: list[tuple[str, int, int]] = field(default_factory=list)
    crash_at: int | None = None
    measured: Evidence = field(default_factory=Evidence)
    forecasts: bool = True
    newer: int = 0
    """Sessions that the prices of some are ahead of others'."""

    def __post_init__(self) -> None:
        self.versions[1] = self._version(1, DAYS[0])

    def _version(self, number: int, until: date) -> ModelVersion:
        return ModelVersion(
            MODEL, NAME, number, f"run{number}", "uri", None, "d", "f", 1,
            {"horizons": [{"horizon": 1, "rmse": RMSE}]}, until, None, NOW,
        )  # fmt: skip

    @contextmanager
    def _act(self) -> Iterator[None]:
        if not self.up:
            raise DependencyUnavailableError("everything", "no answer")
        self._tick()
        yield
        self._tick()

    def _tick(self) -> None:
        if self.crash_at is not None:
            self.crash_at -= 1
            if self.crash_at < 0:
                self.crash_at = None
                raise Crash

    # Versions
    def definition(self, model_id: UUID) -> ModelDefinition | None:
        return None if self.deleted else DEFINITION

    def champion_of(self, registered_name: str) -> ModelVersion | None:
        return self.versions.get(self.champion)

    def version_of(self, registered_name: str, version: int) -> ModelVersion | None:
        return self.versions.get(version)

    # Trainings
    def submit(self, model_id: UUID, retraining_id: UUID) -> UUID:
        with self._act():
            if retraining_id not in self.job_of:
                job_id = self.job_of[retraining_id] = uuid4()
                self.jobs[job_id] = _job(job_id)
        return self.job_of[retraining_id]

    def get(self, job_id: UUID) -> Job | None:
        return self.jobs.get(job_id)

    def cancel(self, job_id: UUID) -> bool:
        self.jobs[job_id] = replace(self.jobs[job_id], state=JobState.CANCELLED)
        return True

    def work(self) -> None:
        """What the workers do."""
        for job in list(self.jobs.values()):
            if job.state is JobState.PENDING:
                number = max(self.versions) + 1
                self.versions[number] = self._version(number, DAYS[self.today + self.newer])
                checks = [{"name": "calibrated", "passed": self.verdict, "expected": "90 %", "got": "50 %"}]
                verdict = {"passed": self.verdict, "champion": self.champion, "checks": checks}
                self.jobs[job.id] = replace(
                    job, state=JobState.COMPLETED, result={"version": number, "verdict": verdict}
                )

    # Registry
    def promote(self, name: str, version: int, change: Change, *, force: bool = False) -> Verdict | None:
        assert not force
        verdict = Verdict(self.gate, self.champion, "out_of_fold", 500, () if self.gate else (REFUSAL,))
        if not self.gate:
            raise GateRefusedError(name, version, verdict)
        if version not in self.versions:
            raise NotFoundError(f"{name} has no version {version}")
        if version == self.champion:
            raise ConflictError(f"{name} version {version} is the champion already")
        with self._act():
            self.audit.append(("promote", self.champion, version))
            self.before.append(self.champion)
            self.champion = version
        return verdict

    def rollback(self, name: str, change: Change, expected: int | None = None) -> tuple[int, int]:
        if expected != self.champion:
            raise ConflictError("another one is the champion by now")
        if not self.before:
            raise ConflictError("no predecessor")
        with self._act():
            former = self.before.pop()
            self.audit.append(("rollback", self.champion, former))
            was, self.champion = self.champion, former
        return was, former

    # Shadowing
    def record(
        self,
        retraining_id: UUID,
        versions: Sequence[Champion],
        instruments: Sequence[Instrument],
        since: date,
        until: date,
    ) -> int:
        with self._act():
            return 0

    def settled(self, retraining_id: UUID, since: date, until: date) -> list[SettledShadow]:
        rows = []
        for position, day in enumerate(DAYS[:-1] if self.forecasts else ()):
            if day < since or DAYS[position + 1] > until:
                continue
            sign = 1.0 if position % 2 else -1.0
            for version in self.versions:
                error = self.served_error if version == self.champion else RMSE
                if version == max(self.versions) and version != self.champion:
                    error = self.challenger_error
                size = error * (0.9 + 0.02 * (position % 10))
                rows.append(
                    SettledShadow("AAPL", day, DAYS[position + 1], 1, version, 0.01 + sign * size, 2 * RMSE, 0.01)
                )
        return rows

    # Market
    def at(self, instruments: Sequence[Instrument], as_of: datetime | None = None) -> Moment | None:
        return Moment(DAYS[self.today], DAYS[self.today])

    # Findings
    def of(self, champion: ModelVersion, instruments: Sequence[Instrument], moment: Moment) -> Evidence:
        return replace(self.measured, age=float(AAPL.sessions.count(champion.trained_until, moment.session)))


def _job(job_id: UUID) -> Job:
    return Job(
        job_id, JobKind.TRAIN, JobState.PENDING, {}, "", 0.0, [], None, None, None, 0, 0, None, None, NOW, None, None
    )  # fmt: skip


class CrashingTable(MemoryRetrainings):
    """Dies before or after a change, as the world does."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def begin(self, new: NewRetraining, note: Note) -> Retraining:
        with self._world._act():
            return super().begin(new, note)

    def move(self, seen: Retraining, event: Event, note: Note, found: Found | None = None) -> Retraining | None:
        with self._world._act():
            return super().move(seen, event, note, found)


@dataclass
class Reporter:
    told: list[Condition] = field(default_factory=list)
    newest: Condition = field(init=False)

    def reconcile(self, detector: str, subjects: Collection[str], conditions: Sequence[Condition]) -> None:
        assert detector == "retraining"
        [self.newest] = conditions
        self.told += [item for item in conditions if item.fingerprint not in {old.fingerprint for old in self.told}]


@dataclass
class Platform:
    world: World
    table: MemoryRetrainings
    reporter: Reporter
    loop: RetrainingLoop
    desk: RetrainingDesk

    def walk(self, until: int, *, crash_at: int | None = None) -> None:
        """Session after session; a process that dies is started again, and begins the session anew."""
        self.world.crash_at = crash_at
        while self.world.today < until:
            try:
                self.loop.step()
            except Crash:
                continue
            self.world.work()
            self.world.today += 1

    @property
    def only(self) -> Retraining:
        [retraining] = self.table.rows.values()
        return retraining

    def events(self, retraining: Retraining | None = None) -> list[Event]:
        return [step.event for step in self.table.steps[(retraining or self.only).id]]


def platform(policy: Policy | None = AGED, reporter: Reporter | None = None, **world: Any) -> Platform:
    market, reporter = World(**world), reporter or Reporter()
    table = CrashingTable(market)
    if policy is not None:
        table.set_policy(MODEL, policy, "test")
    trail = Trail(table, reporter)
    acts = Acts(market, market, market, market, 0.05)  # type: ignore[arg-type]
    loop = RetrainingLoop(table, trail, market, acts, market, market)
    return Platform(market, table, reporter, loop, RetrainingDesk(table, trail, market, market, market, market))


GOOD = [
    Event.BEGAN, Event.SUBMITTED, Event.TRAINED, Event.PASSED, Event.PROMOTED, Event.SURVIVED,
]  # fmt: skip


def test_an_old_champion_is_replaced_and_its_successor_confirmed() -> None:
    own = platform()
    own.walk(50)
    assert own.events() == GOOD
    assert own.only.state is State.CONFIRMED
    assert (own.only.champion, own.only.challenger, own.world.champion) == (1, 2, 2)
    assert [step.session for step in own.table.steps[own.only.id]] == [
        DAYS[20], DAYS[20], DAYS[21], DAYS[31], DAYS[31], DAYS[43],
    ]  # fmt: skip


def test_each_step_is_told_once_as_information() -> None:
    own = platform()
    own.walk(50)
    states = [condition.fingerprint.rsplit(":", 1)[1] for condition in own.reporter.told]
    assert states == ["triggered", "training", "shadow", "judged", "probation", "confirmed"]
    assert {condition.severity for condition in own.reporter.told} == {Severity.INFO}
    assert {(condition.exchange, condition.ticker) for condition in own.reporter.told} == {("US", "AAPL")}


def test_an_alert_goes_on_saying_what_led_to_the_state_that_it_tells() -> None:
    own = platform()
    own.walk(25)
    assert own.only.state is State.SHADOW
    assert own.reporter.newest.detail == "version 2 passed the gate"


@dataclass
class Breaking(Reporter):
    """Cannot be reached when it is first told of an end."""

    broke: bool = False

    def reconcile(self, detector: str, subjects: Collection[str], conditions: Sequence[Condition]) -> None:
        if not self.broke and any(item.fingerprint.endswith(":rejected") for item in conditions):
            self.broke = True
            raise DependencyUnavailableError("the alerts", "no answer")
        super().reconcile(detector, subjects, conditions)


def test_an_end_that_could_not_be_told_is_told_by_the_next_step() -> None:
    own = platform(reporter=Breaking(), verdict=False)
    own.walk(23)
    assert own.only.state is State.REJECTED
    assert own.reporter.newest.fingerprint.endswith(":rejected")
    assert "calibrated: expected 90 %, got 50 %" in own.reporter.newest.detail


def test_a_young_champion_is_left_alone() -> None:
    own = platform()
    own.walk(20)
    assert own.table.rows == {}


def test_a_challenger_that_the_gate_refuses_after_its_training_never_serves() -> None:
    own = platform(verdict=False)
    own.walk(29)
    assert own.events() == [Event.BEGAN, Event.SUBMITTED, Event.REFUSED]
    assert own.world.champion == 1
    last = own.table.steps[own.only.id][-1]
    assert "calibrated: expected 90 %, got 50 %" in last.detail
    assert last.checks[0]["name"] == "calibrated"


def test_a_challenger_that_does_worse_in_the_shadow_is_rejected() -> None:
    own = platform(challenger_error=3 * RMSE)
    own.walk(40)
    first = next(iter(own.table.rows.values()))
    assert own.events(first) == [Event.BEGAN, Event.SUBMITTED, Event.TRAINED, Event.REFUSED]
    assert "shadow_not_worse" in own.table.steps[first.id][-1].detail
    assert own.world.audit == []


def test_a_challenger_that_the_gate_refuses_after_the_shadow_is_rejected() -> None:
    own = platform(gate=False)
    own.walk(33)
    assert own.events() == [Event.BEGAN, Event.SUBMITTED, Event.TRAINED, Event.PASSED, Event.REFUSED]
    assert "not_worse_than_champion" in own.table.steps[own.only.id][-1].detail


def test_a_champion_that_breaks_in_its_probation_is_rolled_back_with_a_warning() -> None:
    own = platform(served_error=3 * RMSE)
    own.walk(44)
    assert own.events() == [*GOOD[:-1], Event.BROKE, Event.ROLLED_BACK]
    assert own.world.champion == 1
    assert own.world.audit == [("promote", 1, 2), ("rollback", 2, 1)]
    assert "probation_error" in own.table.steps[own.only.id][-2].detail
    assert [item.severity for item in own.reporter.told][-2:] == [Severity.WARNING, Severity.WARNING]


def test_a_probation_without_outcomes_confirms_nobody() -> None:
    own = platform()
    own.walk(32)
    assert own.only.state is State.PROBATION
    own.world.forecasts = False
    own.walk(50)
    assert (own.only.state, own.world.champion) == (State.FAILED, 2)
    assert "fewer than 8 of 12 sessions have an outcome" in own.table.steps[own.only.id][-1].detail


def test_a_probation_too_short_to_tell_says_so() -> None:
    own = platform(AGED.model_copy(update={"probation_sessions": 5}), served_error=3 * RMSE)
    own.walk(50)
    assert own.only.state is State.CONFIRMED
    assert own.table.steps[own.only.id][-1].detail == "unjudged: 5 sessions are fewer than the 8 that tell"


def test_a_challenger_is_not_tried_on_a_session_that_it_has_learned_from() -> None:
    own = platform(newer=2)
    own.walk(23)
    # Of a panel, the member whose prices are late says where the market stands.
    assert own.world.versions[2].trained_until == DAYS[22]
    assert own.only.since == DAYS[22]


def test_decisions_do_not_depend_on_how_often_one_looks() -> None:
    for served, ending in ((RMSE, Event.SURVIVED), (3 * RMSE, Event.ROLLED_BACK)):
        seldom = platform(served_error=served)
        for today in (20, 21, 32, 58):
            seldom.world.today = today
            seldom.loop.step()
            seldom.world.work()
        assert seldom.events()[-1] is ending
        shadow = next(step for step in seldom.table.steps[seldom.only.id] if step.event is Event.PASSED)
        assert "after 10 sessions" in shadow.detail


def test_after_a_rejection_triggers_rest() -> None:
    own = platform(replace_cooldown(AGED, 15), verdict=False)
    own.walk(60)
    begun = sorted(row.session for row in own.table.rows.values())
    assert begun == [DAYS[20], DAYS[35], DAYS[50]]


def replace_cooldown(policy: Policy, sessions: int) -> Policy:
    return policy.model_copy(update={"cooldown_sessions": sessions})


def test_a_proposal_waits_for_a_person_and_begins_when_approved() -> None:
    proposing = AGED.model_copy(update={"age": TriggerRule(mode="propose", threshold=20)})
    own = platform(proposing)
    own.walk(25)
    assert own.only.state is State.PROPOSED
    own.desk.approve(own.only.id, "ann")
    own.walk(60)
    assert own.events() == [Event.BEGAN, Event.APPROVED, *GOOD[1:]]
    assert own.table.steps[own.only.id][1].actor == "ann"


def test_an_unanswered_proposal_does_not_hold_up_a_trigger_that_begins_by_itself() -> None:
    both = AGED.model_copy(
        update={"age": TriggerRule(mode="propose", threshold=20), "error": TriggerRule(mode="automatic", threshold=1.5)}
    )
    own = platform(both)
    own.walk(25)
    assert own.only.state is State.PROPOSED
    own.world.measured = Evidence(error=2.0)
    own.walk(60)
    assert own.events() == [Event.BEGAN, Event.APPROVED, *GOOD[1:]]
    approved = own.table.steps[own.only.id][1]
    assert (approved.actor, approved.detail) == ("retraining", "age 25 (threshold 20); error 2 (threshold 1.5)")


def test_a_retraining_is_started_by_hand_once() -> None:
    own = platform(policy=None)
    own.desk.start(MODEL, "ann", "just so")
    with pytest.raises(RetrainingOpenError):
        own.desk.start(MODEL, "bob", "")
    own.walk(60)
    assert own.only.state is State.CONFIRMED
    assert own.only.reasons[0]["trigger"] == "hand"


def test_a_cancelled_retraining_ends_with_its_training() -> None:
    own = platform(policy=None)
    own.desk.start(MODEL, "ann", "")
    own.loop.step()
    own.desk.cancel(own.only.id, "ann", "not now")
    assert own.only.state is State.CANCELLED
    assert {job.state for job in own.world.jobs.values()} == {JobState.CANCELLED}
    with pytest.raises(ConflictError, match="it has ended"):
        own.desk.cancel(own.only.id, "ann", "")
    with pytest.raises(NotFoundError):
        own.desk.cancel(uuid4(), "ann", "")


def test_a_champion_that_somebody_else_changed_ends_the_retraining() -> None:
    for today in (21, 25, 35):
        own = platform()
        own.walk(today)
        own.world.versions[9] = own.world._version(9, DAYS[today])
        own.world.champion = 9
        own.loop.step()
        first = next(iter(own.table.rows.values()))
        assert own.events(first)[-1] is Event.SUPERSEDED
        assert own.world.champion == 9


def test_a_training_that_failed_or_is_not_known_any_more_fails_the_retraining() -> None:
    own = platform()
    own.walk(20)
    own.loop.step()
    [job] = own.world.jobs.values()
    own.world.jobs[job.id] = replace(job, state=JobState.FAILED, error={"detail": "no rows"})
    own.loop.step()
    assert (own.only.state, own.table.steps[own.only.id][-1].detail) == (State.FAILED, "no rows")
    lost = platform()
    lost.walk(20)
    lost.loop.step()
    lost.world.jobs.clear()
    lost.loop.step()
    assert lost.only.state is State.FAILED


def test_a_server_that_is_down_holds_a_retraining_up_and_ends_nothing() -> None:
    own = platform()
    own.walk(25)
    state = own.only.state
    own.world.up = False
    assert own.loop.step().failed == 1
    assert own.only.state is state
    own.world.up = True
    own.walk(60)
    assert own.events() == GOOD


def test_a_deleted_model_fails_its_retraining() -> None:
    own = platform()
    own.walk(25)
    own.world.deleted = True
    own.loop.step()
    assert own.only.state is State.FAILED


@settings(max_examples=40, deadline=None)
@given(
    crash_at=st.integers(0, 80),
    verdict=st.booleans(),
    gate=st.booleans(),
    challenger=st.sampled_from([RMSE, 3 * RMSE]),
    served=st.sampled_from([RMSE, 3 * RMSE]),
)
def test_a_process_that_dies_anywhere_changes_no_decision(
    crash_at: int, verdict: bool, gate: bool, challenger: float, served: float
) -> None:
    conditions: dict[str, Any] = {
        "verdict": verdict,
        "gate": gate,
        "challenger_error": challenger,
        "served_error": served,
    }
    calm, rough = platform(**conditions), platform(**conditions)
    calm.walk(50)
    rough.walk(50, crash_at=crash_at)
    assert rough.world.audit == calm.world.audit
    assert rough.world.champion == calm.world.champion
    assert len(rough.world.jobs) == len(calm.world.jobs)
    trails = [
        [[(step.event, step.session) for step in own.table.steps[key]] for key in own.table.rows]
        for own in (calm, rough)
    ]
    assert trails[0] == trails[1]


@settings(max_examples=25, deadline=None)
@given(
    crashes=st.lists(st.integers(0, 25), max_size=8),
    cancels=st.sets(st.integers(0, 70), max_size=4),
    served=st.sampled_from([RMSE, 3 * RMSE]),
    modes=st.sampled_from(["automatic", "propose"]),
)
def test_whatever_happens_every_transition_is_in_the_trail_and_one_retraining_is_open(
    crashes: list[int], cancels: set[int], served: float, modes: Any
) -> None:
    own = platform(AGED.model_copy(update={"age": TriggerRule(mode=modes, threshold=20)}), served_error=served)
    pending = list(crashes)
    while own.world.today < 70:
        if own.world.crash_at is None and pending:
            own.world.crash_at = pending.pop()
        try:
            own.loop.step()
            if own.world.today in cancels:
                decide(own)
        except Crash:
            continue
        own.world.work()
        own.world.today += 1
        assert len(own.table.open()) <= 1
        assert own.world.champion in own.world.versions
    for retraining in own.table.rows.values():
        steps = own.table.steps[retraining.id]
        assert [step.revision for step in steps] == list(range(retraining.revision + 1))
        state = steps[0].to_state
        for step in steps[1:]:
            assert step.from_state is state
            state = after(state, step.event)
            assert step.to_state is state
        assert state is retraining.state
    # Every change of the champion is a retraining's, and each of them is told of in a trail.
    told = [step for steps in own.table.steps.values() for step in steps]
    assert len([item for item in own.world.audit if item[0] == "promote"]) == sum(
        step.event is Event.PROMOTED for step in told
    ) + sum(row.state is State.JUDGED for row in own.table.rows.values() if own.world.champion == row.challenger)


def decide(own: Platform) -> None:
    for retraining in own.table.open():
        try:
            if retraining.state is State.PROPOSED and retraining.session.day % 2:
                own.desk.approve(retraining.id, "ann")
            else:
                own.desk.cancel(retraining.id, "ann", "")
        except ConflictError:
            assert retraining.state in (State.JUDGED, State.REVERTING)
