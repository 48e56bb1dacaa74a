from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from stock_mlops.forecasting.adaptation import AdaptiveState
from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.instruments import Instrument, sessions_of
from stock_mlops.services.adaptation import Adaptation, outcome_errors
from stock_mlops.stores.catalog import Champion
from stock_mlops.stores.interval_states import StateKey
from stock_mlops.stores.warehouse import TrainingFrame

if TYPE_CHECKING:
    from backend.tests.conftest import MakeBundle

AAPL = Instrument("US", "AAPL")
TRAINED_UNTIL = date(2012, 6, 1)


class World:
    """Prices up to a session that a test moves, a champion, and the states that were written."""

    def __init__(self, bundle: ForecastBundle) -> None:
        self.bundle = bundle
        self.champion: Champion | None = Champion(AAPL.registered_model, 1, "run", "uri")
        self.states: dict[StateKey, AdaptiveState] = {}
        self.until = date(2012, 8, 31)
        self.writes = 0
        days = sessions_of("US").array(date(2012, 5, 1), date(2012, 12, 31))
        rng = np.random.default_rng(1)
        self.frame = pl.DataFrame(
            {
                "session": days,
                "open": 100.0,
                "close": 100 * np.exp(rng.normal(0, 0.02, len(days)).cumsum()),
                "return_1": rng.normal(0, 0.01, len(days)),
                "rsi_14": rng.normal(0, 0.01, len(days)),
            }
        )
        self.adaptation = Adaptation(self, lambda _: self.champion, lambda _: self.bundle, self)

    def training_frame(
        self, instrument: Instrument, names: Sequence[str], start: date | None, end: date | None
    ) -> TrainingFrame:
        frame = self.frame.filter(pl.col("session").is_between(start or date(2000, 1, 1), self.until))
        return TrainingFrame(frame, "v", datetime(2026, 1, 1, tzinfo=UTC))

    def newest(self, key: StateKey) -> AdaptiveState | None:
        return self.states.get(key)

    def add(self, key: StateKey, state: AdaptiveState) -> None:
        self.states[key] = state
        self.writes += 1


@pytest.fixture
def world(make_bundle: MakeBundle) -> World:
    return World(make_bundle(horizon=3, drift=0.0))


def test_every_session_since_the_training_is_counted_once_at_each_horizon(world: World) -> None:
    state = world.adaptation.update(AAPL)
    assert state is not None
    counted = sessions_of("US").count(TRAINED_UNTIL, world.until)
    assert state.outcomes.tolist() == [counted] * 3
    assert state.through == world.until
    assert (state.log_scales[:, 1] != 0).all()


def test_session_by_session_gives_the_state_of_counting_all_at_once(world: World) -> None:
    at_once = world.adaptation.update(AAPL)
    world.states.clear()
    for day in sessions_of("US").between(date(2012, 6, 4), world.until):
        world.until = day
        state = world.adaptation.update(AAPL)
    assert state is not None
    assert at_once is not None
    assert state.to_dict() == at_once.to_dict()


def test_nothing_new_writes_nothing(world: World) -> None:
    first = world.adaptation.update(AAPL)
    second = world.adaptation.update(AAPL)
    assert world.writes == 1
    assert first is not None
    assert second is not None
    assert second.to_dict() == first.to_dict()


def test_without_a_model_there_is_nothing_to_adapt(world: World) -> None:
    world.champion = None
    assert world.adaptation.update(AAPL) is None


def test_another_version_starts_from_its_own_validation(world: World) -> None:
    world.adaptation.update(AAPL)
    world.champion = Champion(AAPL.registered_model, 2, "run2", "uri")
    world.adaptation.update(AAPL)
    assert {key.version for key in world.states} == {1, 2}


def test_errors_are_those_of_sessions_ahead_also_over_missing_rows(world: World) -> None:
    holed = world.frame.filter(pl.col("session") != date(2012, 6, 11))
    errors = outcome_errors(world.bundle, AAPL, holed, TRAINED_UNTIL)
    full = outcome_errors(world.bundle, AAPL, world.frame, TRAINED_UNTIL)
    assert [len(values) for values in errors] == [len(values) for values in full]
    for horizon, (some, every) in enumerate(zip(errors, full, strict=True), start=1):
        unknown = np.isnan(some)
        assert unknown.sum() == 2, horizon  # forecasts made at the missing session, and those made for it
        assert np.array_equal(some[~unknown], every[~unknown])
