from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest
from stock_kit.tuning import keep_for_good, tune_for_requests


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds, turn = gc.get_threshold(), sys.getswitchinterval()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(turn)


def test_what_a_service_started_with_is_not_collected_again() -> None:
    tune_for_requests()
    assert gc.get_freeze_count() > 10_000
    assert gc.get_threshold()[0] > 1_000
    assert sys.getswitchinterval() < 0.005


def test_what_is_kept_for_good_joins_it() -> None:
    tune_for_requests()
    before = gc.get_freeze_count()
    made = [[number] for number in range(100)]
    keep_for_good()
    assert gc.get_freeze_count() >= before + len(made)
