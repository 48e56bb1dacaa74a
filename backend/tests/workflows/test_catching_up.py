from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.states import Completed, Scheduled, State
from stock_kit.clock import wall_now
from stock_mlops.workflows.catching_up import catch_up
from stock_mlops.workflows.schedules import Every

DEPLOYMENT = uuid4()
HOURLY = Every(timedelta(hours=1))


class Server:
    """Keeps flow runs as Prefect's does."""

    def __init__(self) -> None:
        self.runs: list[FlowRun] = []
        self.started: dict[str, dict[str, Any]] = {}

    def add(self, expected: datetime, state: State[Any] | None, auto: bool = True, **parameters: Any) -> FlowRun:
        run = FlowRun(
            flow_id=uuid4(),
            deployment_id=DEPLOYMENT,
            expected_start_time=expected,
            state=state,
            auto_scheduled=auto,
            parameters=parameters,
            run_count=0 if state is not None and state.is_scheduled() else 1,
        )
        self.runs.append(run)
        return run

    def read_flow_runs(self, **_: Any) -> list[FlowRun]:
        due = [run for run in self.runs if cast(datetime, run.expected_start_time) <= wall_now()]
        return sorted(due, key=lambda run: cast(datetime, run.expected_start_time), reverse=True)

    def delete_flow_run(self, run_id: UUID) -> None:
        self.runs = [run for run in self.runs if run.id != run_id]

    def create_flow_run_from_deployment(
        self, deployment_id: UUID, parameters: dict[str, Any], idempotency_key: str
    ) -> FlowRun:
        if idempotency_key not in self.started:
            self.started[idempotency_key] = parameters
        return self.add(wall_now(), Scheduled(), auto=False, **parameters)


@pytest.fixture
def server() -> Server:
    return Server()


def catch(server: Server, *dues: Every) -> None:
    catch_up(cast(SyncPrefectClient, server), DEPLOYMENT, dues or (HOURLY,))


def test_a_missed_run_is_started_once(server: Server) -> None:
    server.add(wall_now() - timedelta(hours=9), Completed())
    catch(server)
    catch(server)
    assert list(server.started.values()) == [{}]


def test_two_replicas_that_notice_at_once_start_one(server: Server) -> None:
    server.add(wall_now() - timedelta(hours=9), Completed())
    catch(server)
    server.runs.pop()
    catch(server)
    assert len(server.started) == 1


def test_what_ran_when_it_was_due_is_not_run_again(server: Server) -> None:
    server.add(HOURLY.last(wall_now()), Completed())
    catch(server)
    assert server.started == {}


def test_a_run_over_some_tickers_stands_for_none_over_all(server: Server) -> None:
    server.add(wall_now() - timedelta(hours=9), Completed())
    server.add(wall_now(), Completed(), auto=False, tickers=["AAPL"])
    catch(server)
    assert list(server.started.values()) == [{}]


def test_of_a_night_that_waits_the_newest_run_remains(server: Server) -> None:
    last = HOURLY.last(wall_now())
    waiting = [server.add(last - timedelta(hours=hours), Scheduled()) for hours in range(8)]
    begun = server.add(last - timedelta(hours=9), Completed())
    asked_for = server.add(last - timedelta(hours=3), Scheduled(), auto=False)
    catch(server)
    assert [run.id for run in server.runs] == [waiting[0].id, begun.id, asked_for.id]
    assert server.started == {}


def test_a_deployment_that_never_ran_was_not_missed(server: Server) -> None:
    server.add(wall_now() + timedelta(minutes=5), Scheduled())
    catch(server)
    assert server.started == {}


def test_each_rhythm_is_caught_up_with_by_itself(server: Server) -> None:
    daily = timedelta(days=1)
    dues = Every(daily, parameters={"exchange": "US"}), Every(daily, parameters={"exchange": "TW"})
    server.add(wall_now() - timedelta(days=3), Completed(), exchange="US")
    server.add(wall_now(), Completed(), exchange="TW")
    catch(server, *dues)
    assert list(server.started.values()) == [{"exchange": "US"}]
