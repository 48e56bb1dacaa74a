from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from stock_kit.events import Severity
from stock_kit.model_settings import MonitoringSettings
from stock_mlops.services.watchers.base import Number, Subject
from stock_mlops.services.watchers.quality import QualityWatch

if TYPE_CHECKING:
    from backend.tests.services.watchers.conftest import Frames


@pytest.fixture
def watch(frames: Frames, settings: MonitoringSettings) -> QualityWatch:
    return QualityWatch(frames, settings)


def test_good_prices_have_no_findings_of_any_kind(watch: QualityWatch, subject: Subject) -> None:
    seen = watch.observe(subject)
    assert seen.conditions == []
    assert {number.part: number.value for number in seen.numbers} == dict.fromkeys(
        ("missing_session", "repeated_bar", "zero_volume", "outlier", "missing_feature"), 0.0
    )


def test_a_feed_that_repeats_yesterday_is_told_at_its_first_session(
    watch: QualityWatch, frames: Frames, subject: Subject
) -> None:
    newest = frames.clean["session"][-1]
    frames.clean = pl.concat([frames.clean.head(-1), frames.clean[-2].with_columns(session=pl.lit(newest))])
    (found,) = watch.observe(subject).conditions
    assert (found.fingerprint, found.severity) == ("quality:repeated_bar:US:IBM", Severity.WARNING)
    assert str(newest) in found.detail


def test_sessions_that_are_missing_are_named_and_counted(watch: QualityWatch, frames: Frames, subject: Subject) -> None:
    gone = frames.clean["session"].to_list()[-9:-2]
    frames.clean = frames.clean.filter(~pl.col("session").is_in(gone))
    seen = watch.observe(subject)
    (found,) = seen.conditions
    assert found.value == 7.0
    assert found.detail.endswith("and 2 more")
    assert Number("quality", "missing_session", "findings", 7.0, 0.0) in seen.numbers


def test_features_of_the_model_that_are_not_known_are_named(
    watch: QualityWatch, frames: Frames, subject: Subject, unserved: Subject
) -> None:
    frames.stored = frames.stored.with_columns(gap=pl.lit(None, dtype=pl.Float64))
    (found,) = watch.observe(subject).conditions
    assert found.fingerprint == "quality:missing_feature:US:IBM"
    assert "gap" in found.detail


def test_what_the_market_did_is_news_and_no_fault(watch: QualityWatch, frames: Frames, subject: Subject) -> None:
    newest = frames.clean["session"][-1]
    frames.clean = frames.clean.with_columns(volume=pl.when(pl.col("session") == newest).then(0.0).otherwise("volume"))
    (found,) = watch.observe(subject).conditions
    assert found.severity is Severity.INFO
