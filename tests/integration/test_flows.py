"""ETL through a real Prefect server, broken files, the replay, and what accidents leave behind."""

from __future__ import annotations

import csv
import random
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, create_engine, text
from stock_local.testing import LocalStack
from stock_mlops.errors import DependencyUnavailableError, InvalidRequestError, NotFoundError
from stock_mlops.instruments import sessions_of
from stock_mlops.services.etl_report import RunReport
from stock_mlops.stores.etl_runs import EtlRun, EtlRuns
from stock_mlops.stores.market_clock import MarketClocks, ReplayState
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.prefect_server import PrefectServer
from stock_mlops.stores.uploads import Uploads

from tests.integration.support import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

DAYS = sessions_of("US").between(date(2025, 1, 2), date(2025, 12, 31))
HEADER = ("Date", "Open", "High", "Low", "Close", "Volume")
Row = list[object]

# Enough for a load to be caught at work.
TICKERS = 150


@pytest.fixture(scope="module")
def workflows(local_stack: LocalStack) -> LocalStack:
    """Everything that ETL needs, and nothing else."""
    local_stack.require("workflows", "redis")
    return local_stack


@pytest.fixture
def prefect(workflows: LocalStack) -> Iterator[PrefectServer]:
    with PrefectServer(workflows.settings.prefect.api_url) as server:
        yield server


def price_rows(days: Iterable[date] = DAYS, seed: int = 7) -> list[Row]:
    walk = random.Random(seed)
    close, rows = 100.0, []
    for day in days:
        opened, close = close, round(close * (1 + walk.gauss(0, 0.01)), 4)
        rows.append([day, opened, max(opened, close), min(opened, close), close, walk.randint(100, 999)])
    return rows


def write_csv(file: Path, rows: Iterable[Row], header: Iterable[str] = HEADER) -> Path:
    with file.open("w", newline="") as handle:
        out = csv.writer(handle)
        out.writerow(header)
        out.writerows(rows)
    return file


def run_of(stack: LocalStack, flow_run_id: str) -> EtlRun | None:
    return EtlRuns(get_engine(stack.settings.raw_db)).of_flow_run(flow_run_id)


def stored_rows(stack: LocalStack, ticker: str) -> int:
    with get_engine(stack.settings.raw_db).connect() as connection:
        count = connection.execute(text("SELECT count(*) FROM raw_prices WHERE ticker = :ticker"), {"ticker": ticker})
        return int(count.scalar_one())


# --- ETL ---


def test_a_second_load_of_a_file_writes_nothing_and_says_so(workflows: LocalStack, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "my prices.csv", price_rows())
    arguments = ("etl", "--source", "file", str(file), "--ticker", "TWICE", "--exchange", "US")

    first = workflows.cli(*arguments)
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"US:TWICE: {len(DAYS)} rows written" in first.stdout
    assert stored_rows(workflows, "TWICE") == len(DAYS)

    second = workflows.cli(*arguments)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "Nothing new" in second.stdout
    assert stored_rows(workflows, "TWICE") == len(DAYS)


def test_datasets_lists_what_was_loaded(workflows: LocalStack, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "listed.csv", price_rows())
    workflows.cli("etl", "--source", "file", str(file), "--ticker", "LISTED", "--direct")
    listed = workflows.cli("datasets")
    assert listed.returncode == 0, listed.stderr
    line = next(line for line in listed.stdout.splitlines() if "US:LISTED" in line)
    assert line.split()[:5] == ["US:LISTED", "file", "live", str(DAYS[0]), str(DAYS[-1])]


def test_a_file_without_prices_is_refused_with_what_it_lacks(workflows: LocalStack, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "nocol.csv", [row[:4] for row in price_rows()], HEADER[:4])
    done = workflows.cli("etl", "--source", "file", str(file), "--ticker", "REFUSED")
    assert done.returncode == 1
    assert "Refused: nocol.csv: no price column" in done.stderr
    assert stored_rows(workflows, "REFUSED") == 0


def test_rows_that_are_wrong_are_named_and_the_others_are_loaded(workflows: LocalStack, tmp_path: Path) -> None:
    rows = price_rows()
    rows[3][4] = "abc"
    again, future = list(rows[10]), [date(2099, 1, 2), 1, 1, 1, 1, 1]
    file = write_csv(tmp_path / "partly.csv", [*rows, again, future])

    done = workflows.cli("etl", "--source", "file", str(file), "--ticker", "PARTLY", "--direct")

    assert done.returncode == 0, done.stdout + done.stderr
    output = " ".join(done.stdout.split())
    assert "3 rows rejected" in output
    assert f"row 5 ({DAYS[3]}): close: expected a number, got 'abc'" in output
    assert f"row {len(rows) + 2} ({DAYS[10]}): the session comes more than once" in output
    assert f"row {len(rows) + 3} (2099-01-02): lies in the future" in output
    assert stored_rows(workflows, "PARTLY") == len(DAYS) - 1


