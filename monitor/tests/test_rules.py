"""Alert rules: each fires and stays quiet as ``promtool test rules`` plays it, and each has a runbook."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

MONITOR = Path(__file__).resolve().parents[1]
PROMETHEUS = MONITOR / "prometheus"
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))


def rules(key: str) -> list[dict[str, Any]]:
    """All rules that have ``key`` (``alert`` or ``record``)."""
    files = [yaml.safe_load(file.read_text()) for file in sorted((PROMETHEUS / "rules").glob("*.yml"))]
    return [rule for file in files for group in file["groups"] for rule in group["rules"] if key in rule]


@pytest.fixture(scope="module")
def promtool() -> str:
    """Debian's package prometheus has it; where it could be installed, it must be there."""
    found = shutil.which("promtool")
    if found is None:
        installable = os.geteuid() == 0 and shutil.which("apt-get") is not None
        assert not installable, "promtool is missing: apt-get install prometheus (scripts/test does it)"
        pytest.skip("no promtool, and no right to install it: ask for the package prometheus")
    return found


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_alerts_fire_and_stay_quiet_as_they_should(promtool: str, file: Path) -> None:
    done = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_is_one_that_prometheus_takes(promtool: str) -> None:
    config = PROMETHEUS / "prometheus.yml"
    done = subprocess.run([promtool, "check", "config", str(config)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_seen_firing_in_a_test() -> None:
    text = "".join(file.read_text() for file in TESTS)
    fired = set(re.findall(r'ALERTS\{alertname="(\w+)", alertstate="firing"', text))
    for test in (test for file in TESTS for test in yaml.safe_load(file.read_text())["tests"]):
        fired |= {case["alertname"] for case in test.get("alert_rule_test", ()) if case["exp_alerts"]}
    assert {rule["alert"] for rule in rules("alert")} == fired


def test_every_alert_has_a_severity_a_summary_and_a_runbook_that_is_there() -> None:
    runbooks = (MONITOR.parent / "docs" / "runbooks.md").read_text()
    headings = re.findall(r"^### (\w+)$", runbooks, re.M)
    assert sorted(headings) == sorted(rule["alert"] for rule in rules("alert"))
    for rule in rules("alert"):
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["runbook_url"] == f"docs/runbooks.md#{rule['alert'].lower()}"


def test_every_recorded_series_that_is_asked_for_is_recorded() -> None:
    recorded = {rule["record"] for rule in rules("record")}
    asked = {name for rule in rules("alert") for name in re.findall(r"\b\w+(?::\w+)+", rule["expr"])}
    assert asked <= recorded


def alertmanager(folder: Path, **env: str) -> dict[str, Any]:
    """The configuration that Alertmanager's container is started with."""
    script = MONITOR.parent / "docker" / "alertmanager" / "start.sh"
    file = folder / "alertmanager.yml"
    known = {"PATH": os.environ["PATH"], "ALERTMANAGER_CONFIG": str(file), **env}
    subprocess.run(["sh", str(script), "true"], env=known, check=True)
    config: dict[str, Any] = yaml.safe_load(file.read_text())
    return config


def test_alertmanager_groups_and_tells_a_webhook_and_a_mailbox(tmp_path: Path) -> None:
    config = alertmanager(
        tmp_path,
        ALERTMANAGER_WEBHOOK_URL="https://desk.example/hook?a='b",
        ALERTMANAGER_EMAIL_TO="desk@example.org",
        ALERTMANAGER_EMAIL_FROM="stock@example.org",
        ALERTMANAGER_SMTP="mail.example.org:587",
        ALERTMANAGER_SMTP_USER="stock",
        ALERTMANAGER_SMTP_PASSWORD="p'w: #1",
    )
    assert config["route"]["group_by"] == ["alertname", "job", "exchange"]
    (receiver,) = config["receivers"]
    assert receiver["webhook_configs"][0]["url"] == "https://desk.example/hook?a='b"
    assert receiver["email_configs"][0]["auth_password"] == "p'w: #1"


def test_alertmanager_starts_without_anybody_to_tell(tmp_path: Path) -> None:
    assert alertmanager(tmp_path)["receivers"] == [{"name": "people"}]
