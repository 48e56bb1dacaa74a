"""The ClickHouse front of the local profile, used as ClickHouse is: through its own client and over plain HTTP."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import clickhouse_connect
import httpx
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import StreamFailureError
from stock_local.testing import LocalStack
from stock_mlops.stores.clickhouse import open_client

pytestmark = pytest.mark.integration

DATABASE = "front_test"


@pytest.fixture(scope="module")
def front(local_stack: LocalStack) -> LocalStack:
    local_stack.require("clickhouse")
    settings = local_stack.settings.clickhouse
    open_client(settings, database="").command(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
    return local_stack


@pytest.fixture
def client(front: LocalStack) -> Iterator[Client]:
    with open_client(front.settings.clickhouse, database=DATABASE) as client:
        yield client


@pytest.fixture
def table(client: Client) -> Iterator[None]:
    columns = "id UInt64, name String, day Date32, close Float64"
    client.command(f"CREATE TABLE prices ({columns}) ENGINE = ReplacingMergeTree ORDER BY id")
    yield
    client.command("DROP TABLE prices")


@pytest.fixture
def http(front: LocalStack) -> Iterator[httpx.Client]:
    settings = front.settings.clickhouse
    headers = {"X-ClickHouse-User": settings.user, "X-ClickHouse-Key": settings.password.get_secret_value()}
    with httpx.Client(base_url=f"http://{settings.host}:{settings.port}", headers=headers, timeout=30) as client:
        yield client


def frame(rows: int) -> pd.DataFrame:
    numbers = np.arange(rows, dtype=np.uint64)
    day = datetime.date(2012, 6, 29)
    names = [f"n{number % 7}" for number in numbers]
    return pd.DataFrame({"id": numbers, "name": names, "day": day, "close": numbers / 4})


def test_rows_come_back_as_they_went_in(client: Client, table: None) -> None:
    rows = [(1, "a FORMAT b", datetime.date(2000, 3, 1), 1.5), (2, "é \n '", datetime.date(1969, 1, 1), -2.0)]
    summary = client.insert("prices", rows, column_names=["id", "name", "day", "close"])
    assert summary.written_rows == 2
    assert client.query("SELECT * FROM prices ORDER BY id").result_rows == rows


@pytest.mark.parametrize("compress", [False, "lz4", "zstd", "gzip"])
def test_large_frames_go_both_ways_in_every_compression(front: LocalStack, table: None, compress: str | bool) -> None:
    settings = front.settings.clickhouse
    client = clickhouse_connect.get_client(
        host=settings.host,
        port=settings.port,
        username=settings.user,
        password=settings.password.get_secret_value(),
        database=DATABASE,
        compress=compress,
    )
    sent = frame(200_000)
    client.insert_df("prices", sent)
    got = client.query_df("SELECT * FROM prices ORDER BY id")
    assert len(got) == len(sent)
    assert got["close"].sum() == sent["close"].sum()


def test_arrow_and_polars_frames_go_both_ways(client: Client, table: None) -> None:
    sent = pa.table({"id": pa.array(range(1000), pa.uint64()), "name": ["x"] * 1000, "close": [1.0] * 1000})
    client.insert_arrow("prices", sent)
    assert client.query_arrow("SELECT id, close FROM prices ORDER BY id").num_rows == 1000
    assert client.query_arrow("SELECT id FROM prices WHERE id > 5000").schema.names == ["id"]
    client.insert_df_arrow("prices", pl.DataFrame({"id": [5000], "name": ["y"]}, schema_overrides={"id": pl.UInt64}))
    got = client.query_df_arrow("SELECT name FROM prices WHERE id = 5000", dataframe_library="polars")
    assert got["name"].to_list() == ["y"]


def test_a_result_is_streamed_block_by_block(client: Client, table: None) -> None:
    client.insert_df("prices", frame(300_000))
    with client.query_row_block_stream("SELECT id FROM prices") as blocks:
        sizes = [len(block) for block in blocks]
    assert sum(sizes) == 300_000
    assert len(sizes) > 1
    with client.query_arrow_stream("SELECT id FROM prices") as batches:
        assert sum(batch.num_rows for batch in batches) == 300_000


def test_an_error_in_the_middle_of_a_stream_reaches_the_reader(client: Client) -> None:
    with (
        pytest.raises(StreamFailureError, match="Stream failed"),
        client.query_row_block_stream("SELECT throwIf(number = 900000) FROM numbers(1000000)") as blocks,
    ):
        for _ in blocks:
            pass


def test_final_limit_by_and_alter_work(client: Client, table: None) -> None:
    for close in (1.0, 2.0):
        client.insert("prices", [[7, "x", datetime.date(2000, 1, 3), close]])
    assert client.query("SELECT close FROM prices FINAL").result_rows == [(2.0,)]
    assert client.query("SELECT id FROM prices LIMIT 1 BY id").result_rows == [(7,)]
    client.command("ALTER TABLE prices ADD COLUMN IF NOT EXISTS volume Float64 DEFAULT 5")
    client.command("ALTER TABLE prices UPDATE volume = 6 WHERE id = 7 SETTINGS mutations_sync = 1")
    assert client.query("SELECT volume FROM prices FINAL").result_rows == [(6.0,)]


def test_parameters_are_bound_by_the_server(client: Client) -> None:
    values = {"text": "it's \\ \n a 'text'", "list": ["a'b", "c"], "none": None, "day": datetime.date(2012, 8, 1)}
    sql = "SELECT {text:String}, {list:Array(String)}, {none:Nullable(Float64)}, {day:Date32}"
    assert client.query(sql, parameters=values).result_rows == [tuple(values.values())]


def test_a_setting_holds_for_its_query_only(client: Client) -> None:
    sql = "SELECT getSetting('max_threads')"
    assert client.query(sql, settings={"max_threads": 1}).result_rows == [(1,)]
    assert client.query(sql).result_rows != [(1,)]


@pytest.mark.parametrize(
    ("sql", "code", "status"),
    [("SELECT * FROM absent", 60, 404), ("SELEC 1", 62, 400), ("SELECT nope", 47, 500)],
)
def test_an_error_carries_clickhouses_code_and_text(http: httpx.Client, sql: str, code: int, status: int) -> None:
    answer = http.post("/", content=sql)
    assert answer.status_code == status
    assert answer.headers["X-ClickHouse-Exception-Code"] == str(code)
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")


def test_a_broken_insert_is_refused_and_leaves_nothing(http: httpx.Client, client: Client, table: None) -> None:
    answer = http.post("/", params={"database": DATABASE}, content="INSERT INTO prices (id) FORMAT CSV\n1\ntwo\n")
    assert answer.headers["X-ClickHouse-Exception-Code"] == "117"  # INCORRECT_DATA
    assert client.command("SELECT count() FROM prices") == 0


def test_an_unknown_database_setting_and_path_are_refused(http: httpx.Client) -> None:
    assert http.post("/", params={"database": "absent"}, content="SELECT 1").status_code == 404
    assert "UNKNOWN_SETTING" in http.post("/", params={"no_such": "1"}, content="SELECT 1").text
    assert http.get("/play").status_code == 404
    assert "Empty query" in http.post("/", content=" ").text


def test_the_password_is_asked_in_each_way_and_for_everything_but_ping(front: LocalStack) -> None:
    settings = front.settings.clickhouse
    url = f"http://{settings.host}:{settings.port}/"
    user, password = settings.user, settings.password.get_secret_value()
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    right: list[dict[str, dict[str, str]]] = [
        {"headers": {"X-ClickHouse-User": user, "X-ClickHouse-Key": password}},
        {"headers": {"Authorization": f"Basic {basic}"}},
        {"params": {"user": user, "password": password}},
    ]
    wrong: list[dict[str, dict[str, str]]] = [
        {},
        {"headers": {"X-ClickHouse-User": user, "X-ClickHouse-Key": "x"}},
        {"headers": {"X-ClickHouse-User": "other", "X-ClickHouse-Key": password}},
        {"headers": {"Authorization": "Basic !"}},
        {"params": {"user": user, "password": ""}},
    ]
    for options in right:
        assert httpx.post(url, content="SELECT 1", **options).text == "1\n"  # type: ignore[arg-type]
    for options in wrong:
        answer = httpx.post(url, content="SELECT 1", **options)  # type: ignore[arg-type]
        assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (403, "516")
    assert httpx.get(url + "ping").text == "Ok.\n"


def test_the_format_is_the_querys_the_headers_or_the_default(http: httpx.Client) -> None:
    assert http.get("/", params={"query": "SELECT 1 AS x FORMAT JSONEachRow"}).text == '{"x":1}\n'
    assert http.post("/", content="SELECT 1, 2", headers={"X-ClickHouse-Format": "CSV"}).text == "1,2\n"
    assert http.post("/", params={"default_format": "CSV"}, content="SELECT 1, 2").text == "1,2\n"
    answer = http.post("/", content="SELECT 1, 2")
    assert (answer.text, answer.headers["X-ClickHouse-Format"]) == ("1\t2\n", "TabSeparated")


def test_parameters_may_come_as_a_form(http: httpx.Client) -> None:
    form = {"query": (None, "SELECT {x:UInt8} + 1"), "param_x": (None, "4")}
    assert http.post("/", files=form).text == "5\n"


def test_a_quick_query_does_not_wait_for_a_slow_one(front: LocalStack, client: Client) -> None:
    slow = "SELECT sum(sleepEachRow(0.5)) FROM numbers(6) SETTINGS max_block_size = 1"
    other = open_client(front.settings.clickhouse, database=DATABASE)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(other.query, slow)
        while client.command("SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow(0.5)%'") < 2:
            pass
        assert client.command("SELECT 1") == 1
        assert not running.done()


def test_what_was_acknowledged_survives_a_kill(front: LocalStack, client: Client, table: None) -> None:
    client.insert_df("prices", frame(1000))
    front.kill("clickhouse")
    front.wait_ready("clickhouse")
    assert client.command("SELECT count() FROM prices") == 1000