def test_one_ticker_that_fails_does_not_fail_the_others(workflows: LocalStack) -> None:
    done = workflows.cli("etl", "--source", "sample", "--ticker", "FB", "--ticker", "NOSUCH")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "US:NOSUCH: the sample has no US:NOSUCH" in " ".join(done.stderr.split())
    assert stored_rows(workflows, "FB") > 0


def test_the_page_of_the_flow_run_shows_the_report(workflows: LocalStack, prefect: PrefectServer) -> None:
    run_id = prefect.start("etl/etl", {"source": "sample", "tickers": ["FB"]})
    wait_for(lambda: prefect.state(run_id).final, seconds=60, what="the flow run")
    found = httpx.post(
        f"{workflows.settings.prefect.api_url}/artifacts/filter",
        json={"artifacts": {"key": {"any_": ["etl-report"]}, "flow_run_id": {"any_": [run_id]}}},
    ).json()
    assert "| US:FB |" in found[0]["data"]


# --- the Prefect server seen from a command ---


def test_parameters_that_do_not_fit_are_refused_before_anything_runs(prefect: PrefectServer) -> None:
    with pytest.raises(InvalidRequestError, match="etl/etl refuses these parameters"):
        prefect.start("etl/etl", {"source": "reuters"})


def test_a_deployment_that_nobody_serves_is_named(prefect: PrefectServer) -> None:
    with pytest.raises(NotFoundError, match="no deployment etl/nothing"):
        prefect.require("etl/nothing")


# --- accidents ---


def many_tickers(file: Path, tickers: int) -> Path:
    rows = price_rows()
    return write_csv(file, ([f"MANY{n}", *row] for n in range(tickers) for row in rows), ("Ticker", *HEADER))


def begin_long_load(stack: LocalStack, prefect: PrefectServer, folder: Path) -> str:
    """A load that takes some seconds, at work."""
    key = Uploads(stack.settings.s3).put(many_tickers(folder / "many.csv", TICKERS))
    run_id = prefect.start("etl/etl", {"source": "file", "upload": key, "full": True})
    wait_for(lambda: bool(run_of(stack, run_id)), seconds=30, what="the load to begin")
    return run_id


def test_a_load_that_died_with_its_process_is_finished_by_the_next(
    workflows: LocalStack, prefect: PrefectServer, tmp_path: Path
) -> None:
    run_id = begin_long_load(workflows, prefect, tmp_path)
    workflows.kill("workflows")
    workflows.wait_ready("workflows")
    wait_for(lambda: prefect.state(run_id).final, seconds=200, what="the flow run to be finished")
    assert prefect.state(run_id).type == "COMPLETED"
    run = run_of(workflows, run_id)
    assert run is not None
    assert run.state == "completed"
    assert len(RunReport.from_dict(run.report).tickers) == TICKERS
    assert stored_rows(workflows, f"MANY{TICKERS - 1}") == len(DAYS)


def test_a_load_can_be_cancelled_on_prefects_page(
    workflows: LocalStack, prefect: PrefectServer, tmp_path: Path
) -> None:
    run_id = begin_long_load(workflows, prefect, tmp_path)
    url = f"{workflows.settings.prefect.api_url}/flow_runs/{run_id}/set_state"
    httpx.post(url, json={"state": {"type": "CANCELLING"}}).raise_for_status()
    wait_for(lambda: prefect.state(run_id).final, seconds=60, what="the flow run to end")
    assert prefect.state(run_id).type == "CANCELLED"
    run = run_of(workflows, run_id)
    assert run is not None
    assert run.state != "running"


def test_the_workflows_service_outlives_a_restart_of_the_prefect_server(
    workflows: LocalStack, prefect: PrefectServer
) -> None:
    before = workflows.pid("workflows")
    workflows.stop("prefect")
    with pytest.raises(DependencyUnavailableError):
        prefect.require("etl/etl")
    workflows.start("prefect")
    run_id = prefect.start("etl/etl", {"source": "sample", "tickers": ["FB"]})
    wait_for(lambda: prefect.state(run_id).final, seconds=60, what="the flow run after the restart")
    assert prefect.state(run_id).type == "COMPLETED"
    assert workflows.pid("workflows") == before


