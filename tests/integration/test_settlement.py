"""Settling predictions and measuring models by them, over real ClickHouse; and that loading prices does it."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import pytest
from clickhouse_connect.driver.client import Client
from sqlalchemy import text
from stock_kit.clock import wall_now
from stock_kit.events import PredictionEvent
from stock_kit.settings import Settings
from stock_local.testing import LocalStack
from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.instruments import Instrument, sessions_of
from stock_mlops.services.etl import EtlRequest, run_etl
from stock_mlops.services.settlement import Settlement, SettlementReport, open_settlement, settle_loaded
from stock_mlops.stores.clickhouse import open_client
from stock_mlops.stores.migrations import migrate, migrate_clickhouse
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.predictions import COLUMNS, PredictionFilter, Predictions
from stock_mlops.stores.prefect_server import PrefectServer
from stock_mlops.stores.settled_errors import SettledErrorsTable
from stock_mlops.stores.settlements import AccuracyFilter, RollingAccuracy, SettledGroup, Settlements

from tests.integration.support import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

MADE = datetime(2026, 11, 21, 12, tzinfo=UTC)
AAPL, IBM = Instrument("US", "AAPL"), Instrument("US", "IBM")
FIRST = date(2005, 1, 3)
DAYS = [day.astype(date) for day in sessions_of("US").array(FIRST, date(2006, 12, 29))]


@pytest.fixture(scope="module")
def settings(local_stack: LocalStack) -> Settings:
    local_stack.require("clickhouse")
    given = local_stack.settings
    own = given.model_copy(update={"clickhouse": given.clickhouse.model_copy(update={"database": "stock_settlement"})})
    migrate_clickhouse(own)
    return own


@pytest.fixture
def client(settings: Settings) -> Client:
    client = open_client(settings.clickhouse)
    for table in ("predictions", "predictions_by_time", "prices", "settlements", "settlements_by_time"):
        client.command(f"TRUNCATE TABLE {table}")
    return client


@pytest.fixture
def table(client: Client) -> Settlements:
    return Settlements(lambda: client)


@pytest.fixture
def settlement(table: Settlements) -> Settlement:
    return Settlement(table)


def prices(client: Client, closes: Sequence[float], version: int = 1, ticker: str = "AAPL", start: int = 0) -> None:
    """Adjusted closes from the session ``start`` on."""
    names = ("exchange", "ticker", "session", "open", "high", "low", "close", "volume", "raw_close", "factor")
    rows = [
        ("US", ticker, DAYS[start + offset], close, close, close, close, 1.0, close * 2, 0.5, 0.0, 1.0, "file", version)
        for offset, close in enumerate(closes)
    ]
    client.insert("prices", rows, column_names=[*names, "dividend", "split", "source", "version"])


def prediction(
    number: int, as_of: int = 0, horizon: int = 1, predicted: float = 0.01, **values: Any
) -> PredictionEvent:
    """Made at the close of session ``as_of``, which was 200 as traded."""
    known: dict[str, Any] = {
        "prediction_id": UUID(int=number),
        "exchange": "US",
        "ticker": "AAPL",
        "made_at": MADE + timedelta(seconds=number),
        "as_of": DAYS[as_of],
        "target_session": DAYS[as_of + horizon],
        "horizon": horizon,
        "last_close": 200.0,
        "predicted_return": predicted,
        "predicted_close": 200.0 * math.exp(predicted),
        "model_name": "stock-US-AAPL",
        "model_version": "3",
        "model_type": "ridge",
        "fallback": False,
        "feature_version": "f",
        "data_version": "d",
        "origin": "api",
    }
    return PredictionEvent(**known | values)


def store(client: Client, *made: PredictionEvent) -> None:
    rows = [[getattr(item, name) for name in COLUMNS] for item in made]
    client.insert("predictions", rows, column_names=list(COLUMNS))


def settled(client: Client) -> dict[int, dict[str, Any]]:
    """The newest version of each settlement, by the number of its prediction."""
    rows = client.query("SELECT * FROM settlements ORDER BY version DESC LIMIT 1 BY prediction_id").named_results()
    return {UUID(str(row["prediction_id"])).int: row for row in rows}


def count(client: Client) -> int:
    return int(client.query("SELECT count() FROM settlements").result_rows[0][0])


# --- one settlement ---


def test_a_prediction_is_settled_by_the_adjusted_closes_of_its_sessions(client: Client, settlement: Settlement) -> None:
    interval = {"lower": 190.0, "upper": 208.0, "level": 0.9}
    store(client, prediction(1, predicted=0.02, **interval), prediction(2, predicted=-0.03))
    prices(client, [50.0, 52.0])
    report = settlement.settle([AAPL])
    assert report == SettlementReport((SettledGroup(AAPL, "stock-US-AAPL", "3", 1, settled=2, revised=0),))
    first, second = settled(client)[1], settled(client)[2]
    realised = math.log(1.04)
    assert first["actual_close"] == pytest.approx(208.0)  # what 200 became, though 104 was traded after a split
    assert first["actual_return"] == pytest.approx(realised)
    assert first["error"] == pytest.approx(0.02 - realised)
    assert first["error_pct"] == pytest.approx(math.exp(0.02) / 1.04 - 1)
    assert first["random_walk_squared_error"] == pytest.approx(realised**2)
    assert (first["hit"], second["hit"]) == (True, False)
    assert first["width"] == pytest.approx(math.log(208 / 190))
    assert (second["covered"], second["width"], second["level"]) == (None, None, None)
    assert (first["version"], first["target_session"], first["model_version"]) == (1, DAYS[1], "3")


def test_the_history_of_predictions_tells_the_same_outcome(client: Client, settlement: Settlement) -> None:
    store(client, prediction(1, horizon=2))
    prices(client, [50.0, 52.0, 47.0])
    settlement.settle()
    (item,) = Predictions(lambda: client).page(PredictionFilter(), 10).items
    row = settled(client)[1]
    assert row["actual_close"] == pytest.approx(item.actual_close, rel=1e-12)
    assert row["error_pct"] == pytest.approx(item.error_pct, rel=1e-9)


def test_no_change_is_neither_hit_nor_miss(client: Client, settlement: Settlement) -> None:
    store(client, prediction(1, predicted=0.0), prediction(2, as_of=1))
    prices(client, [50.0, 51.0, 51.0])
    settlement.settle()
    assert [settled(client)[number]["hit"] for number in (1, 2)] == [None, None]


@pytest.mark.parametrize(("close", "covered"), [(49.4, False), (49.6, True), (50.9, True), (51.1, False)])
def test_a_close_is_covered_inside_its_interval(
    client: Client, settlement: Settlement, close: float, covered: bool
) -> None:
    store(client, prediction(1, lower=198.0, upper=204.0, level=0.9))
    prices(client, [50.0, close])
    settlement.settle()
    assert settled(client)[1]["covered"] is covered


def test_a_versions_errors_are_read_by_horizon_of_each_session_the_newest(
    client: Client, settlement: Settlement
) -> None:
    interval = {"lower": 190.0, "upper": 208.0, "level": 0.9}
    store(
        client,
        prediction(1, predicted=0.02),
        prediction(2, predicted=0.05, **interval),
        prediction(3, as_of=1, predicted=0.01),
        prediction(4, horizon=2, predicted=0.03),
        prediction(5, predicted=9.0, model_version="4"),
    )
    prices(client, [50.0, 52.0, 51.0])
    settlement.settle()
    one, two = SettledErrorsTable(lambda: client).of(AAPL, "stock-US-AAPL", "3")
    assert (one.horizon, one.sessions, two.horizon, two.sessions) == (1, (DAYS[1], DAYS[2]), 2, (DAYS[2],))
    assert one.errors == pytest.approx([0.05 - math.log(52 / 50), 0.01 - math.log(51 / 52)])
    assert one.widths == pytest.approx([math.log(208 / 190), np.nan], nan_ok=True)
    assert SettledErrorsTable(lambda: client).of(IBM, "stock-US-AAPL", "3") == []


# --- when ---


def test_a_prediction_waits_for_its_target_session(client: Client, settlement: Settlement) -> None:
    store(client, prediction(1), prediction(2, horizon=3), prediction(3, as_of=1))
    prices(client, [50.0, 51.0])
    assert settlement.settle().settled == 1
    prices(client, [52.0, 53.0], start=2)
    assert settlement.settle().settled == 2
    assert set(settled(client)) == {1, 2, 3}


def test_a_second_pass_changes_nothing(client: Client, settlement: Settlement) -> None:
    store(client, *(prediction(number, as_of=number) for number in range(20)))
    prices(client, np.linspace(50, 60, 30).tolist())
    assert settlement.settle().settled == 20
    assert settlement.settle() == SettlementReport()
    assert count(client) == 20


def test_a_prediction_that_was_stored_twice_is_settled_once(client: Client, settlement: Settlement) -> None:
    store(client, prediction(1))
    store(client, prediction(1))
    prices(client, [50.0, 51.0])
    assert settlement.settle().settled == 1
    assert count(client) == 1


def test_a_prediction_stored_late_is_settled_by_the_next_pass(client: Client, settlement: Settlement) -> None:
    prices(client, [50.0, 51.0])
    assert settlement.settle() == SettlementReport()
    store(client, prediction(1))
    assert settlement.settle().settled == 1


def test_a_revised_price_settles_again_what_it_changed(client: Client, settlement: Settlement) -> None:
    store(client, prediction(1), prediction(2, as_of=1), prediction(3, as_of=2))
    prices(client, [50.0, 51.0, 52.0, 53.0])
    settlement.settle()
    prices(client, [49.0], version=2, start=1)
    report = settlement.settle()
    assert (report.settled, report.revised) == (0, 2)
    rows = settled(client)
    assert rows[1]["actual_return"] == pytest.approx(math.log(49 / 50))
    assert rows[1]["hit"] is False
    assert [rows[number]["version"] for number in (1, 2, 3)] == [2, 2, 1]
    assert settlement.settle() == SettlementReport()


def test_a_dividend_that_rescales_the_history_revises_nothing(client: Client, settlement: Settlement) -> None:
    store(client, *(prediction(number, as_of=number) for number in range(20)))
    closes = np.linspace(50, 60, 30)
    prices(client, closes.tolist())
    settlement.settle()
    prices(client, (closes * 0.9873).tolist(), version=2)
    assert settlement.settle() == SettlementReport()


def test_only_the_instruments_named_are_settled(client: Client, settlement: Settlement) -> None:
    store(client, prediction(1), prediction(2, ticker="IBM", model_name="random_walk", model_version=None))
    prices(client, [50.0, 51.0])
    prices(client, [90.0, 91.0], ticker="IBM")
    assert settlement.settle([IBM]).groups == (SettledGroup(IBM, "random_walk", None, 1, 1, 0),)
    assert settlement.settle([Instrument("TW", "2330")]) == SettlementReport()
    assert settlement.settle([]) == SettlementReport()
    assert settlement.settle().groups == (SettledGroup(AAPL, "stock-US-AAPL", "3", 1, 1, 0),)


def test_a_report_counts_by_version_and_horizon(client: Client, settlement: Settlement) -> None:
    store(
        client,
        *(prediction(number, as_of=number) for number in range(3)),
        *(prediction(10 + number, as_of=number, horizon=2) for number in range(2)),
        prediction(20, model_version="4"),
    )
    prices(client, [50.0, 51.0, 52.0, 53.0])
    assert {(group.model_version, group.horizon): group.settled for group in settlement.settle().groups} == {
        ("3", 1): 3,
        ("3", 2): 2,
        ("4", 1): 1,
    }


# --- rolling accuracy ---


def accuracy(table: Settlements, window: int = 60, **wanted: Any) -> RollingAccuracy:
    (row,) = table.rolling(AccuracyFilter(**wanted), [window])
    return row


def test_rolling_accuracy_is_what_its_definitions_give(
    client: Client, settlement: Settlement, table: Settlements
) -> None:
    rng = np.random.default_rng(3)
    closes = 50 * np.exp(np.cumsum(rng.normal(0, 0.01, 101)))
    forecasts = rng.normal(0, 0.01, 100)
    store(
        client,
        *(
            prediction(number, as_of=number, predicted=float(value), lower=198.0, upper=203.0, level=0.9)
            for number, value in enumerate(forecasts)
        ),
    )
    prices(client, closes.tolist())
    settlement.settle()
    realised = np.diff(np.log(closes))
    rows = table.rolling(AccuracyFilter(ticker="AAPL"), [20, 60, 250])
    assert [(row.window, row.n) for row in rows] == [(20, 20), (60, 60), (250, 100)]
    for row in rows:
        y, error = realised[-row.n :], forecasts[-row.n :] - realised[-row.n :]
        assert row.rmse == pytest.approx(np.sqrt(np.mean(error**2)))
        assert (row.mae, row.bias) == (pytest.approx(np.mean(np.abs(error))), pytest.approx(np.mean(error)))
        assert row.skill == pytest.approx(1 - np.sum(error**2) / np.sum(y**2))
        assert row.hit_rate == pytest.approx(np.mean((forecasts[-row.n :] > 0) == (y > 0)))
        assert row.coverage == pytest.approx(np.mean((y >= math.log(0.99)) & (y <= math.log(1.015))))
        assert (row.level, row.width) == (pytest.approx(0.9), pytest.approx(math.log(203 / 198)))
        assert (row.first_session, row.last_session) == (DAYS[100 - row.n + 1], DAYS[100])


def test_of_each_session_the_newest_forecast_counts(client: Client, settlement: Settlement, table: Settlements) -> None:
    store(client, prediction(1, predicted=0.5), prediction(2, predicted=0.01), prediction(3, as_of=1, predicted=0.01))
    prices(client, [50.0, 50.5, 51.0])
    settlement.settle()
    row = accuracy(table)
    assert row.n == 2
    assert row.mae < 0.01


def test_a_revised_settlement_counts_once_with_its_newest_outcome(
    client: Client, settlement: Settlement, table: Settlements
) -> None:
    store(client, prediction(1, predicted=0.0))
    prices(client, [50.0, 51.0])
    settlement.settle()
    prices(client, [52.0], version=2, start=1)
    settlement.settle()
    row = accuracy(table)
    assert (row.n, row.bias) == (1, pytest.approx(-math.log(52 / 50)))


def test_every_version_and_horizon_stands_alone_and_filters_narrow(
    client: Client, settlement: Settlement, table: Settlements
) -> None:
    store(
        client,
        prediction(1),
        prediction(2, horizon=2),
        prediction(3, model_version="4"),
        prediction(4, ticker="IBM", model_name="random_walk", model_version=None, predicted=0.0),
    )
    prices(client, [50.0, 50.0, 51.0])
    prices(client, [90.0, 91.0], ticker="IBM")
    settlement.settle()
    found = [(row.ticker, row.model_version, row.horizon) for row in table.rolling(AccuracyFilter())]
    assert found == [("AAPL", "3", 2), ("AAPL", "3", 1), ("AAPL", "4", 1), ("IBM", None, 1)]
    assert accuracy(table, model="random_walk").ticker == "IBM"
    assert accuracy(table, horizon=2).model_version == "3"
    assert table.rolling(AccuracyFilter(exchange="TW")) == []
    assert len(table.rolling(AccuracyFilter(), limit=2)) == 2
    # The close did not move: nothing to be better than, and no direction to hit.
    still = table.rolling(AccuracyFilter(ticker="AAPL", horizon=1))[0]
    assert (still.skill, still.hit_rate, still.coverage, still.width) == (None, None, None, None)


# --- after a load ---


@pytest.fixture(scope="module")
def loading(local_stack: LocalStack, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    local_stack.require("raw_db", "model_meta_db")
    for database in (settings.raw_db, settings.model_meta_db):
        with get_engine(database).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"CREATE DATABASE {database.database}_settlement"))
    own = settings.model_copy(
        update={
            "raw_db": settings.raw_db.model_copy(update={"database": f"{settings.raw_db.database}_settlement"}),
            "model_meta_db": settings.model_meta_db.model_copy(
                update={"database": f"{settings.model_meta_db.database}_settlement"}
            ),
            "etl": settings.etl.model_copy(update={"export_dir": tmp_path_factory.mktemp("exports")}),
        }
    )
    migrate(own)
    return own


def test_loading_a_session_settles_the_predictions_that_waited_for_it(
    loading: Settings, client: Client, tmp_path: Path
) -> None:
    file = tmp_path / "AAPL.csv"

    def load(rows: int) -> None:
        with file.open("w", newline="") as handle:
            out = csv.writer(handle)
            out.writerow(["Date", "Open", "High", "Low", "Close", "Volume"])
            for number, day in enumerate(DAYS[:rows]):
                close = 50 + number % 7
                out.writerow([day, close, close + 1, close - 1, close, 1000])
        report = run_etl(loading, EtlRequest("file", ["AAPL"], file=file))
        assert not report.failed, report

    load(100)
    store(client, prediction(1, as_of=99), prediction(2, as_of=50))
    load(101)
    rows = settled(client)
    assert set(rows) == {1, 2}
    assert rows[1]["actual_return"] == pytest.approx(math.log((50 + 100 % 7) / (50 + 99 % 7)))


def test_the_platform_settles_by_itself_every_hour(local_stack: LocalStack) -> None:
    local_stack.require("workflows")
    shared = local_stack.settings
    client = open_client(shared.clickhouse)
    prices(client, [50.0, 51.0], ticker="LATE")
    store(client, prediction(77, ticker="LATE"))
    address = shared.prefect.api_url
    with PrefectServer(address) as prefect:
        run_id = prefect.start("settlement/settlement", {"tickers": ["LATE"]})
        wait_for(lambda: prefect.state(run_id).final, seconds=60, what="the flow run")
    assert settled(client)[77]["actual_close"] == pytest.approx(204.0)
    deployment = httpx.get(f"{address}/deployments/name/settlement/settlement").json()
    assert [entry["schedule"]["interval"] for entry in deployment["schedules"]] == [3600.0]
    shown = local_stack.cli("accuracy", "late")
    assert "US:LATE" in shown.stdout, shown.stderr
    refused = local_stack.cli("backtest", "LATE")
    assert refused.returncode == 1
    assert "no trained model serves US:LATE" in " ".join(refused.stderr.split())


def test_a_load_goes_on_when_predictions_cannot_be_settled(settings: Settings) -> None:
    away = settings.model_copy(update={"clickhouse": settings.clickhouse.model_copy(update={"port": 1})})
    with pytest.raises(DependencyUnavailableError, match="ClickHouse"):
        open_settlement(away).settle([AAPL])
    settle_loaded(open_settlement(away))([AAPL])


def test_a_hundred_thousand_predictions_are_settled_within_seconds(client: Client, settlement: Settlement) -> None:
    """Set by set: a row at a time would take minutes."""
    days, tickers = 400, 25
    for number in range(tickers):
        prices(client, np.linspace(50, 60, days).tolist(), ticker=f"T{number}")
    client.command(
        "INSERT INTO predictions (prediction_id, exchange, ticker, made_at, as_of, target_session, horizon, last_close,"
        " predicted_return, predicted_close, lower, upper, level, model_name, model_version)"
        " WITH row AS (SELECT number, number % {tickers:UInt32} AS t, intDiv(number, {tickers:UInt32})"
        " % ({days:UInt32} - 1) AS day FROM numbers(100000)),"
        " days AS (SELECT groupArray(session) AS all FROM"
        " (SELECT session FROM prices WHERE ticker = 'T0' ORDER BY session))"
        " SELECT generateUUIDv4(number), 'US', concat('T', toString(t)), now64(6), days.all[day + 1],"
        " days.all[day + 2], 1, 50, 0.001, 50.05, 49, 51, 0.9, 'stock', '1' FROM row CROSS JOIN days",
        parameters={"tickers": tickers, "days": days},
    )
    began = wall_now()
    assert settlement.settle().settled == 100_000
    assert settlement.settle() == SettlementReport()
    assert wall_now() - began < timedelta(seconds=40)
