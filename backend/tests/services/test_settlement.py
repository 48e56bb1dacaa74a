from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError
from prometheus_client import REGISTRY
from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.instruments import Instrument
from stock_mlops.services.settlement import Settlement, settle_loaded
from stock_mlops.stores.settlements import SettledGroup

NOW = datetime(2026, 11, 22, tzinfo=UTC)


class Table:
    """Settles one prediction of everything it is asked for; raises ``error`` instead when it has one."""

    def __init__(self, counts: dict[str, int], error: Exception | None = None) -> None:
        self._counts = {Instrument("US", ticker): count for ticker, count in counts.items()}
        self._error = error
        self.asked: list[list[str]] = []
        self.moments: list[datetime] = []

    def predicted(self, instruments: Collection[Instrument] | None = None) -> dict[Instrument, int]:
        return {item: n for item, n in self._counts.items() if instruments is None or item in instruments}

    def settle(self, instruments: Collection[Instrument], settled_at: datetime) -> list[SettledGroup]:
        if self._error is not None:
            raise self._error
        self.asked.append([item.ticker for item in instruments])
        self.moments.append(settled_at)
        return [SettledGroup(item, "m", "1", 1, settled=2, revised=1) for item in instruments]


_seconds = count()


def clock() -> datetime:
    """Never the same moment twice."""
    return NOW + timedelta(seconds=next(_seconds))


def failures() -> float:
    return REGISTRY.get_sample_value("stock_settlement_failures_total") or 0.0


def test_instruments_share_a_statement_up_to_what_memory_bears() -> None:
    table = Table({"E": 1, "A": 90_000, "B": 90_000, "C": 90_000, "D": 500_000})
    report = Settlement(table, clock).settle()
    assert table.asked == [["A", "B"], ["C"], ["D"], ["E"]]
    assert len(set(table.moments)) == 4
    assert (report.settled, report.revised) == (10, 5)


def test_a_statement_names_a_bounded_number_of_instruments() -> None:
    table = Table({f"T{number}": 1 for number in range(1200)})
    Settlement(table, clock).settle()
    assert [len(asked) for asked in table.asked] == [500, 500, 200]


def test_what_was_never_predicted_is_not_asked_for() -> None:
    table = Table({"A": 1, "B": 1})
    Settlement(table, clock).settle([Instrument("US", "B"), Instrument("TW", "2330")])
    assert table.asked == [["B"]]
    assert Settlement(table, clock).settle([]).groups == ()


def test_a_server_that_does_not_answer_is_named() -> None:
    with pytest.raises(DependencyUnavailableError, match="ClickHouse is unavailable"):
        Settlement(Table({"A": 1}, OperationalError("refused")), clock).settle()


@pytest.mark.parametrize("error", [OperationalError("refused"), DatabaseError("no such table")])
def test_a_load_goes_on_without_its_settlement_and_that_is_counted(error: Exception) -> None:
    before = failures()
    settle_loaded(Settlement(Table({"A": 1}, error), clock))([Instrument("US", "A")])
    assert failures() == before + 1


def test_a_load_settles_what_it_loaded() -> None:
    table = Table({"A": 1, "B": 1})
    settle_loaded(Settlement(table, clock))([Instrument("US", "B")])
    assert table.asked == [["B"]]
