from __future__ import annotations

from datetime import date
from io import BytesIO
from typing import Any

import polars as pl
import pytest
from stock_mlops.features import feature_names
from stock_mlops.instruments import Instrument
from stock_mlops.prices.schema import CLEAN_SCHEMA
from stock_mlops.stores.session_warehouse import SessionWarehouse
from stock_mlops.stores.warehouse import Warehouse

IBM = Instrument("US", "IBM")
DAYS = IBM.sessions.between(date(2010, 1, 4), date(2010, 1, 29))


class Server:
    """As much of ClickHouse as reads ask for: rows of one instrument, by session."""

    def __init__(self, days: int) -> None:
        self.days = days
        self.growth = 1.0
        self.reads: list[int] = []

    def raw_query(self, sql: str, parameters: dict[str, Any], fmt: str) -> bytes:
        values = [float(number) * self.growth for number in range(self.days)]
        texts = {"exchange": "US", "ticker": "IBM", "source": "sample", "feature_version": "1"}
        floats = {name: values for name in (*CLEAN_SCHEMA, *feature_names()) if name not in (*texts, "session")}
        frame = pl.DataFrame({"session": DAYS[: self.days], **floats, "version": 1}).with_columns(
            pl.lit(value).alias(name) for name, value in texts.items()
        )
        selected = [
            part.replace("`", "").split() for part in sql.partition("SELECT")[2].partition("FROM")[0].split(",")
        ]
        wanted = [pl.col(part[0]).alias(part[-1]) for part in selected]
        span = pl.col("session").is_between(parameters.get("start", date.min), parameters.get("end", date.max))
        found = frame.filter(span).select(wanted)
        self.reads.append(len(found))
        buffer = BytesIO()
        found.write_ipc(buffer)
        return buffer.getvalue()

    def query(self, _sql: str) -> Any:
        class Found:
            result_rows = [(name,) for name in feature_names()]  # noqa: RUF012

        return Found()


@pytest.fixture
def server() -> Server:
    return Server(10)


def read(warehouse: Warehouse, **span: date) -> pl.DataFrame:
    return warehouse.training_frame(IBM, ("return_1", "gap"), span.get("start"), span.get("end")).frame


def test_it_reads_what_the_warehouse_reads_and_asks_once(server: Server) -> None:
    kept, plain = SessionWarehouse(server), Warehouse(server)  # type: ignore[arg-type]
    for span in ({}, {"start": DAYS[3]}, {"start": DAYS[3], "end": DAYS[5]}, {"end": DAYS[0]}):
        assert read(kept, **span).equals(read(plain, **span))
    assert server.reads.count(10) == 4  # two tables, by each of the two


def test_a_new_session_is_fetched_alone(server: Server) -> None:
    warehouse = SessionWarehouse(server)  # type: ignore[arg-type]
    read(warehouse)
    server.days, server.reads = 11, []
    assert read(warehouse)["session"][-1] == DAYS[9]
    warehouse.appended(IBM)
    assert read(warehouse)["session"][-1] == DAYS[10]
    assert server.reads == [1, 1]


def test_a_rewritten_history_is_read_anew(server: Server) -> None:
    warehouse = SessionWarehouse(server)  # type: ignore[arg-type]
    before = read(warehouse)
    server.growth = 2.0
    assert read(warehouse).equals(before)
    warehouse.rewritten(IBM)
    assert read(warehouse)["close"].to_list() == [2 * value for value in before["close"]]


def test_what_was_never_read_needs_no_new_session(server: Server) -> None:
    warehouse = SessionWarehouse(server)  # type: ignore[arg-type]
    warehouse.appended(IBM)
    assert server.reads == []
