from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy.exc import OperationalError
from stock_kit.settings import OutboxSettings
from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.services.group_commit import GroupCommit
from stock_mlops.stores.outbox import OutboxRow

pytestmark = pytest.mark.anyio


class Table:
    """A database that remembers its commits, and fails or hangs when told to."""

    def __init__(self) -> None:
        self.commits: list[list[OutboxRow]] = []
        self.error: Exception | None = None
        self.asked = threading.Event()
        self.answering = threading.Event()
        self.answering.set()

    def write(self, rows: Sequence[OutboxRow]) -> None:
        self.asked.set()
        self.answering.wait(10)
        if self.error is not None:
            raise self.error
        self.commits.append(list(rows))

    @property
    def rows(self) -> list[OutboxRow]:
        return [row for commit in self.commits for row in commit]


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def commits(table: Table) -> Iterator[GroupCommit]:
    group = GroupCommit(table.write, OutboxSettings(commit_window=timedelta(milliseconds=20)), timeout=5)
    group.start()
    yield group
    table.answering.set()
    group.close()


def row() -> OutboxRow:
    return OutboxRow(uuid4(), "stock.predictions", "US:AAPL", "{}")


async def test_rows_handed_over_together_are_one_commit_however_many(table: Table) -> None:
    group = GroupCommit(
        table.write, OutboxSettings(commit_window=timedelta(milliseconds=20), commit_batch=5), timeout=5
    )
    group.start()
    await asyncio.gather(group.append(*(row() for _ in range(3))), group.append(*(row() for _ in range(12))))
    group.close()
    assert [len(commit) for commit in table.commits] == [3, 12]


async def test_rows_that_arrive_together_share_one_commit(commits: GroupCommit, table: Table) -> None:
    rows = [row() for _ in range(50)]
    await asyncio.gather(*(commits.append(item) for item in rows))
    assert table.rows == rows
    assert len(table.commits) <= 2


async def test_a_commit_holds_no_more_than_the_batch(table: Table) -> None:
    group = GroupCommit(table.write, OutboxSettings(commit_batch=10))
    group.start()
    await asyncio.gather(*(group.append(row()) for _ in range(35)))
    group.close()
    assert max(len(commit) for commit in table.commits) <= 10
    assert len(table.rows) == 35


async def test_a_refused_commit_fails_all_its_requests_and_none_after_them(commits: GroupCommit, table: Table) -> None:
    table.error = OperationalError("INSERT", None, Exception("server closed the connection"))
    results = await asyncio.gather(*(commits.append(row()) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(result, DependencyUnavailableError) for result in results)
    assert table.rows == []

    table.error = None
    await commits.append(row())
    assert len(table.rows) == 1


async def test_a_bug_in_writing_reaches_the_request_and_spares_the_thread(commits: GroupCommit, table: Table) -> None:
    table.error = ValueError("bug")
    with pytest.raises(ValueError, match="bug"):
        await commits.append(row())
    table.error = None
    await commits.append(row())


async def test_a_database_that_hangs_gives_up_in_time_and_what_gave_up_is_not_written_later(table: Table) -> None:
    impatient = GroupCommit(table.write, OutboxSettings(), timeout=0.3)
    impatient.start()
    table.answering.clear()
    stuck = asyncio.create_task(impatient.append(row()))
    await asyncio.to_thread(table.asked.wait, 5)  # now its commit hangs
    with pytest.raises(DependencyUnavailableError, match="no commit within"):
        await impatient.append(late := row())
    with pytest.raises(DependencyUnavailableError):
        await stuck
    last = asyncio.create_task(impatient.append(expected := row()))
    await asyncio.sleep(0)
    table.answering.set()
    await last
    impatient.close()
    assert late not in table.rows
    assert expected in table.rows


async def test_closing_writes_what_waits(table: Table) -> None:
    group = GroupCommit(table.write, OutboxSettings(commit_window=timedelta(milliseconds=50)))
    group.start()
    waiting = asyncio.create_task(group.append(row()))
    await asyncio.sleep(0)
    await asyncio.to_thread(group.close)
    await waiting
    assert len(table.rows) == 1
