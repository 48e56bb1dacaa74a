"""A simulation's forecasts: the real :class:`stock_mlops.services.prediction.Predictor` over sources that change only
between two sessions, so that the same day gives the same forecasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from uuid import UUID, uuid5

from stock_kit.events import PredictionEvent

from stock_mlops.forecasting.adaptation import AdaptiveState
from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.instruments import Instrument
from stock_mlops.services.serving import ServedModel
from stock_mlops.stores.catalog import Catalog, Champion
from stock_mlops.stores.interval_states import IntervalStates, StateKey
from stock_mlops.stores.outbox import OutboxRow
from stock_mlops.stores.simulated_predictions import SimulatedPredictions
from stock_mlops.stores.warehouse import FeatureVector, Warehouse


class SessionVectors:
    """``services.prediction.VectorSource``: those of a session, read at once; none of what was not traded then."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._vectors: Mapping[Instrument, FeatureVector] = {}

    def begin(self, instruments: Sequence[Instrument], session: date) -> None:
        self._vectors = self._warehouse.session_vectors(instruments, session)

    async def newest(self, instrument: Instrument) -> FeatureVector | None:
        return self._vectors.get(instrument)

    async def newest_many(self, instruments: Sequence[Instrument]) -> list[FeatureVector | None]:
        return [self._vectors.get(instrument) for instrument in instruments]


class SessionModels:
    """``services.prediction.ModelSource``: what the catalog says when it is refreshed, and nothing newer."""

    def __init__(
        self, catalog: Catalog, load: Callable[[Champion], ForecastBundle], states: IntervalStates, expiry_sessions: int
    ) -> None:
        self._catalog = catalog
        self._load = load
        self._read_states = states
        self._expiry = expiry_sessions
        self._champions: Mapping[str, Champion] = {}
        self._states: Mapping[StateKey, AdaptiveState] = {}

    def refresh(self) -> None:
        self._champions = {ref.registered_name: ref for ref in self._catalog.champions()}
        versions = [(ref.registered_name, ref.version) for ref in self._champions.values()]
        self._states = self._read_states.of_versions(versions)

    async def model_for(self, instrument: Instrument) -> ServedModel | None:
        ref = self._champions.get(instrument.registered_model)
        if ref is None:
            return None
        state = self._states.get(StateKey(ref.registered_name, ref.version, instrument))
        return ServedModel.of(ref, self._load(ref), self._expiry).adapted(state)

    async def models_for(self, instruments: Sequence[Instrument]) -> list[ServedModel | None]:
        return [await self.model_for(instrument) for instrument in instruments]


class SessionRecord:
    """``services.prediction.Record``: keeps a session's forecasts, under ids and at a time that follow from it."""

    def __init__(self, table: SimulatedPredictions, simulation_id: UUID) -> None:
        self._table = table
        self._simulation_id = simulation_id
        self._made_at = datetime.min.replace(tzinfo=UTC)
        self.kept = 0

    def begin(self, made_at: datetime) -> None:
        """Forecasts are made at this time from now on."""
        self._made_at, self.kept = made_at, 0

    async def append(self, *rows: OutboxRow) -> None:
        events = [self._named(PredictionEvent.model_validate_json(row.payload)) for row in rows]
        self._table.add(events)
        self.kept += len(events)

    def _named(self, event: PredictionEvent) -> PredictionEvent:
        identity = uuid5(self._simulation_id, f"{event.key} {event.as_of} {event.horizon}")
        return event.model_copy(update={"prediction_id": identity, "made_at": self._made_at})
