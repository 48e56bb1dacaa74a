from __future__ import annotations

from datetime import timedelta

import pytest
from stock_mlops.errors import DependencyUnavailableError, NotFoundError
from stock_mlops.services.deletion import Deletion
from stock_mlops.stores.deletions import DeletedVersion
from stock_mlops.stores.promotions import Change

FIRST, SECOND = (DeletedVersion("stock-US-AAPL", number, f"run{number}") for number in (1, 2))


class Marked:
    """Versions that are marked as deleted; ``purge_definitions`` lets the name go when none is left."""

    def __init__(self) -> None:
        self.left = [FIRST, SECOND]

    def due(self, retention: timedelta) -> list[DeletedVersion]:
        assert retention == timedelta(days=30)
        return list(self.left)

    def purge_version(self, deleted: DeletedVersion, change: Change) -> None:
        assert change.actor == "purge"
        self.left.remove(deleted)

    def purge_definitions(self, retention: timedelta) -> list[str]:
        return [] if self.left else ["stock-US-AAPL"]


class Server:
    """MLflow; notes what was removed."""

    def __init__(self) -> None:
        self.gone: list[object] = []
        self.errors: dict[str, Exception] = {}

    def delete_run(self, run_id: str) -> None:
        if error := self.errors.get(run_id):
            raise error
        self.gone.append(run_id)

    def delete_version(self, name: str, version: int) -> None:
        self.gone.append((name, version))

    def delete_registered_model(self, name: str) -> None:
        self.gone.append(name)


@pytest.fixture
def marked() -> Marked:
    return Marked()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def deletion(marked: Marked, server: Server) -> Deletion:
    return Deletion(marked, server, timedelta(days=30))  # type: ignore[arg-type]


def test_files_go_before_the_row_that_names_them_and_the_name_goes_last(
    deletion: Deletion, marked: Marked, server: Server
) -> None:
    report = deletion.purge()
    assert report.purged == [FIRST, SECOND]
    assert server.gone == ["run1", ("stock-US-AAPL", 1), "run2", ("stock-US-AAPL", 2), "stock-US-AAPL"]
    assert marked.left == []


def test_what_mlflow_does_not_let_go_of_stays_for_the_next_purge(
    deletion: Deletion, marked: Marked, server: Server
) -> None:
    server.errors["run1"] = DependencyUnavailableError("MLflow", "no answer")
    report = deletion.purge()
    assert (report.purged, report.failed) == ([SECOND], [FIRST])
    assert marked.left == [FIRST]
    assert "stock-US-AAPL" not in server.gone


def test_what_is_gone_already_counts_as_removed(deletion: Deletion, marked: Marked, server: Server) -> None:
    server.errors["run1"] = NotFoundError("MLflow does not know run1")
    assert deletion.purge().purged == [FIRST, SECOND]
    assert marked.left == []


def test_an_interrupted_purge_leaves_the_rest(deletion: Deletion, marked: Marked) -> None:
    calls = iter([None, RuntimeError("stop")])

    def check() -> None:
        if (error := next(calls)) is not None:
            raise error

    with pytest.raises(RuntimeError, match="stop"):
        deletion.purge(check)
    assert marked.left == [SECOND]
