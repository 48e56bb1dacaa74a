"""The proof of no look-ahead: what was made honestly comes out again, what knew a later day does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from math import exp
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from stock_kit.events import PredictionEvent
from stock_kit.model_settings import GateSettings
from stock_kit.settings import Settings
from stock_mlops.errors import NotFoundError
from stock_mlops.features import FEATURE_VERSION
from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.forecasting.spec import parse_spec
from stock_mlops.forecasting.trainer import train
from stock_mlops.instruments import Instrument
from stock_mlops.retraining.policy import Policy
from stock_mlops.services.gatekeeping import contender_of
from stock_mlops.services.shadowing import shadow_forecasts
from stock_mlops.services.simulation_check import CutHistory, Lived, NoLookAhead
from stock_mlops.services.simulation_source import StoredHistory, open_history
from stock_mlops.simulation.plan import Plan
from stock_mlops.stores.catalog import Champion, ModelVersion
from stock_mlops.stores.simulations import Decision

PLAN = Plan(
    first=date(2002, 4, 1), last=date(2002, 4, 12), tickers=("IBM",), features=("return_1", "volatility_5", "gap")
)
DAYS = list(PLAN.sessions())
IBM = Instrument("US", "IBM")
RETRAINING = UUID(int=3)
_AT = datetime(2026, 1, 1, tzinfo=UTC)


class NoRuns:
    """MLflow has lost everything."""

    def run(self, run_id: str) -> dict[str, Any]:
        raise NotFoundError(run_id)

    def download(self, artifact_uri: str, folder: Path) -> int:
        raise NotFoundError(artifact_uri)


@dataclass
class World:
    history: StoredHistory
    bundle: ForecastBundle
    decisions: list[Decision] = field(default_factory=list)
    shift: int = 0
    """Sessions by which forecasts knew too much."""

    def version(self, instrument: Instrument, number: int) -> ModelVersion | None:
        until = self.bundle.info.trained_until
        return ModelVersion(
            UUID(int=1), instrument.registered_model, number, f"run{number}", "", None, "1", FEATURE_VERSION, 1, {},
            until, None, _AT,
        )  # fmt: skip

    def forecasts(self, day: date) -> Sequence[PredictionEvent]:
        seen = IBM.sessions.next(day, self.shift) if self.shift else day
        cut = CutHistory(self.history, PLAN, seen)
        frame = cut.training_frame(IBM, self.bundle.features, IBM.sessions.previous(DAYS[0], 2), seen).frame
        made = list(shadow_forecasts(self.bundle, IBM, frame, seen))[-1]
        close = frame["close"][-1]
        return [
            PredictionEvent(
                prediction_id=uuid4(), exchange="US", ticker="IBM", made_at=_AT, as_of=day,
                target_session=IBM.sessions.next(day), horizon=1, last_close=close,
                predicted_return=made.predicted_return, predicted_close=close * exp(made.predicted_return),
                upper=close * exp(made.predicted_return + made.half_width), model_name="stock-US-IBM",
                model_version="1", model_type="ridge", feature_version="1", data_version="1",
            )
        ]  # fmt: skip

    def check(self) -> NoLookAhead:
        def load(ref: Champion) -> ForecastBundle:
            return self.bundle

        lived = Lived(DAYS, self.decisions, self.forecasts, self.version, lambda _: 1, load)
        return NoLookAhead(PLAN, self.history, lived, NoRuns(), GateSettings())


@pytest.fixture(scope="module")
def honest() -> World:
    history = open_history(Settings.model_construct(), PLAN)
    spec = parse_spec(PLAN.definition(IBM))
    eve = IBM.sessions.previous(DAYS[0])
    data = CutHistory(history, PLAN, eve).training_frame(IBM, spec.features, None, None)
    result = train(spec, data.frame, data_version="1", feature_version=FEATURE_VERSION)
    return World(history, result.bundle)


def test_a_cut_ends_at_its_day(honest: World) -> None:
    frame = CutHistory(honest.history, PLAN, DAYS[3]).training_frame(IBM, ("return_1",), None, None).frame
    assert frame["session"][-1] == DAYS[3]


def test_honest_forecasts_come_out_again(honest: World) -> None:
    checked = honest.check().run(5)
    assert (checked.days, checked.equal, list(checked.differences)) == (5, 5, [])


def test_a_forecast_that_knew_the_next_day_does_not(honest: World) -> None:
    checked = replace(honest, shift=1).check().run(3)
    assert checked.equal == 0
    assert all("the forecast differs" in text for text in checked.differences)


def test_a_model_that_was_trained_on_later_days_is_found(honest: World) -> None:
    spec = parse_spec(PLAN.definition(IBM))
    data = CutHistory(honest.history, PLAN, DAYS[-1]).training_frame(IBM, spec.features, None, None)
    later = train(spec, data.frame, data_version="1", feature_version=FEATURE_VERSION).bundle
    found = list(replace(honest, bundle=later).check().differences(DAYS[1]))
    assert any("was trained until" in text for text in found)


def decided(world: World, day: date, *, turned: bool = False) -> Decision:
    """A challenger trained at the close of ``day`` and judged then; ``turned``: not as the gate would."""
    spec = parse_spec(PLAN.definition(IBM))
    data = CutHistory(world.history, PLAN, day).training_frame(IBM, spec.features, None, None)
    result = train(spec, data.frame, data_version="1", feature_version=FEATURE_VERSION)
    check = NoLookAhead(PLAN, world.history, world.check()._lived, NoRuns(), GateSettings())
    serving = world.version(IBM, 1)
    assert serving is not None
    verdict = check._gate(CutHistory(world.history, PLAN, day), serving).judge("stock-US-IBM", contender_of(result))
    checks = [
        {"name": item.name, "passed": item.passed != (turned and item.name == verdict.checks[0].name)}
        for item in verdict.checks
    ]
    return Decision(RETRAINING, 2, day, "IBM", "trained", "training", "shadow", 2, "", checks)


@pytest.mark.parametrize(("turned", "told"), [(False, 0), (True, 1)])
def test_a_challenger_is_trained_and_judged_again(honest: World, turned: bool, told: int) -> None:
    world = replace(honest, decisions=[decided(honest, DAYS[4], turned=turned)])
    found = list(world.check().differences(DAYS[4]))
    assert len(found) == told
    assert all("the checks were" in text for text in found)


def test_a_challenger_that_was_searched_for_is_searched_for_again(honest: World) -> None:
    # A search needs more sessions before the first test window than the others here have.
    plan = PLAN.model_copy(update={"first": date(2004, 4, 1), "last": date(2004, 4, 12)})
    cut = CutHistory(open_history(Settings.model_construct(), plan), plan, plan.sessions()[4])
    check, serving = honest.check(), honest.version(IBM, 1)
    assert serving is not None

    def judged(search_trials: int | None) -> list[Any]:
        spec = parse_spec(PLAN.definition(IBM)).with_search(search_trials)
        data = cut.training_frame(IBM, spec.features, None, None)
        result = train(spec, data.frame, data_version="1", feature_version=FEATURE_VERSION)
        return list(check._gate(cut, serving).judge("stock-US-IBM", contender_of(result)).checks)

    assert list(check._trained(cut, IBM, serving)) == judged(None)
    searching = plan.model_copy(update={"policy": Policy(challenger="search", search_trials=3)})
    again = NoLookAhead(searching, honest.history, check._lived, NoRuns(), GateSettings())
    assert list(again._trained(cut, IBM, serving)) == judged(3) != judged(None)


def test_days_of_decisions_are_half_of_the_sample(honest: World) -> None:
    world = replace(honest, decisions=[decided(honest, DAYS[4])])
    assert DAYS[4] in world.check()._sample(2)
    assert len(world.check()._sample(4)) == 4
    assert len(world.check()._sample(1000)) == len(DAYS)
