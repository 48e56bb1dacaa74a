"""A forecast that does not belong among the instrument's recent ones."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import date
from statistics import median
from typing import ClassVar

from stock_kit.events import AlertEvent, MetricsEvent, PredictionEvent, Severity

from ws_monitor.detectors.base import alert_id

# Scales the median absolute deviation to the standard deviation of a normal distribution.
_MAD_TO_SIGMA = 1.4826
_MAX_SERIES = 5_000

_Series = OrderedDict[date, float]


class ForecastOutlier:
    """Robust z-score (median and median absolute deviation; Iglewicz and Hoaglin 1993) of the predicted log return per
    session, against the instrument's forecasts of the last ``window`` sessions.

    One value counts per session that a forecast starts from, so that asking a hundred times for the same forecast does
    not shrink the spread. A new model version starts a new series: its forecasts may well lie elsewhere.
    """

    name: ClassVar[str] = "forecast_outlier"

    def __init__(
        self, *, window: int = 60, at_least: int = 20, threshold: float = 6.0, smallest_sigma: float = 0.002
    ) -> None:
        self._window = window
        self._at_least = at_least
        self._threshold = threshold
        # Below 0.2 % a day a spread says more about a smooth model than about what is unusual for a price.
        self._smallest_sigma = smallest_sigma
        self._series: OrderedDict[tuple[str, int, str, str | None], _Series] = OrderedDict()

    def on_metrics(self, event: MetricsEvent) -> Iterable[AlertEvent]:  # noqa: ARG002  the protocol's
        return ()

    def on_prediction(self, event: PredictionEvent) -> Iterable[AlertEvent]:
        series = self._series_of(event)
        value = event.predicted_return / event.horizon
        known = event.as_of in series
        score = self._score([other for day, other in series.items() if day != event.as_of], value)
        series[event.as_of] = value
        if len(series) > self._window:
            series.popitem(last=False)
        if known or score is None or abs(score) <= self._threshold:
            return ()
        return (self._alert(event, score),)

    def _series_of(self, event: PredictionEvent) -> _Series:
        key = (event.key, event.horizon, event.model_name, event.model_version)
        series = self._series.setdefault(key, OrderedDict())
        self._series.move_to_end(key)
        if len(self._series) > _MAX_SERIES:
            self._series.popitem(last=False)
        return series

    def _score(self, others: list[float], value: float) -> float | None:
        if len(others) < self._at_least:
            return None
        middle = median(others)
        sigma = _MAD_TO_SIGMA * median([abs(other - middle) for other in others])
        return (value - middle) / max(sigma, self._smallest_sigma)

    def _alert(self, event: PredictionEvent, score: float) -> AlertEvent:
        fingerprint = f"{self.name}:{event.key}:{event.horizon}"
        move = event.predicted_close / event.last_close - 1
        return AlertEvent(
            alert_id=alert_id(fingerprint, event.made_at),
            fingerprint=fingerprint,
            severity=Severity.WARNING,
            detector=self.name,
            title=f"Unusual forecast for {event.key}",
            detail=(
                f"{event.model_name} version {event.model_version or '-'} forecasts {move:+.2%} by"
                f" {event.target_session}: {abs(score):.1f} robust standard deviations from its recent forecasts."
            ),
            raised_at=event.made_at,
            exchange=event.exchange,
            ticker=event.ticker,
            value=score,
            threshold=self._threshold,
        )
