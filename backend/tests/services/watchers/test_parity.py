from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from stock_kit.model_settings import MonitoringSettings
from stock_mlops.features import FEATURE_VERSION
from stock_mlops.instruments import Instrument
from stock_mlops.services.watchers.base import Number, Observation, Subject
from stock_mlops.services.watchers.parity import ParityWatch
from stock_mlops.stores.served_vectors import ServedVector

if TYPE_CHECKING:
    from backend.tests.services.watchers.conftest import Frames

FEATURES = ("return_1", "gap", "rsi_14", "volatility_20", "range_1", "volume_zscore_20", "weekday_sin")


class Vectors:
    """What was served: the stored features of the newest sessions, unless a test changes them."""

    def __init__(self, frames: Frames) -> None:
        newest = frames.stored.tail(5)
        self.served = [
            ServedVector(day, "7", FEATURE_VERSION, tuple(values), 10)
            for day, values in zip(newest["session"], newest.select(FEATURES).rows(), strict=True)
        ]
        self.asked: tuple[str, int, date, float] | None = None

    def sample(
        self, instrument: Instrument, model: str, version: int, since: date, share: float
    ) -> Sequence[ServedVector]:
        self.asked = (model, version, since, share)
        return self.served

    def change(self, row: int, position: int, by: float, **values: str) -> None:
        was = self.served[row]
        inputs = list(was.inputs)
        inputs[position] += by
        self.served[row] = ServedVector(
            was.as_of, values.get("data_version", "7"), values.get("feature_version", FEATURE_VERSION), tuple(inputs), 1
        )


@pytest.fixture
def vectors(frames: Frames) -> Vectors:
    return Vectors(frames)


@pytest.fixture
def watch(frames: Frames, vectors: Vectors, settings: MonitoringSettings) -> ParityWatch:
    return ParityWatch(frames, vectors, settings)


def measured(seen: Observation) -> float:
    (number,) = [number for number in seen.numbers if number.measure == "difference"]
    return number.value


def test_features_computed_again_are_those_that_were_stored_and_served(
    watch: ParityWatch, vectors: Vectors, subject: Subject
) -> None:
    seen = watch.observe(subject)
    assert measured(seen) < 1e-12
    assert seen.conditions == []
    assert Number("parity", "", "vectors", 50.0) in seen.numbers
    assert vectors.asked is not None
    assert vectors.asked[:2] == ("stock-US-IBM", 3)


def test_a_served_vector_that_differs_is_told_with_feature_and_session(
    watch: ParityWatch, vectors: Vectors, subject: Subject
) -> None:
    vectors.change(2, 3, 1e-8)
    (found,) = watch.observe(subject).conditions
    assert found.fingerprint == "parity:US:IBM"
    assert f"volatility_20 of {vectors.served[2].as_of}" in found.detail
    assert found.value == pytest.approx(1e-8, rel=1e-6)


def test_rounding_is_not_told(watch: ParityWatch, vectors: Vectors, subject: Subject) -> None:
    vectors.change(2, 3, 5e-10)
    assert watch.observe(subject).conditions == []


@pytest.mark.parametrize("values", [{"data_version": "6"}, {"feature_version": "0-older"}])
def test_vectors_of_prices_or_definitions_that_changed_since_are_left_out(
    watch: ParityWatch, vectors: Vectors, subject: Subject, values: dict[str, str]
) -> None:
    vectors.change(4, 0, 1.0, **values)
    seen = watch.observe(subject)
    assert seen.conditions == []
    assert Number("parity", "", "vectors", 40.0) in seen.numbers


def test_a_pipeline_that_is_late_by_a_session_is_told_as_such(
    watch: ParityWatch, frames: Frames, vectors: Vectors, subject: Subject
) -> None:
    vectors.served = []
    late = frames.stored.with_columns(pl.col(name).shift(1) for name in FEATURES)
    newest = frames.stored["session"][-1]
    frames.stored = pl.concat([frames.stored.head(-1), late.filter(pl.col("session") == newest)])
    seen = watch.observe(subject)
    assert {found.fingerprint for found in seen.conditions} == {
        "quality:shifted_features:US:IBM",
        "parity:US:IBM",
    }
    assert Number("quality", "shifted_features", "findings", 1.0, 0.0) in seen.numbers


def test_features_that_are_not_written_yet_or_of_older_definitions_are_not_compared(
    watch: ParityWatch, frames: Frames, vectors: Vectors, subject: Subject
) -> None:
    vectors.served = []
    frames.stored = frames.stored.head(-1).with_columns(feature_version=pl.lit("0-older"))
    seen = watch.observe(subject)
    assert seen.conditions == []
    assert [number.measure for number in seen.numbers] == ["findings", "vectors"]


def test_a_ticker_without_a_model_has_its_stored_features_compared(
    clean: pl.DataFrame, frames: Frames, unserved: Subject, settings: MonitoringSettings
) -> None:
    from stock_mlops.features import compute_features, default_features

    frames.stored = compute_features(clean, default_features()).with_columns(
        version=pl.lit(7, dtype=pl.UInt64), feature_version=pl.lit(FEATURE_VERSION)
    )
    seen = ParityWatch(frames, Vectors.__new__(Vectors), settings).observe(unserved)
    assert seen.conditions == []
    assert np.isfinite(measured(seen))
