from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from stock_kit.model_settings import ServingSettings
from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.forecasting.adaptation import AdaptiveState
from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.instruments import Instrument
from stock_mlops.services import serving
from stock_mlops.services.serving import ResidentModels
from stock_mlops.stores.catalog import Champion
from stock_mlops.stores.interval_states import StateKey

if TYPE_CHECKING:
    from backend.tests.conftest import MakeBundle

pytestmark = pytest.mark.anyio

AAPL, IBM, MSFT = (Instrument("US", ticker) for ticker in ("AAPL", "IBM", "MSFT"))


def champion(instrument: Instrument = AAPL, version: int = 1) -> Champion:
    return Champion(instrument.registered_model, version, f"run{version}", "mlflow-artifacts:/x")


class Registry:
    """A catalog and its model files; either can fail, loads can be held up."""

    def __init__(self, make_bundle: MakeBundle) -> None:
        self.make_bundle = make_bundle
        self.champions: list[Champion] = []
        self.catalog_error: Exception | None = None
        self.load_error: Exception | None = None
        self.loaded: list[Champion] = []
        self.drift = 0.01
        self.go_on = threading.Event()
        self.go_on.set()

    def read(self) -> list[Champion]:
        if self.catalog_error is not None:
            raise self.catalog_error
        return list(self.champions)

    def load(self, ref: Champion) -> ForecastBundle:
        self.loaded.append(ref)
        self.go_on.wait(5)
        if self.load_error is not None:
            raise self.load_error
        return self.make_bundle(ref.registered_name.rsplit("-", 1)[1], drift=self.drift)


@pytest.fixture
def registry(make_bundle: MakeBundle) -> Registry:
    return Registry(make_bundle)


@pytest.fixture
def models(registry: Registry) -> Iterator[ResidentModels]:
    settings = ServingSettings(refresh_interval=timedelta(milliseconds=20), resident_models=2)
    resident = ResidentModels(registry.read, registry.load, settings)
    yield resident
    registry.go_on.set()
    resident.close()


@pytest.fixture
def impatient(models: ResidentModels, monkeypatch: pytest.MonkeyPatch) -> ResidentModels:
    monkeypatch.setattr(models, "_patience", 0.2)
    return models


async def version_of(models: ResidentModels, instrument: Instrument = AAPL) -> int | None:
    served = await models.model_for(instrument)
    return None if served is None else served.ref.version


async def until_version(models: ResidentModels, version: int, instrument: Instrument = AAPL) -> None:
    async with asyncio.timeout(20):
        while True:
            with suppress(DependencyUnavailableError):  # not yet
                if await version_of(models, instrument) == version:
                    return
            await asyncio.sleep(0.01)


async def test_an_instrument_without_champion_has_no_model(models: ResidentModels) -> None:
    models.refresh()
    assert await models.model_for(AAPL) is None


async def test_nothing_is_loaded_before_it_is_asked_for(models: ResidentModels, registry: Registry) -> None:
    registry.champions = [champion(), champion(IBM)]
    models.refresh()
    assert registry.loaded == []
    assert await version_of(models) == 1
    assert registry.loaded == [champion()]


async def test_first_requests_at_the_same_time_load_once(models: ResidentModels, registry: Registry) -> None:
    registry.champions = [champion()]
    models.refresh()
    assert await asyncio.gather(*(version_of(models) for _ in range(20))) == [1] * 20
    assert len(registry.loaded) == 1


async def test_many_are_served_as_each_alone_and_a_shared_model_is_loaded_once(
    models: ResidentModels, registry: Registry
) -> None:
    panel = replace(champion(Instrument("US", "PANEL")), members=(IBM.key, MSFT.key))
    registry.champions = [champion(), panel]
    models.refresh()
    found = await models.models_for([IBM, AAPL, Instrument("US", "NOBODY"), MSFT])
    assert [served and served.ref for served in found] == [panel, champion(), None, panel]
    assert sorted(ref.registered_name for ref in registry.loaded) == sorted(
        ref.registered_name for ref in registry.champions
    )
    assert [await models.model_for(item) for item in (IBM, AAPL)] == found[:2]


async def test_until_the_catalog_has_answered_nobody_is_told_that_there_is_no_model(
    impatient: ResidentModels, registry: Registry
) -> None:
    registry.catalog_error = ConnectionError("refused")
    impatient.start()
    with pytest.raises(DependencyUnavailableError, match="catalog"):
        await impatient.model_for(AAPL)
    registry.champions, registry.catalog_error = [champion()], None
    await until_version(impatient, 1)


async def test_the_old_version_serves_until_the_new_one_is_in_memory(
    models: ResidentModels, registry: Registry
) -> None:
    registry.champions = [champion(version=1)]
    models.refresh()
    assert await version_of(models) == 1

    registry.go_on.clear()
    registry.champions = [champion(version=2)]
    models.refresh()
    started = time.perf_counter()
    assert await version_of(models) == 1
    assert time.perf_counter() - started < 0.1  # no request waits for a swap
    registry.go_on.set()
    await until_version(models, 2)


