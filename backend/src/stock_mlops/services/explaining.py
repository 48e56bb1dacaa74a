"""One prediction in full: what the model was given, and what each feature contributed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import numpy as np
from stock_kit.events import PredictionEvent

from stock_mlops.errors import NotFoundError
from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.forecasting.explanation import Explanation, explain
from stock_mlops.services.forecast_events import RANDOM_WALK
from stock_mlops.stores.catalog import Champion
from stock_mlops.stores.predictions import SettledPrediction

# Versions kept in memory for people who look at one prediction after the other.
_KEPT = 8


class StoredPredictions(Protocol):
    """``stores.predictions.Predictions``, or a list in a test."""

    def one(self, prediction_id: UUID) -> PredictionEvent | None: ...

    def settle(self, events: Sequence[PredictionEvent]) -> list[SettledPrediction]: ...


class PendingPredictions(Protocol):
    """``stores.outbox.Outbox``: predictions on their way to ClickHouse."""

    def payload(self, event_id: UUID) -> str | None: ...


@dataclass(frozen=True, slots=True)
class ExplainedPrediction:
    prediction: SettledPrediction
    features: tuple[str, ...] = ()
    """Names of the inputs, in their order; empty without a model, and when ``missing`` says so."""
    explanation: Explanation | None = None
    missing: str | None = None
    """Why there is no explanation; None when there is one."""


class Explainer:
    """Thread-safe."""

    def __init__(
        self,
        stored: StoredPredictions,
        pending: PendingPredictions,
        version_of: Callable[[str, int], Champion | None],
        load: Callable[[Champion], ForecastBundle],
    ) -> None:
        self._stored = stored
        self._pending = pending
        self._version_of = version_of
        self._load = load
        self._kept: OrderedDict[Champion, ForecastBundle] = OrderedDict()
        self._lock = threading.Lock()

    def explain(self, prediction_id: UUID) -> ExplainedPrediction:
        """
        Raises:
            NotFoundError: there is no such prediction.
            DependencyUnavailableError: PostgreSQL does not answer, or MLflow, which has the model's files.
        """
        event = self._find(prediction_id)
        (prediction,) = self._stored.settle([event])
        if event.model_name == RANDOM_WALK or event.model_version is None:
            return ExplainedPrediction(prediction, missing="the random walk forecasts the last close and has no inputs")
        if not event.inputs:
            return ExplainedPrediction(prediction, missing="its inputs were not recorded yet when it was made")
        ref = self._version_of(event.model_name, int(event.model_version))
        if ref is None:
            return ExplainedPrediction(
                prediction, missing=f"version {event.model_version} of {event.model_name} was deleted"
            )
        bundle = self._bundle(ref)
        explanation = explain(bundle, np.array(event.inputs), event.horizon)
        return ExplainedPrediction(prediction, bundle.features, explanation)

    def _find(self, prediction_id: UUID) -> PredictionEvent:
        event = self._stored.one(prediction_id)
        if event is not None:
            return event
        payload = self._pending.payload(prediction_id)
        if payload is not None:
            return PredictionEvent.model_validate_json(payload)
        event = self._stored.one(prediction_id)  # it may have gone from one to the other in between
        if event is None:
            raise NotFoundError(f"there is no prediction {prediction_id}; GET /api/predict/ lists what there is")
        return event

    def _bundle(self, ref: Champion) -> ForecastBundle:
        with self._lock:
            if ref in self._kept:
                self._kept.move_to_end(ref)
                return self._kept[ref]
        bundle = self._load(ref)
        with self._lock:
            self._kept[ref] = bundle
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return bundle
