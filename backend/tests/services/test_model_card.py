from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest
from stock_mlops.features import FEATURE_VERSION
from stock_mlops.forecasting.spec import parse_spec
from stock_mlops.forecasting.trainer import TrainingResult, train
from stock_mlops.instruments import sessions_of
from stock_mlops.services.model_card import model_card
from stock_mlops.services.provenance import TrainedOn, code_version

FEATURES = ("return_1", "return_5", "rsi_14")


def trained(**values: object) -> tuple[TrainingResult, str]:
    rng = np.random.default_rng(1)
    returns = rng.normal(0, 0.01, 900)
    close = np.exp(returns.cumsum())
    frame = pl.DataFrame(
        {
            "session": sessions_of("US").array(date(2005, 1, 3), date(2012, 1, 1))[:900],
            "open": close,
            "close": close,
            "return_1": returns,
            "return_5": rng.normal(size=900),
            "rsi_14": rng.normal(50, 10, 900),
        }
    )
    spec = parse_spec({"ticker": "TEST", "features": FEATURES, "horizon": 2, "params": {"alpha": 12.5}, **values})
    result = train(spec, frame, data_version="data-hash", feature_version=FEATURE_VERSION)
    data = TrainedOn(frame, "data-hash", {"US:TEST": datetime(2012, 3, 4, 5, 6, tzinfo=UTC)})
    return result, model_card(spec, result, data, expiry_sessions=63)


@pytest.fixture(scope="module")
def ridge() -> tuple[TrainingResult, str]:
    return trained()


def row(card: str, first: str) -> list[str]:
    """The cells of the table row that begins so."""
    line = next(line for line in card.splitlines() if line.startswith(f"| {first} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_card_tells_the_data_and_how_they_were_at_the_time(ridge: tuple[TrainingResult, str]) -> None:
    result, card = ridge
    info = result.bundle.info
    assert row(card, "tickers")[1] == "TEST"
    assert row(card, "sessions")[1] == f"{info.trained_from} to {info.trained_until}"
    assert row(card, "rows with all features")[1] == "900"
    assert row(card, "data version")[1] == "`data-hash`"
    assert row(card, "prices as of")[1] == "2012-03-04T05:06:00+00:00"


def test_the_card_tells_what_makes_the_model_again(ridge: tuple[TrainingResult, str]) -> None:
    _, card = ridge
    assert f"3 features, version {FEATURE_VERSION}." in card
    groups = card.split("## Features")[1].split("## Definition")[0]
    counts = [line.split("|")[2].strip() for line in groups.splitlines() if line.startswith("| ")]
    assert sum(int(count) for count in counts if count.isdigit()) == 3
    assert row(card, "model type")[1] == "ridge"
    assert row(card, "`alpha`")[1] == "`12.5`"
    assert row(card, "code")[1] == f"`{code_version()}`"


def test_the_card_tells_how_good_it_is_beside_the_random_walk(ridge: tuple[TrainingResult, str]) -> None:
    result, card = ridge
    for item in result.horizons:
        cells = row(card, str(item.horizon))
        assert item.dm is not None
        assert cells[1:6] == [
            f"{item.pooled.rmse:.3%}",
            f"{item.pooled.random_walk_rmse:.3%}",
            f"{item.pooled.skill:+.2%}",
            f"{item.dm.p_value:.3f}",
            f"{item.adjusted_p_value:.3f}",
        ]
        assert cells[-1] == f"{item.coverage:.1%}"
    backtest = row(card, "TEST")
    assert backtest[2] == f"{result.backtests[0][1].strategy.annualised_return:+.1%}"
    assert backtest[3] == f"{result.backtests[0][1].buy_and_hold.annualised_return:+.1%}"


def test_the_card_tells_its_limits_and_when_it_expires(ridge: tuple[TrainingResult, str]) -> None:
    result, card = ridge
    expires = sessions_of("US").next(result.bundle.info.trained_until, 63)
    assert f"sessions up to {expires}" in card
    limits = card.split("## Limits")[1]
    assert "not investment advice" in limits
    assert "no news" in limits


def test_a_model_that_was_judged_on_its_past_has_no_backtest_to_show() -> None:
    _, card = trained(validation={"scheme": "purged_kfold", "folds": 3})
    assert "None: its validation trains on both sides" in card
