"""What people do about retrainings: policies, starting one, deciding on a proposal, ending one; and how the loop is
opened over the servers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

from stock_kit.settings import Settings

from stock_mlops.errors import ConflictError, InvalidRequestError, NotFoundError
from stock_mlops.forecasting.spec import InvalidSpecError
from stock_mlops.instruments import Instrument
from stock_mlops.retraining.cycle import Event, State, TransitionError
from stock_mlops.retraining.policy import Evidence, Policy, Reason, Trigger
from stock_mlops.services.adaptation import Outcomes
from stock_mlops.services.alert_reporting import open_reporter
from stock_mlops.services.alerting import AlertReporter
from stock_mlops.services.jobs import submit_job
from stock_mlops.services.promotion import make_promotion
from stock_mlops.services.retraining import Clock, RetrainingLoop
from stock_mlops.services.retraining_acts import Acts, Trainings, Versions
from stock_mlops.services.retraining_evidence import EvidenceDesk, Findings, Market, Moment, Standing
from stock_mlops.services.retraining_trail import RetrainingTable, Trail
from stock_mlops.services.shadowing import Shadowing
from stock_mlops.stores.catalog import Catalog, ModelDefinition
from stock_mlops.stores.clickhouse import get_client
from stock_mlops.stores.instrument_names import InstrumentNames
from stock_mlops.stores.jobs import Job, JobKind, Jobs
from stock_mlops.stores.market_clock import MarketClocks
from stock_mlops.stores.mlflow_rest import MlflowRest
from stock_mlops.stores.model_files import ModelFiles
from stock_mlops.stores.monitoring import MonitoringTable
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.queue import CeleryQueue, JobQueue
from stock_mlops.stores.retrainings import NewRetraining, Note, Retraining, RetrainingRecord, Retrainings
from stock_mlops.stores.shadow_predictions import ShadowPredictions
from stock_mlops.stores.warehouse import Warehouse

# Champions and challengers of some models at once.
_LOADED = 64


@dataclass(frozen=True, slots=True)
class TrainingJobs:
    """Trainings of challengers, as jobs; a :class:`stock_mlops.services.retraining.Trainings`."""

    jobs: Jobs
    queue: JobQueue

    def submit(self, model_id: UUID, retraining_id: UUID, search_trials: int | None) -> UUID:
        """Asked again for the same retraining, the same job."""
        asked: dict[str, Any] = {"model_id": str(model_id), "retraining": str(retraining_id)}
        if search_trials is not None:
            asked["search_trials"] = search_trials
        job = submit_job(
            self.jobs,
            self.queue,
            JobKind.TRAIN,
            asked,
            idempotency_key=f"retraining {retraining_id}",
        )
        return job.id

    def get(self, job_id: UUID) -> Job | None:
        return self.jobs.get(job_id)

    def cancel(self, job_id: UUID) -> bool:
        return self.jobs.cancel(job_id)


class RetrainingDesk:
    """
    Raises:
        NotFoundError: any method, when the model or the retraining does not exist.
    """

    def __init__(
        self,
        table: RetrainingTable,
        trail: Trail,
        versions: Versions,
        trainings: Trainings,
        clock: Clock,
        findings: Findings,
    ) -> None:
        self._table = table
        self._trail = trail
        self._versions = versions
        self._trainings = trainings
        self._clock = clock
        self._findings = findings

    def policy(self, model_id: UUID) -> Policy:
        """With every trigger off, when nobody has given the model one."""
        self._definition(model_id)
        return self._table.policy(model_id) or Policy()

    def set_policy(self, model_id: UUID, policy: Policy, actor: str) -> Policy:
        """
        Raises:
            ConflictError: the model's data end on a fixed day, so that training it again would give the same one.
            InvalidRequestError: its parameters cannot be searched for.
        """
        definition = self._definition(model_id)
        if policy.watches:
            _check_open_end(definition)
        _check_searchable(definition, policy)
        self._table.set_policy(model_id, policy, actor)
        return policy

    def policies(self) -> Mapping[UUID, Policy]:
        """Of every model that was given one."""
        return {model_id: stored.policy for model_id, stored in self._table.policies().items()}

    def records(self, model_id: UUID | None, limit: int, states: Sequence[State] = ()) -> Sequence[RetrainingRecord]:
        """The newest retrainings of a model (None: of all) with their steps; only those in ``states``, if any."""
        if model_id is not None:
            self._definition(model_id)
        return self._table.records(model_id, limit, states)

    def standing(self, model_id: UUID) -> Standing:
        """What the triggers of a model would look at now, whether they are on or off."""
        definition = self._definition(model_id)
        champion = self._versions.champion_of(definition.registered_name)
        instruments = definition.parsed().instruments
        moment = self._clock.at(instruments)
        last = self._table.newest(definition.registered_name)
        return Standing(
            serving=None if champion is None else champion.version,
            counts=champion is not None and champion.model_id == model_id,
            session=None if moment is None else moment.session,
            evidence=Evidence()
            if champion is None or moment is None
            else self._findings.of(champion, instruments, moment),
            watched=None if moment is None else _watched(last, instruments[0], moment),
        )

    def start(self, model_id: UUID, actor: str, reason: str) -> Retraining:
        """Begin one by hand.

        Raises:
            ConflictError: nothing of the model's name serves yet, its data end on a fixed day, or its prices are gone.
            RetrainingOpenError: one is under way.
        """
        definition = self._definition(model_id)
        _check_open_end(definition)
        name = definition.registered_name
        champion = self._versions.champion_of(name)
        if champion is None:
            raise ConflictError(f"{name} has no champion that a challenger could follow; train it (POST /api/train)")
        moment = self._clock.at(definition.parsed().instruments)
        if moment is None:
            raise ConflictError(f"{name}: its prices are not in the warehouse; load them (POST /api/datasets/etl)")
        policy = self._table.policy(model_id) or Policy()
        why = Reason(Trigger.HAND, "automatic")
        new = NewRetraining(model_id, name, State.TRIGGERED, [why.to_dict()], policy, champion.version, moment.session)
        return self._trail.begin(new, Note(actor, reason or "started by hand", moment.session))

    def approve(self, retraining_id: UUID, actor: str) -> Retraining:
        """Let a proposal begin.

        Raises:
            ConflictError: it is none (any more).
        """
        return self._decide(retraining_id, Event.APPROVED, actor, "approved")

    def cancel(self, retraining_id: UUID, actor: str, reason: str) -> Retraining:
        """End one; what serves goes on serving, and its training, if it is at work, is cancelled too.

        Raises:
            ConflictError: it has ended, or is about to change what serves.
        """
        ended = self._decide(retraining_id, Event.CANCELLED, actor, reason or "cancelled")
        if ended.job_id is not None:
            self._trainings.cancel(ended.job_id)
        return ended

    def _decide(self, retraining_id: UUID, event: Event, actor: str, detail: str) -> Retraining:
        seen = self._table.get(retraining_id)
        if seen is None:
            raise NotFoundError(f"there is no retraining {retraining_id}; GET /api/models/{{model_id}}/retrainings")
        note = Note(actor, detail, seen.since or seen.session)
        try:
            moved = self._trail.move(seen, event, note)
        except TransitionError as error:
            raise ConflictError(str(error)) from error
        if moved is None:
            raise ConflictError(f"retraining {retraining_id} has moved on meanwhile; look at it and ask again")
        return moved

    def _definition(self, model_id: UUID) -> ModelDefinition:
        definition = self._versions.definition(model_id)
        if definition is None:
            raise NotFoundError(f"there is no model {model_id}; GET /api/models lists what there is")
        return definition


def _watched(last: Retraining | None, instrument: Instrument, moment: Moment) -> int | None:
    if last is None or last.since is None or last.state not in (State.SHADOW, State.PROBATION):
        return None
    return instrument.sessions.count(last.since, moment.session)


def _check_open_end(definition: ModelDefinition) -> None:
    end = definition.parsed().end
    if end is not None:
        raise ConflictError(
            f"{definition.name} is defined on data until {end}: trained again it would be the same; define a model"
            " without an end"
        )


def _check_searchable(definition: ModelDefinition, policy: Policy) -> None:
    try:
        definition.parsed().with_search(policy.searched)
    except InvalidSpecError as error:
        problem = f"{definition.name} cannot have challengers that are searched for: {error.detail}"
        raise InvalidRequestError(problem, errors=[{"field": "challenger", "message": problem}]) from error


def make_retraining_desk(settings: Settings, queue: JobQueue, reporter: AlertReporter) -> RetrainingDesk:
    """The use case over the servers of ``settings``. Connects to nothing yet."""
    meta = get_engine(settings.model_meta_db)
    table = Retrainings(meta)
    trainings = TrainingJobs(Jobs(meta, settings.jobs), queue)
    findings = EvidenceDesk(MonitoringTable(partial(get_client, settings.clickhouse)))
    return RetrainingDesk(table, Trail(table, reporter), Catalog(meta), trainings, _market(settings), findings)


@contextmanager
def open_retraining_loop(
    settings: Settings,
    *,
    queue: JobQueue | None = None,
    reporter: AlertReporter | None = None,
    outcomes: Outcomes | None = None,
) -> Iterator[RetrainingLoop]:
    """The loop over the servers of ``settings``.

    Args:
        queue: carries its trainings in the place of Celery.
        reporter: hears of its steps in the place of the alert desk.
        outcomes: where its shadow forecasts read features and closes, in the place of the warehouse.
    """
    meta, client = get_engine(settings.model_meta_db), partial(get_client, settings.clickhouse)
    table = Retrainings(meta)
    with closing(MlflowRest(settings.mlflow)) as mlflow, ExitStack() as opened:
        carrier = queue or opened.enter_context(closing(CeleryQueue(settings)))
        files = ModelFiles(mlflow, settings.path(settings.serving.cache_dir))
        acts = Acts(
            Catalog(meta),
            TrainingJobs(Jobs(meta, settings.jobs), carrier),
            Shadowing(
                outcomes or Warehouse(client()), lru_cache(maxsize=_LOADED)(files.load), ShadowPredictions(client)
            ),
            make_promotion(settings, mlflow),
            settings.gate.significance,
        )
        trail, findings = Trail(table, reporter or open_reporter(settings)), EvidenceDesk(MonitoringTable(client))
        yield RetrainingLoop(table, trail, Catalog(meta), acts, _market(settings), findings)


def _market(settings: Settings) -> Market:
    names = InstrumentNames(get_engine(settings.raw_db))

    def last_sessions(instruments: Sequence[Instrument]) -> dict[Instrument, date]:
        return Warehouse(get_client(settings.clickhouse)).last_sessions(instruments)

    def timelines() -> dict[Instrument, str]:
        return {instrument: entry.timeline for instrument, entry in names.read().items()}

    return Market(MarketClocks(get_engine(settings.model_meta_db)), timelines, last_sessions)
