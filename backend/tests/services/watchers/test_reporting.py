"""Beside the watchers' tests, whose share and model it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest
from stock_mlops.forecasting.estimators.base import Floats
from stock_mlops.instruments import Instrument
from stock_mlops.monitoring.columns import RETURN_COLUMNS
from stock_mlops.services.report_page import usual_distance
from stock_mlops.services.reporting import Reporting, Written
from stock_mlops.services.watchers.base import Served, Subject

if TYPE_CHECKING:
    from backend.tests.services.watchers.conftest import Frames

NOW = datetime(2026, 11, 22, 5, tzinfo=UTC)
IBM = Instrument("US", "IBM")


class Office:
    """Renders by telling what it was given, and keeps the pages."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.rendered: list[tuple[Sequence[str], Floats, Floats]] = []

    def render(self, columns: Sequence[str], reference: Floats, current: Floats) -> bytes:
        self.rendered.append((columns, reference, current))
        return b"page"

    def put(self, instrument: Instrument, model_version: int, written_at: datetime, page: bytes) -> str:
        name = f"{instrument.key} v{model_version} {written_at:%H:%M}"
        self.pages[name] = page
        return name


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def write(frames: Frames, office: Office) -> Callable[[Served | None], Written]:
    def one(served: Served | None) -> Written:
        reporting = Reporting(frames, lambda _: served, office, office.render, lambda: NOW)
        (written,) = reporting.write([IBM])
        return written

    return one


def test_the_newest_quarter_after_the_training_is_compared_with_the_training(
    write: Callable[[Served | None], Written], office: Office, subject: Subject
) -> None:
    written = write(subject.served)
    assert written == Written(IBM, "US:IBM v3 05:00")
    ((columns, reference, current),) = office.rendered
    assert tuple(columns[-3:]) == RETURN_COLUMNS
    assert "weekday_sin" not in columns
    assert len(current) == 63
    assert len(reference) > 2000
    assert np.isfinite(reference).all()
    assert np.isfinite(current).all()


def test_without_a_model_or_sessions_since_its_training_there_is_no_report_but_a_reason(
    write: Callable[[Served | None], Written], office: Office, subject: Subject
) -> None:
    assert write(None) == Written(IBM, None, "no model serves it")
    assert subject.served is not None
    bundle = copy(subject.served.bundle)
    bundle.info = replace(bundle.info, trained_until=date(2012, 6, 15))
    written = write(replace(subject.served, bundle=bundle))
    assert written == Written(IBM, None, "10 sessions since its training, 20 are needed")
    assert office.pages == {}


def test_what_is_usual_grows_with_the_memory_of_a_column_and_shrinks_with_the_window() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(size=1500)
    slow = np.convolve(noise, np.ones(50), "same")
    usual = {rows: usual_distance(noise, rows, np.random.default_rng(0)) for rows in (20, 200)}
    assert usual[200] < usual[20] < usual_distance(slow, 20, np.random.default_rng(0))
    assert usual_distance(noise * 7 + 3, 20, np.random.default_rng(0)) == pytest.approx(usual[20], rel=1e-6)
