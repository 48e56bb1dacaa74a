from __future__ import annotations

import importlib
from pathlib import Path

import polars as pl
import pytest
from stock_mlops.cli.main import build_app
from stock_mlops.features.registry import Feature, feature_groups
from stock_mlops.prices.sources.sample import _daily
from typer.testing import CliRunner

QUICK = ["--ticker", "FB", "--features", "candle,return_5"]


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(build_app(), ["leak-check", *arguments])
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture
def leaking_return(monkeypatch: pytest.MonkeyPatch) -> None:
    tomorrow = pl.col("close").shift(-5) / pl.col("close")
    # The package has a function of the module's name.
    module = importlib.import_module("stock_mlops.features.registry")
    known = module.registry()
    leak = Feature("return_5", "momentum", ("close",), 5, tomorrow)
    monkeypatch.setattr(module, "registry", lambda: {**known, "return_5": leak})


def test_honest_features_pass_in_one_line() -> None:
    code, output = run(*QUICK)
    assert code == 0
    assert output == "Tested 10 features on FB 196 sessions. No feature knows the future."


def test_every_verdict_is_shown_on_demand() -> None:
    code, output = run(*QUICK, "--all")
    assert code == 0
    assert all(name in output for name in (*feature_groups()["candle"], "return_5"))
    assert output.count("passed") == 30


@pytest.mark.usefixtures("leaking_return")
def test_a_leak_fails_the_command_and_is_named() -> None:
    code, output = run(*QUICK)
    assert code == 1
    assert "return_5: past values change by up to inf when the future is cut off" in output
    assert "1 of 10 features leak" in output


def test_a_history_shorter_than_a_lookback_is_said() -> None:
    code, output = run("--ticker", "FB", "--features", "adx_14")
    assert code == 0
    assert "The history is too short for the lookback of adx_14 (637)" in output


def test_prices_come_from_a_file_as_well(tmp_path: Path) -> None:
    file = tmp_path / "prices.parquet"
    rows = _daily().filter(pl.col("ticker") == "IBM").head(300)
    rows.select("ticker", "session", "open", "high", "low", "close", "volume").rename(
        {"session": "date"}
    ).write_parquet(file)
    code, output = run("--file", str(file), "--features", "candle")
    assert (code, "IBM 300 sessions" in output) == (0, True)


def test_wrong_arguments_are_told() -> None:
    assert "unknown feature 'cnadle'; did you mean candle" in run("--features", "cnadle")[1]
    code, output = run("--ticker", "NONE")
    assert (code, "the sample has no US:NONE" in output) == (1, True)
