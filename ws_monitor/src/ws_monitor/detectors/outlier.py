"""A forecast that does not belong among the instrument's recent ones."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import ClassVar

from stock_kit.events import MetricsEvent, PredictionEvent, Severity, SignalEvent

from ws_monitor.detectors.robust import robust_score

_MAX_SERIES = 5_000
# The next session's forecast says whether it was one; sessions are at most a long weekend apart.
_LASTS = timedelta(days=7)

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

    def on_metrics(self, event: MetricsEvent) -> Iterable[SignalEvent]:  # noqa: ARG002  the protocol's
        return ()

    def forget(self) -> None:
        """A few forecasts that went elsewhere leave the others as good a measure as before."""

    def on_prediction(self, event: PredictionEvent) -> Iterable[SignalEvent]:
        series = self._series_of(event)
        value = event.predicted_return / event.horizon
        # The same forecast asked for again is no other judgement; another one for the same session is: its
        # features were loaded again.
        if series.get(event.as_of) == value:
            return ()
        score = self._score([other for day, other in series.items() if day != event.as_of], value)
        series[event.as_of] = value
        if len(series) > self._window:
            series.popitem(last=False)
        return () if score is None else (self._signal(event, score),)

    def _series_of(self, event: PredictionEvent) -> _Series:
        key = (event.key, event.horizon, event.model_name, event.model_version)
        series = self._series.setdefault(key, OrderedDict())
        self._series.move_to_end(key)
        if len(self._series) > _MAX_SERIES:
            self._series.popitem(last=False)
        return series

    def _score(self, others: list[float], value: float) -> float | None:
        return None if len(others) < self._at_least else robust_score(others, value, self._smallest_sigma)

    def _signal(self, event: PredictionEvent, score: float) -> SignalEvent:
        move = event.predicted_close / event.last_close - 1
        return SignalEvent(
            detector=self.name,
            fingerprint=f"{self.name}:{event.key}:{event.horizon}",
            subject=event.key,
            holds=abs(score) > self._threshold,
            severity=Severity.WARNING,
            title=f"Unusual forecast for {event.key}",
            detail=(
                f"{event.model_name} version {event.model_version or '-'} forecasts {move:+.2%} by"
                f" {event.target_session}: {abs(score):.1f} robust standard deviations from its recent forecasts."
            ),
            seen_at=event.made_at,
            lasts_seconds=_LASTS.total_seconds(),
            exchange=event.exchange,
            ticker=event.ticker,
            value=score,
            threshold=self._threshold,
        )
