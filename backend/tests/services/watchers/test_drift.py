from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from stock_kit.model_settings import MonitoringSettings
from stock_mlops.monitoring.drift import DriftReference
from stock_mlops.services.watchers.base import Number, Observation, Subject
from stock_mlops.services.watchers.drift import DriftWatch
from stock_mlops.stores.interval_states import StateKey

if TYPE_CHECKING:
    from backend.tests.services.watchers.conftest import Frames


class References:
    def __init__(self) -> None:
        self.known: dict[StateKey, DriftReference] = {}
        self.writes = 0

    def get(self, key: StateKey) -> DriftReference | None:
        return self.known.get(key)

    def put(self, key: StateKey, reference: DriftReference) -> None:
        self.known[key] = reference
        self.writes += 1


@pytest.fixture
def references() -> References:
    return References()


@pytest.fixture
def watch(frames: Frames, references: References, settings: MonitoringSettings) -> DriftWatch:
    return DriftWatch(frames, references, settings)


def value(seen: Observation, part: str, measure: str) -> float:
    (number,) = [item for item in seen.numbers if (item.part, item.measure) == (part, measure)]
    return number.value


def test_quiet_months_after_the_training_raise_nothing(watch: DriftWatch, subject: Subject) -> None:
    seen = watch.observe(subject)
    assert seen.conditions == ()
    assert Number("drift", "", "sessions", 0.0, 4.0) in seen.numbers


def test_every_group_of_watched_features_is_told_and_the_calendar_is_not(watch: DriftWatch, subject: Subject) -> None:
    groups = {number.part for number in watch.observe(subject).numbers if number.measure == "statistic"}
    assert groups == {"momentum", "volatility", "liquidity", "returns", "forecasts"}


def test_a_market_that_became_lively_is_told_once_per_ticker_with_what_drifted(
    loud_frames: Frames, references: References, settings: MonitoringSettings, subject: Subject
) -> None:
    seen = DriftWatch(loud_frames, references, settings).observe(subject)
    (found,) = seen.conditions
    assert (found.fingerprint, found.subject) == ("drift:US:IBM", "US:IBM")
    assert "version 3" in found.detail
    assert "volatility 2" in found.detail
    assert (found.value, found.threshold) == (5.0, 4.0)
    assert value(seen, "volatility", "features") == 2.0
    assert value(seen, "volatility", "statistic") > 1


def test_the_reference_is_computed_once_for_a_version_and_again_for_the_next(
    watch: DriftWatch, references: References, subject: Subject
) -> None:
    first = watch.observe(subject)
    again = watch.observe(subject)
    assert references.writes == 1
    assert first == again
    assert subject.served is not None
    newer = replace(subject, served=replace(subject.served, champion=replace(subject.served.champion, version=4)))
    watch.observe(newer)
    assert {key.version for key in references.known} == {3, 4}


def test_another_window_needs_another_reference(
    frames: Frames, references: References, subject: Subject, settings: MonitoringSettings
) -> None:
    DriftWatch(frames, references, settings).observe(subject)
    DriftWatch(frames, references, settings.model_copy(update={"window": 20})).observe(subject)
    assert references.writes == 2
    assert next(iter(references.known.values())).window == 20


def test_a_session_without_a_value_is_left_out(watch: DriftWatch, frames: Frames, subject: Subject) -> None:
    day = frames.stored["session"][-3]
    frames.stored = frames.stored.with_columns(gap=pl.when(pl.col("session") == day).then(None).otherwise("gap"))
    assert np.isfinite(value(watch.observe(subject), "momentum", "statistic"))


def test_without_a_model_there_is_nothing_to_drift_from(watch: DriftWatch, unserved: Subject) -> None:
    assert watch.observe(unserved) == Observation()
