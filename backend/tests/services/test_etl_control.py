from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from stock_kit.model_settings import EtlSettings
from stock_mlops.errors import ConflictError, DependencyUnavailableError, InvalidRequestError, NotFoundError
from stock_mlops.services.etl_control import EtlControl, EtlOrder
from stock_mlops.stores.etl_runs import EtlRun
from stock_mlops.stores.prefect_server import RunState

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Prefect:
    """Flow runs, their records in raw_db, and uploads; ``down`` is Prefect's own outage."""

    def __init__(self) -> None:
        self.flows: dict[str, RunState] = {}
        self.runs: dict[str, EtlRun] = {}
        self.down = False
        self.registered = True

    def start(self, deployment: str, parameters: Mapping[str, Any]) -> str:
        self._check()
        if not self.registered:
            raise NotFoundError(f"no {deployment}")
        run_id = str(uuid4())
        self.become(run_id, "SCHEDULED", parameters)
        return run_id

    def state(self, run_id: str) -> RunState:
        self._check()
        if run_id not in self.flows:
            raise NotFoundError(f"no run {run_id}")
        return self.flows[run_id]

    def cancel(self, run_id: str) -> None:
        self.become(run_id, "CANCELLED", self.flows[run_id].parameters)

    def of_flow_run(self, flow_run_id: str) -> EtlRun | None:
        return self.runs.get(flow_run_id)

    def list(self, limit: int = 50) -> list[EtlRun]:
        return list(self.runs.values())[:limit]

    def put(self, file: Path) -> str:
        return f"uploads/{file.name}"

    def become(self, run_id: str, kind: str, parameters: Mapping[str, Any]) -> None:
        self.flows[run_id] = RunState(kind, kind.capitalize(), "", NOW, parameters)

    def record(self, run_id: str, state: Any) -> None:
        self.runs[run_id] = EtlRun(uuid4(), "sample", state, run_id, {"total": 1, "tickers": []}, NOW, None)

    def _check(self) -> None:
        if self.down:
            raise DependencyUnavailableError("Prefect", "refused")


@pytest.fixture
def prefect() -> Prefect:
    return Prefect()


@pytest.fixture
def control(prefect: Prefect) -> EtlControl:
    return EtlControl(prefect, prefect, prefect, EtlSettings())


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("SCHEDULED", "pending"),
        ("PENDING", "pending"),
        ("RUNNING", "running"),
        ("CANCELLING", "running"),
        ("COMPLETED", "completed"),
        ("FAILED", "failed"),
        ("CRASHED", "failed"),
        ("CANCELLED", "cancelled"),
    ],
)
def test_prefects_states_are_told_as_those_of_any_job(
    control: EtlControl, prefect: Prefect, kind: str, state: str
) -> None:
    status = control.start(EtlOrder("sample"))
    prefect.become(str(status.id), kind, {"source": "sample"})
    assert control.status(status.id).state == state


def test_a_run_that_ended_is_told_of_without_prefect_and_an_open_one_is_not(
    control: EtlControl, prefect: Prefect
) -> None:
    open_, ended = (control.start(EtlOrder("sample")).id for _ in range(2))
    prefect.record(str(open_), "running")
    prefect.record(str(ended), "completed")
    prefect.down = True
    assert control.status(ended).state == "completed"
    with pytest.raises(DependencyUnavailableError):
        control.status(open_)


def test_a_run_of_another_flow_is_not_found(control: EtlControl, prefect: Prefect) -> None:
    run_id = uuid4()
    prefect.become(str(run_id), "RUNNING", {})
    with pytest.raises(NotFoundError):
        control.status(run_id)
    with pytest.raises(NotFoundError):
        control.status(uuid4())


def test_a_flow_that_nobody_serves_yet_is_an_outage(control: EtlControl, prefect: Prefect) -> None:
    prefect.registered = False
    with pytest.raises(DependencyUnavailableError, match="workflows service"):
        control.start(EtlOrder("sample"))


def test_a_run_is_cancelled_while_it_is_open(control: EtlControl) -> None:
    run_id = control.start(EtlOrder("sample")).id
    assert control.cancel(run_id).state == "cancelled"
    with pytest.raises(ConflictError, match="cancelled already"):
        control.cancel(run_id)


def test_an_upload_is_loaded_as_it_was_ordered(control: EtlControl, prefect: Prefect, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("Tag,Kurs\n2024-01-02,10\n")
    order = EtlOrder("file", ("MINE",), "DE", columns={"date": "Tag", "close": "Kurs"})
    status = control.upload(file, order, skip_bad_rows=False)
    assert prefect.flows[str(status.id)].parameters == {
        "source": "file",
        "tickers": ["MINE"],
        "exchange": "DE",
        "full": False,
        "upload": "uploads/mine.csv",
        "columns": {"date": "Tag", "close": "Kurs"},
    }


def test_what_cannot_be_read_is_not_uploaded(control: EtlControl, prefect: Prefect, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("date,close\nsoon,10\n")
    with pytest.raises(InvalidRequestError, match=r"mine.csv: 1 of 1 rows cannot be read, the first is row 2"):
        control.upload(file, EtlOrder("file", ("MINE",)), skip_bad_rows=True)
    assert prefect.flows == {}


def test_the_list_names_runs_by_what_can_be_asked_for(control: EtlControl, prefect: Prefect) -> None:
    run_id = control.start(EtlOrder("sample")).id
    prefect.record(str(run_id), "completed")
    assert [status.id for status in control.newest(10)] == [UUID(str(run_id))]
