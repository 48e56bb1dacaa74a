"""Shadow forecasts as a use case: what two versions say of the same sessions, recorded and not served.

They are made from the warehouse's features of each session, with the intervals that outcomes known by then had adapted;
so they are the same whenever they are computed, and nothing later than a session is in its forecast.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import numpy as np
from stock_kit.clock import wall_now

from stock_mlops.forecasting.adaptation import AdaptiveState, adapt
from stock_mlops.forecasting.contenders import Pair
from stock_mlops.forecasting.intervals import LEVEL
from stock_mlops.retraining.evidence import Shadowed
from stock_mlops.services.adaptation import Outcomes, outcome_errors
from stock_mlops.stores.shadow_predictions import SettledShadow, ShadowPrediction

if TYPE_CHECKING:
    import polars as pl

    from stock_mlops.forecasting.bundle import ForecastBundle
    from stock_mlops.forecasting.estimators.base import Floats
    from stock_mlops.instruments import Instrument
    from stock_mlops.stores.catalog import Champion


class ShadowTable(Protocol):
    """``stores.shadow_predictions.ShadowPredictions``, or a list in a test."""

    def add(self, rows: Sequence[ShadowPrediction]) -> None: ...

    def newest(self, retraining_id: UUID) -> dict[tuple[str, int], date]: ...

    def settled(self, retraining_id: UUID, since: date, until: date) -> Sequence[SettledShadow]: ...


@dataclass(frozen=True, slots=True)
class ShadowForecast:
    session: date
    horizon: int
    predicted_return: float
    half_width: float
    """At ``intervals.LEVEL``."""


def shadow_forecasts(
    bundle: ForecastBundle, instrument: Instrument, frame: pl.DataFrame, since: date
) -> Iterator[ShadowForecast]:
    """What a version would have said at the close of each session from ``since`` on, at every horizon.

    Args:
        frame: session, adjusted close and the bundle's features, by session, from the end of its training (or
            ``since``, when that is earlier) less the longest horizon.
    """
    x = frame.select(bundle.features).cast(dict.fromkeys(bundle.features, float)).to_numpy()
    usable = np.isfinite(x).all(axis=1)
    forecasts = np.full((len(x), bundle.horizon), np.nan)
    if usable.any():
        forecasts[usable] = bundle.predict_rows(x[usable])
    widths = dict(_scales(bundle, instrument, frame))
    for row, session in enumerate(frame["session"].to_list()):
        if session < since or not usable[row]:
            continue
        scales = widths.get(session)
        intervals = bundle.intervals if scales is None else bundle.intervals.scaled(scales)
        for horizon in range(1, bundle.horizon + 1):
            predicted = float(forecasts[row, horizon - 1])
            yield ShadowForecast(session, horizon, predicted, intervals.half_width(horizon, LEVEL))


def _scales(bundle: ForecastBundle, instrument: Instrument, frame: pl.DataFrame) -> Iterator[tuple[date, Floats]]:
    """How far the intervals were adapted at the close of each session after the training."""
    until = bundle.info.trained_until
    if frame.is_empty() or frame["session"][-1] <= until:
        return
    errors = outcome_errors(bundle, instrument, frame, until)
    days = instrument.sessions.array(frame["session"][0], frame["session"][-1])
    first = int(np.searchsorted(days, np.datetime64(until), side="right"))
    state = AdaptiveState.start(bundle.horizon)
    for position in range(first, len(days)):
        # The errors of a horizon begin with the first target that a forecast of the frame could have.
        known = []
        for horizon, values in enumerate(errors, start=1):
            begins = max(first, horizon)
            known.append(values[max(position - begins, 0) : max(position - begins + 1, 0)])
        day = days[position].astype(date)
        state = adapt(state, bundle.intervals, known, day)
        yield day, state.scales


class Shadowing:
    def __init__(
        self,
        outcomes: Outcomes,
        load: Callable[[Champion], ForecastBundle],
        table: ShadowTable,
        now: Callable[[], datetime] = wall_now,
    ) -> None:
        self._outcomes = outcomes
        self._load = load
        self._table = table
        self._now = now

    def record(
        self,
        retraining_id: UUID,
        versions: Iterable[Champion],
        instruments: Sequence[Instrument],
        since: date,
        until: date,
    ) -> int:
        """Record what is not recorded yet of the sessions ``since`` to ``until``; returns how many forecasts.

        Raises:
            what the stores raise when a server does not answer, and the models' files when they cannot be read.
        """
        known = self._table.newest(retraining_id)
        recorded = 0
        for version in versions:
            for instrument in instruments:
                last = known.get((instrument.ticker, version.version))
                start = since if last is None else max(since, instrument.sessions.next(last))
                if start > until:
                    continue
                rows = self._rows(retraining_id, version, instrument, start, until)
                self._table.add(rows)
                recorded += len(rows)
        return recorded

    def settled(self, retraining_id: UUID, since: date, until: date) -> Sequence[SettledShadow]:
        """Forecasts made at ``since`` or later whose outcome is known at the close of ``until``."""
        return self._table.settled(retraining_id, since, until)

    def _rows(
        self,
        retraining_id: UUID,
        version: Champion,
        instrument: Instrument,
        since: date,
        until: date,
    ) -> list[ShadowPrediction]:
        bundle, sessions = self._load(version), instrument.sessions
        start = sessions.previous(min(bundle.info.trained_until, since), bundle.horizon)
        frame = self._outcomes.training_frame(instrument, bundle.features, start, until).frame
        at = self._now()
        return [
            ShadowPrediction(
                retraining_id=retraining_id,
                exchange=instrument.exchange,
                ticker=instrument.ticker,
                session=forecast.session,
                target_session=sessions.next(forecast.session, forecast.horizon),
                horizon=forecast.horizon,
                model_name=version.registered_name,
                model_version=version.version,
                predicted_return=forecast.predicted_return,
                half_width=forecast.half_width,
                level=LEVEL,
                recorded_at=at,
            )
            for forecast in shadow_forecasts(bundle, instrument, frame, since)
        ]


def paired(rows: Iterable[SettledShadow], versions: tuple[int, int], until: date) -> list[Shadowed]:
    """What two versions forecast of the same sessions, by horizon, as far as it is known at the close of ``until``.

    Args:
        versions: the challenger and the champion.
    """
    challenger, champion = versions
    both: dict[int, dict[tuple[date, str], dict[int, SettledShadow]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        if row.target_session > until:
            continue
        both[row.horizon][row.session, row.ticker][row.model_version] = row
    found = []
    for horizon, by_session in sorted(both.items()):
        # A session counts when both have forecast it.
        told = [
            (key[0], of[challenger], of[champion])
            for key, of in sorted(by_session.items())
            if challenger in of and champion in of
        ]
        if told:
            found.append(_shadowed(horizon, told))
    return found


def _shadowed(horizon: int, told: Sequence[tuple[date, SettledShadow, SettledShadow]]) -> Shadowed:
    y = np.array([mine.actual_return for _, mine, _ in told])
    mine = np.array([mine.predicted_return for _, mine, _ in told])
    theirs = np.array([theirs.predicted_return for _, _, theirs in told])
    _, t = np.unique([np.datetime64(session) for session, _, _ in told], return_inverse=True)
    widths = np.array([mine.half_width for _, mine, _ in told])
    return Shadowed(Pair(horizon, y, mine, theirs, t.astype(np.intp)), np.abs(y - mine) <= widths)
