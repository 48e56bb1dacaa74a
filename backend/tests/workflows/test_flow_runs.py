from __future__ import annotations

import contextvars
import threading

import pytest
from stock_kit.settings import Settings
from stock_mlops.instruments import Instrument
from stock_mlops.workflows import etl, runner
from stock_mlops.workflows.environment import prefect_environment


@pytest.mark.parametrize("count", [1, 5, 32, 33, 1000])
def test_every_ticker_is_in_one_task_and_the_tasks_are_few(count: int) -> None:
    wanted = [Instrument("US", f"T{number}") for number in range(count)]
    batches = etl._batches(wanted)
    assert [item for batch in batches for item in batch] == wanted
    assert len(batches) <= 32
    assert count > 32 or all(len(batch) == 1 for batch in batches)


def test_the_flow_takes_what_the_command_sends() -> None:
    schema = etl.etl.parameters.model_dump()
    assert set(schema["properties"]) == {"source", "tickers", "exchange", "full", "upload", "columns"}
    assert schema["required"] == ["source"]
    assert schema["properties"]["source"]["enum"] == ["sample", "file", "yfinance"]


def test_nothing_is_cancelled_outside_a_flow_run() -> None:
    runner.check_cancelled()


def test_a_cancelled_flow_run_ends_in_every_thread_that_carries_its_context() -> None:
    cancel = threading.Event()
    context = contextvars.copy_context()
    context.run(runner._cancel_event.set, cancel)
    context.run(runner.check_cancelled)
    cancel.set()
    with pytest.raises(runner.FlowCancelledError):
        context.run(runner.check_cancelled)


def test_prefect_talks_to_the_server_of_our_settings_and_to_nobody_else() -> None:
    settings = Settings(_env_file=None)
    wanted = prefect_environment(settings)
    assert wanted["PREFECT_API_URL"] == settings.prefect.api_url
    assert wanted["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert wanted["DO_NOT_TRACK"] == "1"
