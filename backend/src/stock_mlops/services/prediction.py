"""One prediction: the newest vector, the champion's forecast, a recorded event, an answer.

Nothing on this way imports a data frame library, opens a connection or loads a model (but for the first request of
each), and nothing blocks the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

import anyio.to_thread
from stock_kit.clock import wall_now
from stock_kit.events import Event, PredictionEvent

from stock_mlops.errors import HorizonError, StockMlopsError
from stock_mlops.forecasting.bundle import Forecast
from stock_mlops.instruments import Instrument, Sessions, sessions_of
from stock_mlops.services.bulk import Asked, make_many, new_ids
from stock_mlops.services.forecast_events import (
    Origin,
    Provenance,
    Subject,
    Tally,
    check_horizon,
    make_event,
    no_data,
)
from stock_mlops.services.known_forecasts import KnownForecasts, Made
from stock_mlops.services.serving import ServedModel
from stock_mlops.stores.outbox import OutboxRow
from stock_mlops.stores.warehouse import FeatureVector

_IDS_AT_ONCE = 64


class VectorSource(Protocol):
    async def newest(self, instrument: Instrument) -> FeatureVector | None: ...

    async def newest_many(self, instruments: Sequence[Instrument]) -> Sequence[FeatureVector | None]: ...


class ModelSource(Protocol):
    async def model_for(self, instrument: Instrument) -> ServedModel | None: ...

    async def models_for(self, instruments: Sequence[Instrument]) -> Sequence[ServedModel | None]: ...


class Record(Protocol):
    async def append(self, *rows: OutboxRow) -> None:
        """Return when the rows are durable; whether they are sent on is its business."""
        ...


class Sender(Protocol):
    def send(self, topic: str, event: Event) -> None:
        """Hand the event over; never blocks, never raises."""
        ...


class Bulk(NamedTuple):
    """Many predictions. They may be shown, and are to be counted, once ``recorded`` has ended, which raises what
    recording them raised."""

    answers: list[Made | StockMlopsError]
    recorded: Awaitable[None]
    tallies: list[Tally]


class Predictor:
    """Predicts for the API, many requests at a time on one event loop."""

    def __init__(self, vectors: VectorSource, models: ModelSource, record: Record, *, max_days: int) -> None:
        self._vectors = vectors
        self._models = models
        self._record = record
        self._max_days = max_days
        self._sessions: dict[str, Sessions] = {}
        self._known = KnownForecasts()
        self._ids: list[str] = []

    async def predict(self, instrument: Instrument, horizon: int, origin: Origin = "api") -> Made:
        """Forecast the close ``horizon`` sessions after the newest one; recorded when this returns.

        Raises:
            NoDataError: the warehouse has nothing of the instrument.
            HorizonError: its model does not reach so far.
            UnusableVectorError: a feature that the model needs is missing in the newest session.
            DependencyUnavailableError: PostgreSQL, or the model's files, cannot be reached.
        """
        subject = await self._subject(instrument)
        made = await self._make(subject, horizon, origin)
        await self._record.append(made.row)
        made.tally.add()
        return made

    async def predict_bulk(
        self, instruments: Sequence[Instrument], horizon: int, origin: Origin = "api"
    ) -> list[PredictionEvent | StockMlopsError]:
        """As :meth:`predict` for each of ``instruments``: its forecast, or why there is none. All are recorded in one
        commit.

        Raises:
            DependencyUnavailableError: PostgreSQL, ClickHouse or a model's files cannot be reached; nothing is
                recorded then.
        """
        bulk = await self.begin_bulk(instruments, horizon, origin)
        await bulk.recorded
        await count(bulk.tallies)
        return [answer.event if isinstance(answer, Made) else answer for answer in bulk.answers]

    async def begin_bulk(self, instruments: Sequence[Instrument], horizon: int, origin: Origin = "api") -> Bulk:
        """As :meth:`predict_bulk`, but returns while they are being recorded, for an answer to be put together."""
        asked = await self._asked(instruments, horizon, origin)
        if any(isinstance(item, Asked) and item.known is None for item in asked):
            # Hundreds of forecasts take longer than the event loop should be held.
            answers = await anyio.to_thread.run_sync(make_many, asked, horizon, origin)
        else:
            answers = make_many(asked, horizon, origin)
        for item, answer in zip(asked, answers, strict=True):
            if isinstance(item, Asked) and item.known is None and isinstance(answer, Made):
                self._known.keep(item.subject, horizon, origin, answer)
        made = [answer for answer in answers if isinstance(answer, Made)]
        recorded = asyncio.create_task(self._record_all([one.row for one in made]), name="bulk-record")
        # It starts, hands the rows over, and they are taken: a thread puts them together while the caller goes on.
        for _ in range(2):
            await asyncio.sleep(0)
        return Bulk(answers, recorded, [one.tally for one in made])

    async def _record_all(self, rows: Sequence[OutboxRow]) -> None:
        if rows:
            await self._record.append(*rows)

    async def check_path(self, instrument: Instrument, days: int) -> None:
        """Refuse a path of days that would fail, before it becomes a job; raises as :meth:`predict`."""
        if await self._vectors.newest(instrument) is None:
            raise no_data(instrument)
        check_horizon(instrument, await self._models.model_for(instrument), days, self._max_days)

    async def _subject(self, instrument: Instrument) -> Subject:
        vector = await self._vectors.newest(instrument)
        if vector is None:
            raise no_data(instrument)
        sessions = await self._sessions_of(instrument.exchange)
        return Subject(instrument, vector, sessions, await self._models.model_for(instrument))

    async def _asked(
        self, instruments: Sequence[Instrument], horizon: int, origin: Origin
    ) -> list[Asked | StockMlopsError]:
        """What each forecast starts from, or why there is none."""
        found = list(zip(instruments, await self._vectors.newest_many(instruments), strict=True))
        models = iter(await self._models.models_for([item for item, vector in found if vector is not None]))
        exchanges = {item.exchange for item, vector in found if vector is not None}
        sessions = {exchange: await self._sessions_of(exchange) for exchange in exchanges}
        asked: list[Asked | StockMlopsError] = []
        for item, vector in found:
            if vector is None:
                asked.append(no_data(item))
                continue
            model = next(models)
            try:
                check_horizon(item, model, horizon, self._max_days)
            except HorizonError as problem:
                asked.append(problem)
            else:
                subject = Subject(item, vector, sessions[item.exchange], model)
                asked.append(Asked(subject, self._known.find(subject, horizon, origin)))
        return asked

    async def _make(self, subject: Subject, horizon: int, origin: Origin) -> Made:
        if not self._ids:
            self._ids = new_ids(_IDS_AT_ONCE)
        prediction_id = self._ids.pop()
        if known := self._known.find(subject, horizon, origin):
            return known.again(prediction_id, wall_now())
        forecast = await self._forecast(subject, horizon)
        made = Made.of(make_event(subject, horizon, forecast, Provenance(UUID(prediction_id), wall_now(), origin)))
        self._known.keep(subject, horizon, origin, made)
        return made

    async def _forecast(self, subject: Subject, horizon: int) -> Forecast | None:
        served = subject.model
        check_horizon(subject.instrument, served, horizon, self._max_days)
        if served is None:
            return None
        if served.slow:
            return await anyio.to_thread.run_sync(
                served.bundle.predict, subject.vector.values, horizon, served.intervals
            )
        return served.bundle.predict(subject.vector.values, horizon, served.intervals)

    async def _sessions_of(self, exchange: str) -> Sessions:
        if exchange not in self._sessions:
            # The first process of a machine to ask for a calendar computes it, which takes seconds.
            self._sessions[exchange] = await asyncio.to_thread(sessions_of, exchange)
        return self._sessions[exchange]


async def count(tallies: Sequence[Tally]) -> None:
    """Note acknowledged predictions in the metrics. On the event loop, as a request's task after its answer."""
    for tally in tallies:
        tally.add()
