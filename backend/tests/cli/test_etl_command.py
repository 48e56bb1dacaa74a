from __future__ import annotations

import socket
from pathlib import Path
from typing import Literal

import pytest
from stock_mlops.cli import etl as command
from stock_mlops.cli.main import build_app
from typer.testing import CliRunner

runner = CliRunner()


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    file = tmp_path / "prices.csv"
    file.write_text("date,close\n2024-01-02,1\n")
    return file


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--source", "file"], "needs a file"),
        (["--source", "yfinance"], "needs at least one --ticker"),
        (["--source", "sample", "--ticker", "A B"], "expected 1 to 20"),
        (["--source", "sample", "--ticker", "AAPL", "--exchange", "MARS"], "exchange: expected one of"),
        (["--source", "sample", "--direct", "--no-wait"], "makes no sense"),
        (["--source", "reuters"], "'reuters' is not one of"),
        (["--source", "file", "nowhere.csv"], "does not exist"),
    ],
)
def test_a_command_that_cannot_be_meant_is_a_usage_error(arguments: list[str], says: str) -> None:
    result = runner.invoke(build_app(), ["etl", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert says in result.output


def test_a_file_for_a_source_that_reads_none_is_a_usage_error(prices: Path) -> None:
    result = runner.invoke(build_app(), ["etl", "--source", "sample", str(prices)], env={"COLUMNS": "300"})
    assert result.exit_code == 2
    assert "takes no file" in result.output


def test_without_a_prefect_server_it_says_so_and_names_the_way_without(monkeypatch: pytest.MonkeyPatch) -> None:
    from stock_kit.settings import get_settings

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("STOCK_PREFECT__PORT", str(free.getsockname()[1]))
        get_settings.cache_clear()
        result = runner.invoke(build_app(), ["etl", "--source", "sample"])
    get_settings.cache_clear()
    assert result.exit_code == 1
    assert "does not answer" in result.output
    assert "--direct" in result.output


def test_the_rejected_rows_shown_are_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    from stock_mlops.instruments import Instrument
    from stock_mlops.services.etl_report import RunReport
    from stock_mlops.services.ingest_report import Rejection, TickerReport

    rejections = [Rejection(None, number, "close is missing") for number in range(2, 42)]
    ticker = TickerReport(Instrument("US", "X"), rows_read=50, new=10, rejected=40, rejections=rejections)
    command.show(RunReport(1, (ticker,)))
    output = capsys.readouterr().out
    assert "40 rows rejected" in output
    assert "US:X row 2 (no date): close is missing" in output
    assert output.count("close is missing") == command.SHOWN_REJECTIONS
    assert "and 20 more" in output


@pytest.mark.parametrize(("warehouse", "again"), [("nothing", False), ("all", True)])
def test_a_load_that_only_wrote_the_warehouse_again_says_so(
    capsys: pytest.CaptureFixture[str], warehouse: Literal["nothing", "all"], again: bool
) -> None:
    from stock_mlops.instruments import Instrument
    from stock_mlops.services.etl_report import RunReport
    from stock_mlops.services.ingest_report import TickerReport

    command.show(RunReport(1, (TickerReport(Instrument("US", "AAPL"), 600, unchanged=600, warehouse=warehouse),)))
    told = capsys.readouterr().out
    assert "Nothing new" in told
    assert ("written to the warehouse again" in told) == again
