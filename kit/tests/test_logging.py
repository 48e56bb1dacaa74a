from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from stock_kit.logging import configure_logging, get_logger, log_context
from stock_kit.service_settings import LogSettings


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging is of the whole process; leave it as it was found."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def configure(level: str = "INFO", form: str = "json") -> None:
    configure_logging(LogSettings.model_validate({"level": level, "format": form}), "backend1")


def test_a_line_is_json_with_event_data_service_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    get_logger("tests").info("model_loaded", model="stock-US-AAPL", version=3)
    (line,) = lines(capsys)
    assert line.items() >= {"event": "model_loaded", "model": "stock-US-AAPL", "version": 3}.items()
    assert line.items() >= {"service": "backend1", "level": "info", "logger": "tests"}.items()
    assert line["timestamp"].endswith("Z")


def test_ids_are_bound_to_every_line_inside_and_none_after(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    log = get_logger("tests")
    with log_context(request_id="r1"), log_context(job_id="j1"):
        log.info("inside")
        logging.getLogger("library").warning("of a library")
    log.info("outside")
    inside, library, outside = lines(capsys)
    assert (inside["request_id"], inside["job_id"]) == ("r1", "j1")
    assert (library["request_id"], library["event"]) == ("r1", "of a library")
    assert "request_id" not in outside


def test_lines_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure("WARNING")
    get_logger("tests").info("quiet")
    get_logger("tests").warning("loud")
    assert [line["event"] for line in lines(capsys)] == ["loud"]


def test_talkative_libraries_are_heard_from_warning_on(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    logging.getLogger("httpx").info("HTTP Request: GET ...")
    logging.getLogger("kafka.client").warning("no broker")
    assert [line["event"] for line in lines(capsys)] == ["no broker"]


def test_an_exception_is_part_of_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    try:
        raise ValueError("no such ticker")
    except ValueError:
        get_logger("tests").exception("prediction_failed")
    (line,) = lines(capsys)
    assert "ValueError: no such ticker" in line["exception"]


def test_people_get_one_readable_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure(form="console")
    get_logger("tests").info("model_loaded", version=3)
    out = capsys.readouterr().out
    assert "model_loaded" in out
    assert "version" in out
    assert out.count("\n") == 1


def test_lines_of_a_thread_name_the_service_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    thread = threading.Thread(target=lambda: get_logger("tests").info("from_a_thread"))
    thread.start()
    thread.join()
    (line,) = lines(capsys)
    assert (line["event"], line["service"]) == ("from_a_thread", "backend1")


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_value_of_a_local_variable(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure(form=form)

    def connect(password: str) -> None:
        raise ConnectionError(f"refused after {len(password)} characters")

    try:
        connect("".join(["hun", "ter2"]))
    except ConnectionError:
        get_logger("tests").exception("not_connected")
    text = capsys.readouterr().out
    assert "refused after 7 characters" in text
    assert "Traceback" in text
    assert "hunter2" not in text