# --- the replay ---


def test_the_replay_moves_on_and_the_warehouse_follows(workflows: LocalStack) -> None:
    workflows.cli("etl", "--source", "sample", "--ticker", "FB")
    clocks = MarketClocks(get_engine(workflows.settings.model_meta_db))

    def session() -> date:
        state = clocks.replay()
        assert state is not None
        return state.session

    began = session()
    wait_for(lambda: session() > began, seconds=60, what="the replay's clock")
    wait_for(lambda: newest(workflows, "FB") > began, seconds=30, what="the released session")
    assert newest(workflows, "FB") <= session()


def newest(stack: LocalStack, ticker: str) -> date:
    with get_engine(stack.settings.raw_db).connect() as connection:
        found = connection.execute(
            text("SELECT max(session) FROM raw_prices WHERE ticker = :ticker"), {"ticker": ticker}
        ).scalar_one()
    assert isinstance(found, date)
    return found


@pytest.fixture
def clock_engine(servers: LocalStack) -> Iterator[Engine]:
    """A database whose market clock nobody else moves."""
    settings = servers.settings.model_meta_db
    admin = create_engine(settings.url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS clock_test"))
        connection.execute(text("CREATE DATABASE clock_test"))
    engine = create_engine(settings.model_copy(update={"database": "clock_test"}).url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE market_clock (timeline text PRIMARY KEY, market_now timestamptz NOT NULL,"
                " session date NOT NULL, ends_at date NOT NULL, updated_at timestamptz NOT NULL DEFAULT now())"
            )
        )
    yield engine
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(text("DROP DATABASE clock_test"))
    admin.dispose()


def test_of_many_replicas_that_saw_one_session_one_moves_the_clock(clock_engine: Engine) -> None:
    friday, monday = date(2012, 6, 29), date(2012, 7, 2)
    close = datetime(2012, 7, 2, 20, 1, tzinfo=UTC)
    seen = MarketClocks(clock_engine).start_replay(friday, datetime(2012, 6, 29, 20, 1, tzinfo=UTC), date(2013, 3, 1))
    moved: list[ReplayState | None] = []
    replicas = [MarketClocks(clock_engine) for _ in range(4)]
    threads = [threading.Thread(target=lambda r=r: moved.append(r.advance(seen, monday, close))) for r in replicas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(moved) == 4
    assert [state.session for state in moved if state is not None] == [monday]
    assert MarketClocks(clock_engine).clock("replay").now() == close


def test_starting_the_replay_again_keeps_its_place(clock_engine: Engine) -> None:
    clocks = MarketClocks(clock_engine)
    opened = datetime(2012, 6, 29, 20, 1, tzinfo=UTC)
    state = clocks.start_replay(date(2012, 6, 29), opened, date(2013, 3, 1))
    clocks.advance(state, date(2012, 7, 2), datetime(2012, 7, 2, 20, 1, tzinfo=UTC))
    again = MarketClocks(clock_engine).start_replay(date(2012, 6, 29), opened, date(2013, 3, 4))
    assert (again.session, again.ends_at) == (date(2012, 7, 2), date(2013, 3, 4))


# --- uploads ---


def test_an_upload_comes_back_under_its_name_and_is_kept_once(servers: LocalStack, tmp_path: Path) -> None:
    file = tmp_path / "my prices (1).csv"
    file.write_text("date,close\n2024-01-02,1\n")
    uploads = Uploads(servers.settings.s3)
    key = uploads.put(file)
    assert uploads.put(file) == key
    assert uploads.get(key, tmp_path).read_text() == file.read_text()


def test_an_upload_that_does_not_exist_is_not_found(servers: LocalStack, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="upload the file again"):
        Uploads(servers.settings.s3).get("uploads/0000000000000000/gone.csv", tmp_path)


def test_a_key_cannot_point_elsewhere(servers: LocalStack, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="expected a key like"):
        Uploads(servers.settings.s3).get("uploads/../../etc/passwd", tmp_path)


def test_an_s3_server_that_does_not_answer_is_named(servers: LocalStack, tmp_path: Path) -> None:
    nobody = servers.settings.s3.model_copy(update={"endpoint_url": "http://127.0.0.1:9"})
    file = tmp_path / "prices.csv"
    file.write_text("date,close\n")
    with pytest.raises(DependencyUnavailableError, match=r"S3 at http://127\.0\.0\.1:9 is unavailable"):
        Uploads(nobody).put(file)
