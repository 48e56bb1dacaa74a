"""From a forecast to the event that is recorded, sent and answered; shared by the API and the long predictions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal, NamedTuple
from uuid import UUID

from prometheus_client import Counter, Gauge
from stock_kit.events import PredictionEvent, Topic

from stock_mlops.errors import HorizonError, NoDataError, UnusableVectorError
from stock_mlops.forecasting.bundle import Forecast
from stock_mlops.forecasting.intervals import LEVEL, LEVELS
from stock_mlops.instruments import Instrument, Sessions
from stock_mlops.services.serving import ServedModel
from stock_mlops.services.serving_metrics import PREDICTED_RETURN, PREDICTIONS
from stock_mlops.stores.outbox import OutboxRow
from stock_mlops.stores.warehouse import FeatureVector

RANDOM_WALK = "random_walk"
_SHOWN = LEVELS.index(LEVEL)

Origin = Literal["api", "job", "replay"]


class Subject(NamedTuple):
    """What a forecast starts from."""

    instrument: Instrument
    vector: FeatureVector
    sessions: Sessions
    model: ServedModel | None
    """None: no trained model serves the instrument, the random walk does."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which prediction it is, who asked, and when."""

    prediction_id: UUID
    made_at: datetime
    origin: Origin
    job_id: UUID | None = None


def make_event(subject: Subject, horizon: int, forecast: Forecast | None, provenance: Provenance) -> PredictionEvent:
    """The event of one forecast; without one it is the random walk's, whose best guess is the last close.

    Raises:
        UnusableVectorError: the last close or the forecast is not a finite number.
    """
    instrument, vector, model = subject.instrument, subject.vector, subject.model
    close, predicted = vector.last_close, 0.0 if forecast is None else forecast.predicted_return
    lowers, uppers = interval_ends(close, forecast)
    predicted_close = _price(close, predicted)
    if predicted_close is None:
        raise UnusableVectorError(
            f"{instrument.key}: expected a finite forecast from a positive close, got a log return of {predicted!r}"
            f" from a close of {close!r} in {vector.session}; load its prices again (stock-mlops etl) and train again"
        )
    return PredictionEvent(
        prediction_id=provenance.prediction_id,
        exchange=instrument.exchange,
        ticker=instrument.ticker,
        made_at=provenance.made_at,
        as_of=vector.session,
        target_session=subject.sessions.next(vector.session, horizon),
        horizon=horizon,
        last_close=close,
        predicted_return=predicted,
        predicted_close=predicted_close,
        lower=lowers[_SHOWN] if lowers else None,
        upper=uppers[_SHOWN] if uppers else None,
        level=LEVEL if lowers else None,
        levels=LEVELS if lowers else (),
        lowers=lowers,
        uppers=uppers,
        adapted_through=None if model is None else model.adapted_through,
        probability_up=None if forecast is None else forecast.probability_up,
        model_name=RANDOM_WALK if model is None else model.ref.registered_name,
        model_version=None if model is None else str(model.ref.version),
        model_type=RANDOM_WALK if model is None else model.bundle.model_type,
        run_id=None if model is None else model.ref.run_id,
        fallback=model is None,
        feature_version=vector.feature_version,
        data_version=vector.data_version,
        inputs=() if forecast is None else tuple(forecast.inputs),
        stale=model is not None and model.is_stale(vector.session),
        out_of_range=() if forecast is None else tuple(forecast.out_of_range),
        origin=provenance.origin,
        job_id=provenance.job_id,
    )


def interval_ends(close: float, forecast: Forecast | None) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Lower and upper ends of the intervals at each level; empty without a forecast, or when one is no price."""
    if forecast is None:
        return (), ()
    predicted, halves = forecast.predicted_return, forecast.half_widths
    try:
        lowers = tuple([close * math.exp(predicted - half) for half in halves])
        uppers = tuple([close * math.exp(predicted + half) for half in halves])
    except (OverflowError, TypeError):
        return (), ()
    if all(0 < price < math.inf for price in (*lowers, *uppers)):
        return lowers, uppers
    return (), ()


def outbox_row(event: PredictionEvent) -> OutboxRow:
    return OutboxRow(str(event.prediction_id), Topic.PREDICTIONS, event.key, event.model_dump_json())


class Tally(NamedTuple):
    """Where an instrument's predictions are counted, and what the newest of them says."""

    predictions: Counter
    predicted_return: Gauge
    value: float

    @classmethod
    def of(cls, event: PredictionEvent) -> Tally:
        series = _series(event.exchange, event.ticker, event.model_version or RANDOM_WALK, event.origin)
        return cls(*series, event.predicted_return)

    def add(self) -> None:
        """Note an acknowledged prediction in the metrics."""
        self.predictions.inc()
        self.predicted_return.set(self.value)


# labels() takes a lock and formats its values each time; the ones in use are few.
@lru_cache(maxsize=4096)
def _series(exchange: str, ticker: str, model_version: str, origin: str) -> tuple[Counter, Gauge]:
    return PREDICTIONS.labels(exchange, ticker, model_version, origin), PREDICTED_RETURN.labels(exchange, ticker)


def no_data(instrument: Instrument) -> NoDataError:
    return NoDataError(
        f"the warehouse has no prices of {instrument.key}; load them with: stock-mlops etl --source yfinance --ticker"
        f" {instrument.ticker} --exchange {instrument.exchange}"
    )


def check_horizon(instrument: Instrument, model: ServedModel | None, horizon: int, longest: int) -> None:
    """Raises :class:`HorizonError` beyond what the model was trained for, or without one beyond ``longest``."""
    if model is not None and horizon > model.bundle.horizon:
        raise HorizonError(
            f"expected a horizon from 1 to {model.bundle.horizon} sessions, which version {model.ref.version} of"
            f" {model.ref.registered_name} was trained for, got {horizon}; train a model with a longer horizon",
            model.bundle.horizon,
        )
    if horizon > longest:
        detail = f"expected a horizon from 1 to {longest} sessions for {instrument.key}, got {horizon}"
        raise HorizonError(detail, longest)


def _price(close: float, log_return: float) -> float | None:
    """The price after a return; None when it is no positive finite number."""
    try:
        price = close * math.exp(log_return)
    except (OverflowError, TypeError):
        return None
    return price if math.isfinite(price) and price > 0 else None
