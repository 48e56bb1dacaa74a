"""Everything behind the two applications, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

import polars as pl
from api.schemas.datasets import FeatureQuery, PriceQuery, SpanQuery
from stock_kit.events import PredictionEvent
from stock_mlops.errors import NotFoundError, StockMlopsError
from stock_mlops.forecasting.spec import ModelSpec
from stock_mlops.instruments import Instrument
from stock_mlops.services.datasets import Dataset
from stock_mlops.services.explaining import ExplainedPrediction
from stock_mlops.services.forecast_events import no_data
from stock_mlops.services.known_forecasts import Made
from stock_mlops.services.prediction import Bulk
from stock_mlops.services.quality_report import QualityReport
from stock_mlops.stores.catalog import DefinitionPage, Glance, ModelDefinition, ModelVersion
from stock_mlops.stores.cursor import Cursor
from stock_mlops.stores.jobs import IdempotencyConflictError, Job, JobKind, JobPage, JobState
from stock_mlops.stores.market_clock import ReplayState
from stock_mlops.stores.predictions import Page, PredictionFilter, SettledPrediction
from stock_mlops.stores.quarantine_entries import QuarantineCount, QuarantineEntry
from stock_mlops.stores.read_cache import MemoryReadCache
from stock_mlops.stores.settlements import AccuracyFilter, RollingAccuracy

from .loads import Loads
from .office import glance

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def make_event(ticker: str = "AAPL", horizon: int = 1, **values: Any) -> PredictionEvent:
    known: dict[str, Any] = {
        "prediction_id": uuid4(),
        "exchange": "US",
        "ticker": ticker,
        "made_at": NOW,
        "as_of": date(2012, 6, 29),
        "target_session": date(2012, 7, 2),
        "horizon": horizon,
        "last_close": 100.0,
        "predicted_return": 0.01,
        "predicted_close": 101.0,
        "model_name": "stock-US-AAPL",
        "model_version": "3",
        "model_type": "ridge",
        "feature_version": "1",
        "data_version": "1",
    }
    return PredictionEvent(**known | values)


def settled(**values: Any) -> SettledPrediction:
    return SettledPrediction(make_event(**values), actual_close=100.0, error_pct=0.01)


@dataclass
class Backstage:
    """Everything the handlers ask for, in memory. ``error``, when set, is what each of them raises."""

    error: Exception | None = None
    jobs: dict[UUID, Job] = field(default_factory=dict)
    job_keys: dict[str, UUID] = field(default_factory=dict)
    subjects: dict[UUID, str] = field(default_factory=dict)
    data_version_: str = "1"
    definitions_: dict[UUID, ModelDefinition] = field(default_factory=dict)
    versions_: dict[UUID, list[ModelVersion]] = field(default_factory=dict)
    tickers: set[str] = field(default_factory=lambda: {"AAPL"})
    origins: list[str] = field(default_factory=list)
    unrecordable: Exception | None = None
    """Why many predictions cannot be recorded once they are made."""
    explained: dict[UUID, ExplainedPrediction] = field(default_factory=dict)
    looks: list[list[UUID]] = field(default_factory=list)
    spans: list[SpanQuery] = field(default_factory=list)
    loads: Loads = field(default_factory=Loads)
    cache: MemoryReadCache = field(default_factory=MemoryReadCache)
    filters: list[PredictionFilter] = field(default_factory=list)
    page_: Page = field(default_factory=Page)
    accuracy_: list[RollingAccuracy] = field(default_factory=list)
    accuracy_asked: list[tuple[AccuracyFilter, tuple[int, ...], int]] = field(default_factory=list)
    replay_: ReplayState | None = None

    def check(self) -> None:
        if self.error is not None:
            raise self.error

    def submit(
        self,
        kind: JobKind,
        payload: Mapping[str, Any],
        *,
        subject: str | None = None,
        idempotency_key: str | None = None,
        request_id: str | None = None,
    ) -> Job:
        self.check()
        if idempotency_key is not None and idempotency_key in self.job_keys:
            known = self.jobs[self.job_keys[idempotency_key]]
            if known.payload != payload:
                raise IdempotencyConflictError("the key stands for another request")
            return known
        same = (self.jobs[job_id] for job_id, known in self.subjects.items() if known == subject)
        job = next((job for job in same if not job.state.is_final), None)
        job = job or self.add_job(kind, dict(payload), request_id=request_id)
        if subject is not None:
            self.subjects[job.id] = subject
        if idempotency_key is not None:
            self.job_keys[idempotency_key] = job.id
        return job

    def cancel(self, job_id: UUID) -> bool:
        self.check()
        job = self.jobs[job_id]
        if job.state.is_final:
            return False
        self.jobs[job_id] = replace(job, state=JobState.CANCELLED, finished_at=NOW)
        return True

    def page(
        self,
        kind: JobKind | None = None,
        *,
        states: Sequence[JobState] = (),
        limit: int = 50,
        cursor: Cursor | None = None,
    ) -> JobPage:
        self.check()
        jobs = [job for job in self.jobs.values() if job.kind == kind and (not states or job.state in states)]
        jobs.sort(key=lambda job: (job.created_at, job.id), reverse=True)
        if cursor is not None:
            jobs = [job for job in jobs if (job.created_at, job.id) < (cursor.at, cursor.id)]
        more = len(jobs) > limit
        return JobPage(jobs[:limit], Cursor(jobs[limit - 1].created_at, jobs[limit - 1].id) if more else None)

    def add_job(self, kind: JobKind, payload: dict[str, Any], **values: Any) -> Job:
        known: dict[str, Any] = {
            "id": uuid4(),
            "kind": kind,
            "state": JobState.PENDING,
            "payload": payload,
            "stage": "",
            "progress": 0.0,
            "partial": [],
            "result": None,
            "error": None,
            "request_id": None,
            "fence": 0,
            "attempts": 0,
            "worker": None,
            "lease_until": None,
            "created_at": NOW,
            "started_at": None,
            "finished_at": None,
        }
        job = Job(**known | values)
        self.jobs[job.id] = job
        return job

    def get(self, job_id: UUID) -> Job | None:
        self.check()
        return self.jobs.get(job_id)

    def create_definition(self, spec: ModelSpec) -> ModelDefinition:
        self.check()
        for known in self.definitions_.values():
            if known.spec_hash == spec.spec_hash:
                return known
        definition = ModelDefinition(
            id=uuid4(),
            name=spec.name,
            exchange=spec.exchange,
            ticker=spec.ticker,
            panel=spec.panel,
            model_type=spec.model_type,
            registered_name=spec.registered_model,
            spec=spec.model_dump(mode="json"),
            spec_hash=spec.spec_hash,
            created_at=NOW,
            updated_at=NOW,
        )
        self.definitions_[definition.id] = definition
        return definition

    def change_definition(self, model_id: UUID, **values: Any) -> ModelDefinition | None:
        self.check()
        known = self.definitions_.get(model_id)
        if known is not None:
            self.definitions_[model_id] = replace(
                known, **{name: value for name, value in values.items() if value is not None}
            )
        return self.definitions_.get(model_id)

    def definition(self, model_id: UUID) -> ModelDefinition | None:
        self.check()
        return self.definitions_.get(model_id)

    def definitions(self, **wanted: Any) -> DefinitionPage:
        self.check()
        found = [item for item in self.definitions_.values() if wanted["tag"] in (None, *item.tags)]
        return DefinitionPage(found[wanted["offset"] :][: wanted["limit"]], len(found))

    def glances(self, model_ids: Sequence[UUID]) -> dict[UUID, Glance]:
        return {model_id: glance(found) for model_id in model_ids if (found := self.versions_.get(model_id))}

    def versions(self, model_id: UUID) -> Sequence[ModelVersion]:
        return self.versions_.get(model_id, [])

    async def predict(self, instrument: Instrument, horizon: int, origin: Literal["api", "job", "replay"]) -> Made:
        self.check()
        self.origins.append(origin)
        if instrument.ticker not in self.tickers:
            raise no_data(instrument)
        return Made.of(make_event(instrument.ticker, horizon, origin=origin))

    async def begin_bulk(
        self, instruments: Sequence[Instrument], horizon: int, origin: Literal["api", "job", "replay"]
    ) -> Bulk:
        self.check()
        self.origins.append(origin)
        answers: list[Made | StockMlopsError] = [
            Made.of(make_event(item.ticker, horizon, origin=origin)) if item.ticker in self.tickers else no_data(item)
            for item in instruments
        ]
        return Bulk(answers, self._record(), [answer.tally for answer in answers if isinstance(answer, Made)])

    async def _record(self) -> None:
        if self.unrecordable is not None:
            raise self.unrecordable

    def explain(self, prediction_id: UUID) -> ExplainedPrediction:
        self.check()
        if prediction_id not in self.explained:
            raise NotFoundError(f"there is no prediction {prediction_id}")
        return self.explained[prediction_id]

    def get_many(self, job_ids: Sequence[UUID]) -> list[Job]:
        self.looks.append(list(job_ids))
        return [self.jobs[job_id] for job_id in job_ids if job_id in self.jobs]

    async def check_path(self, instrument: Instrument, days: int) -> None:
        self.check()
        if instrument.ticker not in self.tickers:
            raise no_data(instrument)

    def rolling(self, wanted: AccuracyFilter, windows: Sequence[int], limit: int) -> list[RollingAccuracy]:
        self.check()
        self.accuracy_asked.append((wanted, tuple(windows), limit))
        return self.accuracy_

    def datasets(self) -> Sequence[Dataset]:
        self.check()
        return [
            Dataset(
                exchange="US",
                ticker="AAPL",
                name="Apple",
                source="sample",
                timeline="replay",
                first_session=date(2000, 3, 1),
                last_session=date(2012, 6, 29),
                rows=3103,
                last_close=584.0,
                loaded_at=NOW,
                expected_session=date(2012, 6, 29),
                sessions_behind=0,
                sessions_missing=2,
                rows_refused=1,
            )
        ]

    def data_version(self, instruments: Sequence[Instrument]) -> str:
        self.check()
        return self.data_version_

    def prices(self, instrument: Instrument, query: PriceQuery) -> pl.DataFrame:
        self.check()
        self.spans.append(query)
        if instrument.ticker not in self.tickers:
            raise no_data(instrument)
        bar = {"open": 1.0, "high": 3.0, "low": 0.5, "close": 2.0, "volume": 9.0, "dividend": 0.0, "split": 1.0}
        frame = pl.DataFrame([{"session": date(2012, 6, 29), **bar}])
        return frame.filter(pl.col("session") >= (query.start or date.min))

    def features(self, instrument: Instrument, query: FeatureQuery) -> pl.DataFrame:
        self.check()
        self.spans.append(query)
        sessions = [date(2012, 6, 28), date(2012, 6, 29)]
        return pl.DataFrame({"session": sessions, **{name: [None, 0.5] for name in query.names or ["return_1"]}})

    def quality(self, instrument: Instrument) -> QualityReport:
        self.check()
        return QualityReport(
            instrument,
            date(2012, 6, 28),
            date(2012, 7, 2),
            2,
            3,
            (date(2012, 6, 29),),
            QuarantineCount(1, 0),
            (QuarantineEntry(date(2012, 6, 29), 7, "close is missing", {"close": None}, "file", NOW, None),),
        )

    def delete(self, instrument: Instrument) -> int:
        self.check()
        if instrument.ticker not in self.tickers:
            raise no_data(instrument)
        self.tickers.discard(instrument.ticker)
        return 3103

    def replay(self) -> ReplayState | None:
        self.check()
        return self.replay_

    def run(self, run_id: str) -> dict[str, Any]:
        self.check()
        return {
            "info": {"status": "FINISHED", "start_time": 1_795_000_000_000},
            "data": {
                "params": [{"key": "alpha", "value": "1.0"}],
                "metrics": [{"key": "rmse", "value": 0.01}, {"key": "r2", "value": "NaN"}],
                "tags": [],
            },
        }

    def registered_models(self) -> list[dict[str, Any]]:
        self.check()
        version = {"version": "3", "run_id": "run3", "creation_timestamp": 1_795_000_000_000}
        aliases = [{"alias": "champion", "version": "3"}]
        return [{"name": "stock-US-AAPL", "latest_versions": [version], "aliases": aliases}]

    def artifacts(self, run_id: str) -> list[dict[str, Any]]:
        return [{"path": "bundle", "is_dir": True}, {"path": "report.json", "is_dir": False, "file_size": "12"}]


@dataclass
class History:
    """Of :class:`Backstage`; its method has a name that jobs use as well."""

    backstage: Backstage

    def page(self, wanted: PredictionFilter, limit: int, cursor: Cursor | None = None) -> Page:
        self.backstage.check()
        self.backstage.filters.append(wanted)
        return self.backstage.page_
