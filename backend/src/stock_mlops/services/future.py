"""A path of predictions: one per session, 1 to ``days`` ahead, each forecast directly by its own horizon's model.

Running it twice records nothing twice: prediction ids derive from the job's id and the horizon, and the time they bear
is the job's. Each day is durable (its outbox row) before it shows as a partial result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID, uuid5

from sqlalchemy import Connection
from stock_kit.events import PredictionEvent, Topic
from stock_kit.kafka import EventProducer
from stock_kit.settings import Settings

from stock_mlops.forecasting.adaptation import AdaptiveState
from stock_mlops.forecasting.bundle import Forecast
from stock_mlops.instruments import Instrument
from stock_mlops.services.forecast_events import (
    Provenance,
    Subject,
    Tally,
    check_horizon,
    make_event,
    no_data,
    outbox_row,
)
from stock_mlops.services.jobs import Completion, JobRun
from stock_mlops.services.prediction import Sender
from stock_mlops.services.serving import ServedModel
from stock_mlops.stores.catalog import Catalog, Champion
from stock_mlops.stores.clickhouse import get_client
from stock_mlops.stores.interval_states import IntervalStates, StateKey
from stock_mlops.stores.mlflow_rest import MlflowRest
from stock_mlops.stores.model_files import ModelFiles
from stock_mlops.stores.outbox import Outbox, OutboxRow
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.warehouse import FeatureVector, Warehouse

# Days recorded, sent and shown together: one commit and one heartbeat for each group, and still visible progress.
_GROUP = 5


class Record(Protocol):
    def append(self, rows: Sequence[OutboxRow], connection: Connection | None = None) -> None: ...


class FuturePredictions:
    """The handler of ``predict_future`` jobs."""

    def __init__(
        self,
        read_vector: Callable[[Instrument], FeatureVector | None],
        champion_of: Callable[[Instrument], Champion | None],
        load: Callable[[Champion], ServedModel],
        state_of: Callable[[StateKey], AdaptiveState | None],
        record: Record,
        sender: Sender,
        *,
        max_days: int,
    ) -> None:
        self._read_vector = read_vector
        self._champion_of = champion_of
        self._load = load
        self._state_of = state_of
        self._record = record
        self._sender = sender
        self._max_days = max_days

    def run(self, job: JobRun) -> Completion:
        """Predict the payload's ``days`` for its instrument.

        Raises:
            NoDataError, HorizonError, UnusableVectorError: as for one prediction; the job fails with it.
            JobLostError: the job was cancelled or taken over.
        """
        instrument = Instrument(job.payload["exchange"], job.payload["ticker"])
        days = int(job.payload["days"])
        subject = self._subject(instrument, days)
        forecasts = self._path(subject, days)
        done: list[dict[str, Any]] = []
        for start in range(0, days, _GROUP):
            horizons = range(start + 1, min(start + _GROUP, days) + 1)
            events = [self._event(subject, job, horizon, forecasts[horizon - 1]) for horizon in horizons]
            done += self._publish(job, events, days)
        return Completion({"predictions": done})

    def _subject(self, instrument: Instrument, days: int) -> Subject:
        vector = self._read_vector(instrument)
        if vector is None:
            raise no_data(instrument)
        champion = self._champion_of(instrument)
        model = None if champion is None else self._load(champion)
        if model is not None:
            model = model.adapted(self._state_of(StateKey(model.ref.registered_name, model.ref.version, instrument)))
        check_horizon(instrument, model, days, self._max_days)
        return Subject(instrument, vector, instrument.sessions, model)

    def _path(self, subject: Subject, days: int) -> Sequence[Forecast | None]:
        if subject.model is None:
            return [None] * days
        return subject.model.bundle.predict_path(subject.vector.values, days, subject.model.intervals)

    def _event(self, subject: Subject, job: JobRun, horizon: int, forecast: Forecast | None) -> PredictionEvent:
        provenance = Provenance(prediction_id(job.job.id, horizon), job.job.created_at, "job", job.job.id)
        return make_event(subject, horizon, forecast, provenance)

    def _publish(self, job: JobRun, events: Sequence[PredictionEvent], days: int) -> list[dict[str, Any]]:
        job.check()
        self._record.append([outbox_row(event) for event in events])
        for event in events:
            self._sender.send(Topic.PREDICTIONS, event)
            Tally.of(event).add()
        shown = [event.model_dump(mode="json", exclude={"inputs"}) for event in events]
        done = events[-1].horizon
        job.progress(done / days, f"predicted {done} of {days} sessions", partial=shown)
        return shown


def prediction_id(job_id: UUID, horizon: int) -> UUID:
    """The same for every run of the job."""
    return uuid5(job_id, f"horizon {horizon}")


def open_future(settings: Settings) -> FuturePredictions:
    """The handler over the servers of ``settings``."""
    meta = get_engine(settings.model_meta_db)
    catalog = Catalog(meta)
    files = ModelFiles(MlflowRest(settings.mlflow), settings.path(settings.serving.cache_dir))

    @lru_cache(maxsize=16)
    def load(champion: Champion) -> ServedModel:
        return ServedModel.of(champion, files.load(champion), settings.serving.expiry_sessions)

    return FuturePredictions(
        read_vector=lambda instrument: Warehouse(get_client(settings.clickhouse)).latest_vector(instrument),
        champion_of=catalog.serving,
        load=load,
        state_of=IntervalStates(meta).newest,
        record=Outbox(meta),
        sender=EventProducer(settings.kafka, "celery_predict"),
        max_days=settings.serving.max_days,
    )