async def test_a_version_that_cannot_be_loaded_leaves_the_old_one_and_is_tried_again(
    models: ResidentModels, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "_LONGEST_BACK_OFF", 0.1)
    registry.champions = [champion(version=1)]
    models.start()
    await until_version(models, 1)
    registry.load_error = ValueError("the files are broken")
    registry.champions = [champion(version=2)]
    await asyncio.sleep(0.2)
    assert await version_of(models) == 1
    registry.load_error = None
    await until_version(models, 2)


async def test_a_first_load_that_fails_is_a_503_which_names_the_version_and_is_not_hammered(
    models: ResidentModels, registry: Registry
) -> None:
    registry.champions = [champion(version=3)]
    registry.load_error = ValueError("the files are broken")
    models.refresh()
    for _ in range(3):
        with pytest.raises(DependencyUnavailableError, match=r"stock-US-AAPL version 3 .*the files are broken"):
            await models.model_for(AAPL)
    assert len(registry.loaded) == 1


async def test_a_load_that_takes_too_long_is_a_503_and_serves_later_requests(
    impatient: ResidentModels, registry: Registry
) -> None:
    registry.champions = [champion()]
    registry.go_on.clear()
    impatient.refresh()
    with pytest.raises(DependencyUnavailableError, match="not loaded within"):
        await impatient.model_for(AAPL)
    registry.go_on.set()
    await until_version(impatient, 1)
    assert len(registry.loaded) == 1


async def test_the_least_recently_used_model_leaves_when_the_bound_is_reached(
    models: ResidentModels, registry: Registry
) -> None:
    registry.champions = [champion(AAPL), champion(IBM), champion(MSFT)]
    models.refresh()
    for instrument in (AAPL, IBM, AAPL, MSFT, AAPL):
        await models.model_for(instrument)
    assert [ref.registered_name for ref in registry.loaded] == ["stock-US-AAPL", "stock-US-IBM", "stock-US-MSFT"]
    await models.model_for(IBM)
    assert registry.loaded[-1] == champion(IBM)


async def test_a_champion_that_was_taken_away_serves_no_more(models: ResidentModels, registry: Registry) -> None:
    registry.champions = [champion()]
    models.refresh()
    assert await version_of(models) == 1
    registry.champions = []
    models.refresh()
    assert await version_of(models) is None


async def test_a_model_trained_while_the_service_runs_is_loaded_before_it_is_asked_for(
    models: ResidentModels, registry: Registry
) -> None:
    models.refresh()
    registry.champions = [champion()]
    models.refresh()
    async with asyncio.timeout(20):
        while not registry.loaded:
            await asyncio.sleep(0.01)


async def test_a_model_that_forecasts_nonsense_is_not_served(models: ResidentModels, registry: Registry) -> None:
    registry.drift = float("nan")
    registry.champions = [champion()]
    models.refresh()
    with pytest.raises(DependencyUnavailableError, match="forecasts nan"):
        await models.model_for(AAPL)


async def test_intervals_follow_the_state_of_their_instrument_within_a_refresh(
    registry: Registry, make_bundle: MakeBundle
) -> None:
    states: dict[StateKey, AdaptiveState] = {}

    def read(versions: Collection[tuple[str, int]]) -> dict[StateKey, AdaptiveState]:
        return {key: state for key, state in states.items() if (key.registered_name, key.version) in versions}

    registry.champions = [champion()]
    models = ResidentModels(registry.read, registry.load, ServingSettings(), read)
    models.refresh()
    first = await models.model_for(AAPL)
    assert first is not None
    assert first.intervals is None
    doubled = replace(AdaptiveState.start(5), log_scales=np.full((5, 3), np.log(2.0)), through=date(2012, 6, 28))
    states[StateKey(AAPL.registered_model, 1, AAPL)] = doubled
    models.refresh()
    second = await models.model_for(AAPL)
    assert second is not None
    assert second.intervals is not None
    assert second.adapted_through == date(2012, 6, 28)
    assert second.intervals.half_width(1) == pytest.approx(2 * first.bundle.intervals.half_width(1))
    assert await models.model_for(AAPL) is second  # nothing is made anew for a request
    models.close()


async def test_a_ticker_without_a_model_of_its_own_is_served_by_its_newest_panel(registry: Registry) -> None:
    older, newer = (
        Champion(f"stock-US-panel-{name}", 1, "run", "uri", ("US:AAPL", "US:IBM")) for name in ("old", "new")
    )
    registry.champions = [older, newer, champion(IBM)]
    models = ResidentModels(registry.read, registry.load, ServingSettings())
    models.refresh()
    found = [await models.model_for(instrument) for instrument in (AAPL, IBM, MSFT)]
    assert [None if item is None else item.ref.registered_name for item in found] == [
        "stock-US-panel-new",
        "stock-US-IBM",
        None,
    ]
    models.close()


async def test_a_model_past_its_expiry_is_served_and_marked(registry: Registry) -> None:
    registry.champions = [champion()]
    models = ResidentModels(registry.read, registry.load, ServingSettings(expiry_sessions=10))
    models.refresh()
    served = await models.model_for(AAPL)
    assert served is not None
    # Trained until Friday, 1 June 2012.
    assert not served.is_stale(date(2012, 6, 15))
    assert served.is_stale(date(2012, 6, 18))
    models.close()
