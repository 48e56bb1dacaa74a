from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from uuid import uuid4

import pytest
from stock_kit.service_settings import OutboxSettings
from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.services.group_commit import GroupCommit
from stock_mlops.stores.outbox import OutboxRow

pytestmark = pytest.mark.anyio


class Table:
    """A database that remembers its commits, and fails or hangs when told to; and what was sent."""

    def __init__(self) -> None:
        self.commits: list[list[OutboxRow]] = []
        self.sent: list[str] = []
        self.error: Exception | None = None
        self.asked = asyncio.Event()
        self.answering = asyncio.Event()
        self.answering.set()

    def forward_all(self, events: Iterable[tuple[str, str, str]]) -> None:
        for topic, key, payload in events:
            assert (topic, key) == ("stock.predictions", "US:AAPL")
            self.sent.append(payload)

    async def write(self, rows: Sequence[OutboxRow]) -> None:
        self.asked.set()
        await self.answering.wait()
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
def commits(table: Table) -> GroupCommit:
    return GroupCommit([table.write], table, OutboxSettings(), timeout=5)


def row() -> OutboxRow:
    new = uuid4()
    return OutboxRow(str(new), "stock.predictions", "US:AAPL", f'{{"prediction_id": "{new}"}}')


async def test_rows_handed_over_together_are_one_commit_however_many(table: Table) -> None:
    group = GroupCommit([table.write], table, OutboxSettings(commit_batch=5), timeout=5)
    await asyncio.gather(group.append(*(row() for _ in range(3))), group.append(*(row() for _ in range(12))))
    assert [len(commit) for commit in table.commits] == [3, 12]


async def test_rows_that_arrive_together_share_one_commit(commits: GroupCommit, table: Table) -> None:
    rows = [row() for _ in range(50)]
    await asyncio.gather(*(commits.append(item) for item in rows))
    assert table.commits == [rows]


async def test_what_was_committed_is_sent_and_nothing_before(commits: GroupCommit, table: Table) -> None:
    table.answering.clear()
    rows = [row() for _ in range(3)]
    waiting = asyncio.gather(*(commits.append(item) for item in rows))
    await table.asked.wait()
    assert table.sent == []
    table.answering.set()
    await waiting
    await commits.append(row())
    await commits.close()
    assert table.sent == [item.payload for item in table.rows]


async def test_what_was_committed_is_sent_by_itself(commits: GroupCommit, table: Table) -> None:
    await asyncio.gather(commits.append(row()), commits.append(row(), row()))
    async with asyncio.timeout(5):
        while len(table.sent) < 3:
            await asyncio.sleep(0.001)
    await commits.close()
    assert table.sent == [item.payload for item in table.rows]


async def test_what_comes_during_a_commit_shares_the_next(commits: GroupCommit, table: Table) -> None:
    table.answering.clear()
    first = asyncio.create_task(commits.append(row()))
    await table.asked.wait()
    others = [asyncio.create_task(commits.append(row())) for _ in range(20)]
    await asyncio.sleep(0)
    assert not first.done()
    table.answering.set()
    await asyncio.gather(first, *others)
    assert [len(commit) for commit in table.commits] == [1, 20]


async def test_a_second_writer_commits_what_comes_during_the_first_commit() -> None:
    slow, quick = Table(), Table()
    slow.answering.clear()
    group = GroupCommit([quick.write, slow.write], quick, OutboxSettings())
    first, *others = [row() for _ in range(6)]
    held = asyncio.create_task(group.append(first))
    await slow.asked.wait()
    await asyncio.gather(*(group.append(item) for item in others[:3]))
    await asyncio.gather(*(group.append(item) for item in others[3:]))
    assert quick.commits == [others[:3], others[3:]]
    assert not held.done()
    slow.answering.set()
    await held
    assert slow.commits == [[first]]
    await group.close()
    assert sorted(quick.sent) == sorted(item.payload for item in (first, *others))


async def test_a_commit_holds_no_more_than_the_batch(table: Table) -> None:
    group = GroupCommit([table.write], table, OutboxSettings(commit_batch=10))
    await asyncio.gather(*(group.append(row()) for _ in range(35)))
    assert [len(commit) for commit in table.commits] == [10, 10, 10, 5]


async def test_a_refused_commit_fails_all_its_requests_and_none_after_them(commits: GroupCommit, table: Table) -> None:
    table.error = ConnectionResetError("server closed the connection")
    results = await asyncio.gather(*(commits.append(row()) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(result, DependencyUnavailableError) for result in results)
    assert (table.rows, table.sent) == ([], [])

    table.error = None
    await commits.append(row())
    assert len(table.rows) == 1


async def test_a_bug_in_writing_reaches_the_request_and_spares_the_next(commits: GroupCommit, table: Table) -> None:
    table.error = ValueError("bug")
    with pytest.raises(ValueError, match="bug"):
        await commits.append(row())
    table.error = None
    await commits.append(row())
    assert len(table.rows) == 1


async def test_a_database_that_hangs_gives_up_in_time_and_what_gave_up_is_not_written_later(table: Table) -> None:
    impatient = GroupCommit([table.write], table, OutboxSettings(), timeout=0.1)
    table.answering.clear()
    stuck = asyncio.create_task(impatient.append(row()))
    await table.asked.wait()  # now its commit hangs
    with pytest.raises(DependencyUnavailableError, match="no commit within"):
        await impatient.append(late := row())
    with pytest.raises(DependencyUnavailableError):
        await stuck
    last = asyncio.create_task(impatient.append(expected := row()))
    await asyncio.sleep(0)
    table.answering.set()
    await last
    assert late not in table.rows
    assert expected in table.rows


async def test_who_goes_away_is_left_out_and_keeps_nobody_else(commits: GroupCommit, table: Table) -> None:
    table.answering.clear()
    first = asyncio.create_task(commits.append(row()))
    await table.asked.wait()
    gone, staying = row(), row()
    leaving = asyncio.create_task(commits.append(gone))
    other = asyncio.create_task(commits.append(staying))
    await asyncio.sleep(0)
    leaving.cancel()
    table.answering.set()
    await asyncio.gather(first, other)
    assert gone not in table.rows
    assert staying in table.rows


async def test_closing_waits_for_what_waits(commits: GroupCommit, table: Table) -> None:
    waiting = asyncio.create_task(commits.append(row()))
    await asyncio.sleep(0)
    await commits.close()
    assert len(table.rows) == 1
    await waiting


async def test_closing_is_quick_when_nothing_was_written(commits: GroupCommit) -> None:
    await commits.close()
