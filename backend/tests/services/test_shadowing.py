"""Shadow forecasts of a real bundle over a made-up market."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

import numpy as np
import polars as pl
import pytest
from stock_mlops.forecasting.adaptation import AdaptiveState, adapt
from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.forecasting.intervals import LEVEL, LEVELS
from stock_mlops.forecasting.spec import parse_spec
from stock_mlops.forecasting.trainer import train
from stock_mlops.instruments import Instrument, sessions_of
from stock_mlops.services.adaptation import outcome_errors
from stock_mlops.services.shadowing import Shadowing, paired, shadow_forecasts
from stock_mlops.stores.catalog import Champion
from stock_mlops.stores.retraining_twins import MemoryShadow
from stock_mlops.stores.warehouse import TrainingFrame

TEST = Instrument("US", "TEST")
FEATURES = ("return_1", "gap")
ID = UUID(int=7)
DAYS = sessions_of("US").between(date(2003, 1, 2), date(2012, 1, 1))[:900]


def frame() -> pl.DataFrame:
    rng = np.random.default_rng(1)
    returns = rng.normal(0, 0.01, 900)
    close = np.exp(returns.cumsum())
    return pl.DataFrame(
        {"session": DAYS, "open": close, "close": close, "return_1": returns, "gap": rng.normal(size=900)}
    )


@pytest.fixture(scope="module")
def bundle() -> ForecastBundle:
    spec = parse_spec({"ticker": "TEST", "features": FEATURES, "horizon": 2, "model_type": "ridge"})
    return train(spec, frame().head(800), data_version="d", feature_version="f").bundle


class History:
    def training_frame(
        self, instrument: Instrument, names: Sequence[str], start: date | None, end: date | None
    ) -> TrainingFrame:
        assert instrument == TEST
        assert end is not None
        return TrainingFrame(
            frame().filter(pl.col("session").is_between(start, end)), "d", datetime(2026, 1, 1, tzinfo=UTC)
        )


def test_nothing_later_than_a_session_is_in_its_forecast(bundle: ForecastBundle) -> None:
    whole = list(shadow_forecasts(bundle, TEST, frame()[780:], DAYS[850]))
    assert {item.session for item in whole} == set(DAYS[850:])
    for end in (851, 870, 899):
        cut = list(shadow_forecasts(bundle, TEST, frame()[780:end], DAYS[850]))
        assert cut == [item for item in whole if item.session < DAYS[end]]


def test_a_forecast_is_the_bundles_with_the_intervals_that_serving_would_have_by_then(bundle: ForecastBundle) -> None:
    known = frame()[780:871]
    newest = list(shadow_forecasts(bundle, TEST, known, DAYS[870]))
    state = adapt(
        AdaptiveState.start(2),
        bundle.intervals,
        outcome_errors(bundle, TEST, known, bundle.info.trained_until),
        DAYS[870],
    )
    level = LEVELS.index(LEVEL)
    served = bundle.predict_path(
        known.row(-1, named=True) | {}, 2, bundle.intervals.scaled(state.scales)
    )  # as serving answers
    assert [item.predicted_return for item in newest] == pytest.approx([item.predicted_return for item in served])
    assert [item.half_width for item in newest] == pytest.approx([item.half_widths[level] for item in served])
    assert state.scales[:, level] != pytest.approx(1.0)


def test_a_session_without_a_feature_has_no_forecast(bundle: ForecastBundle) -> None:
    holed = frame()[780:].with_columns(gap=pl.when(pl.col("session") == DAYS[860]).then(None).otherwise(pl.col("gap")))
    assert DAYS[860] not in {item.session for item in shadow_forecasts(bundle, TEST, holed, DAYS[855])}


def test_what_is_recorded_is_not_recorded_again_and_later_sessions_are_added(bundle: ForecastBundle) -> None:
    table = MemoryShadow({})
    shadowing = Shadowing(History(), lambda _: bundle, table, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    versions = [Champion("stock-US-TEST", number, "run", "uri") for number in (1, 2)]
    assert shadowing.record(ID, versions, [TEST], DAYS[850], DAYS[854]) == 2 * 5 * 2
    first = dict(table.rows)
    assert shadowing.record(ID, versions, [TEST], DAYS[850], DAYS[854]) == 0
    assert shadowing.record(ID, versions, [TEST], DAYS[850], DAYS[856]) == 2 * 2 * 2
    assert first.items() <= table.rows.items()
    again = MemoryShadow({})
    Shadowing(History(), lambda _: bundle, again, lambda: datetime(2026, 1, 1, tzinfo=UTC)).record(
        ID, versions, [TEST], DAYS[850], DAYS[856]
    )
    assert again.rows == table.rows


def test_a_session_that_only_one_version_forecast_is_not_compared(bundle: ForecastBundle) -> None:
    outcomes = {("TEST", day, horizon): 0.01 for day in DAYS[850:] for horizon in (1, 2)}
    table = MemoryShadow(outcomes)
    shadowing = Shadowing(History(), lambda _: bundle, table)
    shadowing.record(ID, [Champion("stock-US-TEST", 2, "run", "uri")], [TEST], DAYS[850], DAYS[860])
    shadowing.record(ID, [Champion("stock-US-TEST", 1, "run", "uri")], [TEST], DAYS[853], DAYS[860])
    rows = shadowing.settled(ID, DAYS[850], DAYS[860])
    first, second = paired(rows, (2, 1), DAYS[860])
    assert (first.pair.horizon, first.pair.sessions) == (1, 7)
    assert (second.pair.horizon, second.pair.sessions) == (2, 6)
    [early] = paired(rows, (2, 1), DAYS[854])
    assert early.pair.sessions == 1
