"""The closed loop over twins of all that it works on; the process that runs it can be let die."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

from stock_mlops.errors import ConflictError, DependencyUnavailableError, NotFoundError
from stock_mlops.forecasting.gate import Check, Verdict
from stock_mlops.forecasting.spec import ModelSpec, parse_spec
from stock_mlops.instruments import Instrument, sessions_of
from stock_mlops.retraining.cycle import Event
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
from stock_mlops.stores.retrainings import Found, NewRetraining, Note, Retraining
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
    def submit(self, model_id: UUID, retraining_id: UUID, search_trials: int | None) -> UUID:
        with self._act():
            if retraining_id not in self.job_of:
                job_id = self.job_of[retraining_id] = uuid4()
                self.jobs[job_id] = replace(_job(job_id), payload={"search_trials": search_trials})
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
                trials = job.payload["search_trials"]
                search = None if trials is None else {"trials": trials, "params": {"alpha": 12.5}}
                result = {"version": number, "verdict": verdict, "metrics": {"search": search}}
                self.jobs[job.id] = replace(job, state=JobState.COMPLETED, result=result)

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

    policies: dict[str, str] = field(default_factory=dict)
    """Of those that are told as not valid: what is wrong."""

    def reconcile(self, detector: str, subjects: Collection[str], conditions: Sequence[Condition]) -> None:
        if detector == "retraining_policy":
            self.policies = {item.subject: item.detail for item in conditions}
            assert set(self.policies) <= set(subjects)
            return
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
