from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from stock_mlops.workflows import report as flow
from stock_mlops.workflows.report import ReportFailedError, report
from stock_mlops.workflows.runner import FlowCancelledError


def program(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """What stands for the process that writes reports."""
    file = folder / "python"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(file))


def test_a_ticker_is_no_option_of_the_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(monkeypatch, tmp_path, 'echo "$@"; exit 3')
    with pytest.raises(ReportFailedError, match=r"stock_mlops\.cli report --exchange=US -- --help"):
        report.fn(["--help"])


def test_a_cancelled_flow_ends_its_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(monkeypatch, tmp_path, "exec sleep 60")
    begun: list[subprocess.Popen[str]] = []

    class Popen(subprocess.Popen[str]):
        def __init__(self, *args: Any, **named: Any) -> None:
            super().__init__(*args, **named)
            begun.append(self)

    def cancelled() -> None:
        raise FlowCancelledError("the flow run was cancelled")

    monkeypatch.setattr(subprocess, "Popen", Popen)
    monkeypatch.setattr(flow, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(flow, "check_cancelled", cancelled)
    with pytest.raises(FlowCancelledError):
        report.fn()
    [process] = begun
    assert process.returncode == -9
