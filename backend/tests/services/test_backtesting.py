from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from stock_mlops.errors import InvalidRequestError, NotFoundError
from stock_mlops.forecasting.backtest import BacktestSettings, backtest
from stock_mlops.forecasting.spec import parse_spec
from stock_mlops.forecasting.trainer import train
from stock_mlops.instruments import Instrument, sessions_of
from stock_mlops.services.backtesting import Backtesting
from stock_mlops.services.training_record import write_evaluation
from stock_mlops.stores.catalog import Champion

AAPL, IBM = Instrument("US", "AAPL"), Instrument("US", "IBM")
OWN = Champion("stock-US-AAPL", 3, "own", "mlflow-artifacts:/1/own/artifacts/model/artifacts/bundle")
PANEL = Champion("stock-US-panel-tech", 1, "panel", "mlflow-artifacts:/1/panel", members=("US:AAPL", "US:IBM"))

N = 120
SESSIONS = np.busday_offset("2020-01-06", list(range(N))).astype("datetime64[D]")


def market(seed: int) -> tuple[Any, Any, Any, Any]:
    """Opens, closes, forecasts and chances of a rise; forecasts of the second half only."""
    rng = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.01, N)))
    opens = close * np.exp(rng.normal(0, 0.003, N))
    opens[90] = np.nan
    forecasts = np.where(np.arange(N) < N // 2, np.nan, rng.normal(0, 0.01, N))
    return opens, close, forecasts, rng.uniform(0.3, 0.7, N)


MARKETS = {"AAPL": market(1), "IBM": market(2)}


class Folder:
    """Runs whose evaluation was written as training writes it."""

    def __init__(self, **params: str) -> None:
        self._params = params
        self.downloaded: list[str] = []

    def run(self, run_id: str) -> dict[str, Any]:
        params = [{"key": key.replace("_", "."), "value": value} for key, value in self._params.items()]
        return {"info": {"artifact_uri": f"mlflow-artifacts:/1/{run_id}/artifacts"}, "data": {"params": params}}

    def download(self, artifact_uri: str, folder: Path) -> int:
        self.downloaded.append(artifact_uri)
        forecasts, prices = [], []
        for ticker, (opens, closes, made, chances) in MARKETS.items():
            prices.append({"ticker": ticker, "session": SESSIONS, "open": opens, "close": closes})
            for horizon in (1, 2):
                known = np.isfinite(made)
                forecasts.append(
                    {
                        "ticker": ticker,
                        "session": SESSIONS[known],
                        "horizon": horizon,
                        "y_hat": made[known] * horizon,
                        "probability_up": chances[known],
                    }
                )
        for name, parts in (("out_of_fold", forecasts), ("prices", prices)):
            frame = pl.concat(pl.DataFrame(part, nan_to_null=True) for part in parts)
            frame.sample(fraction=1, shuffle=True, seed=1).write_parquet(folder / f"{name}.parquet")
        return 1


class Champions:
    def __init__(self, *champions: Champion) -> None:
        self._champions = champions

    def champions(self) -> list[Champion]:
        return list(self._champions)


def test_the_forecasts_that_training_kept_are_traded_on() -> None:
    runs = Folder(trials="20")
    settings = BacktestSettings("long_short", cost_bps=3)
    found = Backtesting(Champions(OWN, PANEL), runs).champion(AAPL, horizon=2, settings=settings)
    opens, closes, made, _ = MARKETS["AAPL"]
    expected = backtest(SESSIONS, opens, closes, 2 * made, 2, settings, trials=20)
    assert found.champion == OWN
    assert found.result.to_dict() == expected.to_dict()
    assert found.result.equity.tolist() == expected.equity.tolist()
    assert runs.downloaded == ["mlflow-artifacts:/1/own/artifacts/evaluation"]


def test_what_a_training_writes_gives_the_backtest_that_it_showed() -> None:
    rng = np.random.default_rng(5)
    sessions = sessions_of("US").array(date(2005, 1, 3), date(2012, 1, 1))[:900]
    closes = 50 * np.exp(rng.normal(0, 0.01, 900).cumsum())
    frame = pl.DataFrame(
        {
            "session": sessions,
            "open": closes * np.exp(rng.normal(0, 0.003, 900)),
            "close": closes,
            "return_1": np.diff(np.log(closes), prepend=np.nan),
        },
        nan_to_null=True,
    ).filter(pl.int_range(pl.len()) != 700)  # a session that is missing altogether
    spec = parse_spec({"ticker": "AAPL", "features": ["return_1"], "horizon": 2, "validation": {"folds": 3}})
    trained = train(spec, frame, data_version="d", feature_version="f")

    class Written(Folder):
        def download(self, artifact_uri: str, folder: Path) -> int:
            write_evaluation(trained, folder)
            return 1

    for who, shown in trained.backtests:
        found = Backtesting(Champions(OWN), Written()).champion(who, horizon=shown.horizon)
        assert found.result.to_dict() == shown.to_dict()
    assert [shown.horizon for _, shown in trained.backtests] == [1, 2]


def test_chances_are_traded_on_from_one_half() -> None:
    found = Backtesting(Champions(OWN), Folder()).champion(AAPL, signal="probability")
    opens, closes, made, chances = MARKETS["AAPL"]
    known = np.where(np.isfinite(made), chances, np.nan)
    expected = backtest(SESSIONS, opens, closes, known, 1, BacktestSettings(neutral=0.5))
    assert found.result.to_dict() == expected.to_dict()
    assert 0 < found.result.trading.exposure < 1


def test_a_ticker_without_a_model_of_its_own_is_served_by_its_panel() -> None:
    found = Backtesting(Champions(OWN, PANEL), Folder()).champion(IBM)
    opens, closes, made, _ = MARKETS["IBM"]
    assert found.champion == PANEL
    assert found.result.to_dict() == backtest(SESSIONS, opens, closes, made, 1).to_dict()


def test_any_version_is_traded_on_whatever_serves_the_ticker() -> None:
    found = Backtesting(Champions(OWN), Folder()).version(PANEL, IBM, horizon=2)
    opens, closes, made, _ = MARKETS["IBM"]
    assert found.champion == PANEL
    assert found.result.to_dict() == backtest(SESSIONS, opens, closes, 2 * made, 2).to_dict()


def test_a_ticker_that_the_version_does_not_forecast_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="forecasts no NVDA"):
        Backtesting(Champions(OWN), Folder()).version(PANEL, Instrument("US", "NVDA"))


def test_a_ticker_that_nothing_serves_is_told_how_to_get_a_model() -> None:
    with pytest.raises(NotFoundError, match="stock-mlops train 2330 --exchange TW"):
        Backtesting(Champions(OWN, PANEL), Folder()).champion(Instrument("TW", "2330"))


def test_a_horizon_that_was_not_forecast_is_refused_with_those_that_were() -> None:
    with pytest.raises(InvalidRequestError, match=r"horizon of 1, 2, .* got 3"):
        Backtesting(Champions(OWN), Folder()).champion(AAPL, horizon=3)


def test_forecasts_that_knew_the_future_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="purged_kfold"):
        Backtesting(Champions(OWN), Folder(validation_scheme="purged_kfold")).champion(AAPL)
