"""A ticker of another market beside the sample: its own calendar, its own time, the same way from file to forecast."""

from __future__ import annotations

import csv
import math
import random
from datetime import date
from pathlib import Path

import httpx
import pytest
from stock_kit.clock import wall_now
from stock_mlops.instruments import sessions_of

from tests.integration.support import Stack, train, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

# The lunar new year of 2024: XTAI was closed from 6 to 14 February while New York traded.
HOLIDAY = (date(2024, 2, 6), date(2024, 2, 14))
LAST = date(2024, 2, 5)


def write_prices(file: Path) -> int:
    """A random walk over the sessions of Taipei up to the day before the holidays."""
    random_state = random.Random(2330)
    days = sessions_of("TW").between(date(2020, 1, 2), LAST)
    close = 300.0
    with file.open("w", newline="") as handle:
        out = csv.writer(handle)
        out.writerow(["Date", "Open", "High", "Low", "Close", "Volume"])
        for day in days:
            opened = close * math.exp(random_state.gauss(0, 0.004))
            close = opened * math.exp(random_state.gauss(0.0003, 0.012))
            high, low = max(opened, close) * 1.004, min(opened, close) * 0.996
            out.writerow(
                [day, f"{opened:.2f}", f"{high:.2f}", f"{low:.2f}", f"{close:.2f}", random_state.randint(1000, 9000)]
            )
    return len(days)


def test_a_taiwanese_ticker_goes_from_file_to_forecast_on_its_own_calendar(
    stack: Stack, sample_loaded: None, tmp_path: Path
) -> None:
    file = tmp_path / "tsmc.csv"
    rows = write_prices(file)
    loaded = stack.cli("etl", "--source", "file", str(file), "--ticker", "2330", "--exchange", "TW")
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr

    with httpx.Client(base_url=stack.url, timeout=30) as api:
        datasets = {(item["exchange"], item["ticker"]): item for item in api.get("/api/datasets").json()["items"]}
        mine = datasets["TW", "2330"]
        assert (mine["rows"], mine["last_session"], mine["timeline"]) == (rows, LAST.isoformat(), "live")
        assert mine["expected_session"] == sessions_of("TW").last_closed(wall_now()).isoformat()
        assert datasets["US", "AAPL"]["timeline"] == "replay"

        job = train(stack, ticker="2330", exchange="TW", model_type="ridge", horizon=3)
        assert job["result"]["registered_name"] == "stock-TW-2330"

        wait_for(
            lambda: not api.post("/api/predict/", json={"ticker": "2330", "exchange": "TW"}).json()["fallback"],
            seconds=15,
            what="the new model to be served",
        )
        forecast = api.post("/api/predict/", json={"ticker": "2330", "exchange": "TW", "horizon": 2}).json()
        assert forecast["as_of"] == LAST.isoformat()
        assert forecast["target_session"] == "2024-02-16"  # the second session after the holidays
        assert not HOLIDAY[0] <= date.fromisoformat(forecast["target_session"]) <= HOLIDAY[1]
        assert forecast["lower"] < forecast["predicted_close"] < forecast["upper"]
