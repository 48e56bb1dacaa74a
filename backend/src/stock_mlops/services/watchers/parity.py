"""Whether features are what their definitions make of the prices: those in the warehouse, and those that models were
given; see ``monitoring.parity``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from stock_kit.events import Severity
from stock_kit.model_settings import MonitoringSettings

from stock_mlops.features import FEATURE_VERSION, compute_features, default_features, max_lookback
from stock_mlops.monitoring.parity import TOLERANCE, Difference, difference, shifted
from stock_mlops.monitoring.quality import Check, Finding
from stock_mlops.services.watchers.base import History, Number, Observation, Served, Subject, condition
from stock_mlops.services.watchers.quality import observed
from stock_mlops.stores.served_vectors import ServedVector

if TYPE_CHECKING:
    from datetime import date

    from stock_mlops.forecasting.estimators.base import Floats
    from stock_mlops.instruments import Instrument
    from stock_mlops.services.alerting import Condition

# Stands for a value that is missing on one side: no infinity travels as JSON.
_LARGEST = 1e12


class Vectors(Protocol):
    """``stores.served_vectors.ServedVectors``, or a list in a test."""

    def sample(
        self, instrument: Instrument, model: str, version: int, since: date, share: float
    ) -> Sequence[ServedVector]: ...


class ParityWatch:
    detector = "feature_parity"

    def __init__(self, history: History, vectors: Vectors, settings: MonitoringSettings) -> None:
        self._history = history
        self._vectors = vectors
        self._settings = settings

    def observe(self, subject: Subject) -> Observation:
        names = tuple(subject.served.bundle.features) if subject.served else default_features()
        computed = self._compute(subject, names)
        stored = self._stored(subject.instrument, names, computed)
        late = [computed.sessions[row] for row in shifted(stored, computed.values)]
        differences = [
            difference(day, names, was, again)
            for day, was, again in zip(computed.sessions, stored, computed.values, strict=True)
            if np.isfinite(was).any()
        ]
        vectors = self._live(subject.instrument, subject.served, computed) if subject.served else []
        differences += [
            difference(vector.as_of, names, np.array(vector.inputs), computed.of(vector.as_of)) for vector in vectors
        ]
        found = observed(
            subject, [Finding(Check.SHIFTED_FEATURES, day, _SHIFTED) for day in late], [Check.SHIFTED_FEATURES]
        )
        worst = max(differences, key=lambda item: item.largest, default=None)
        return Observation(
            [*found.numbers, *_numbers(worst, vectors)], [*found.conditions, *_conditions(subject, worst)]
        )

    def _compute(self, subject: Subject, names: Sequence[str]) -> _Computed:
        """The features of the newest sessions, from the warehouse's prices."""
        sessions, judged = subject.instrument.sessions, self._settings.judged_sessions
        # Twice the warm-up: where an average of averages begins must not show in the last digits.
        start = sessions.previous(subject.last_session, judged + 2 * max_lookback())
        prices = self._history.prices(subject.instrument, start, subject.last_session)
        computed = compute_features(prices.drop("version"), names).tail(judged)
        versions = prices.select("session", "version").tail(judged)
        return _Computed(
            computed["session"].to_list(), computed.select(names).to_numpy(), versions["version"].to_list()
        )

    def _stored(self, instrument: Instrument, names: Sequence[str], computed: _Computed) -> Floats:
        """What the warehouse holds of these sessions (sessions, features); NaN where it is of other definitions."""
        import polars as pl

        frame = self._history.features(instrument, names, computed.sessions[0], computed.sessions[-1])
        current = frame.filter(pl.col("feature_version") == FEATURE_VERSION)
        wanted = pl.DataFrame({"session": computed.sessions}, schema={"session": pl.Date})
        return wanted.join(current, on="session", how="left", maintain_order="left").select(names).to_numpy()

    def _live(self, instrument: Instrument, served: Served, computed: _Computed) -> list[ServedVector]:
        """What the model was given, as far as the prices of then are those of now."""
        sample = self._vectors.sample(
            instrument,
            served.champion.registered_name,
            served.champion.version,
            computed.sessions[0],
            self._settings.parity_share,
        )
        return [
            vector
            for vector in sample
            if vector.feature_version == FEATURE_VERSION and computed.is_of(vector.as_of, vector.data_version)
        ]


_SHIFTED = "its features are those of the session before"


@dataclass(frozen=True, slots=True)
class _Computed:
    sessions: Sequence[date]
    values: Floats
    """(sessions, features); NaN where a window is not full."""
    versions: Sequence[int]
    """Of the prices that they were computed from."""

    def of(self, day: date) -> Floats:
        row: Floats = self.values[self.sessions.index(day)]
        return row

    def is_of(self, day: date, data_version: str) -> bool:
        return day in self.sessions and str(self.versions[self.sessions.index(day)]) == data_version


def _numbers(worst: Difference | None, vectors: Sequence[ServedVector]) -> list[Number]:
    looked_at = float(sum(vector.predictions for vector in vectors))
    numbers = [Number("parity", "", "vectors", looked_at)]
    if worst is not None:
        numbers.append(Number("parity", "", "difference", min(worst.largest, _LARGEST), TOLERANCE))
    return numbers


def _conditions(subject: Subject, worst: Difference | None) -> list[Condition]:
    if worst is None or worst.largest <= TOLERANCE:
        return []
    return [
        condition(
            subject,
            "parity",
            Severity.CRITICAL,
            "features are not what their definitions make of the prices",
            f"{worst.feature} of {worst.session}, computed again from the warehouse's prices, differs by"
            f" {worst.largest:.3g} (relative to its size, if that is above 1) from what is stored or was served;"
            f" {TOLERANCE:g} is allowed. Load the prices again in full (stock-mlops etl --full), and look for what"
            " wrote the features.",
            min(worst.largest, _LARGEST),
            TOLERANCE,
        )
    ]
