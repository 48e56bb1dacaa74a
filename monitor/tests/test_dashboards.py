"""Grafana's dashboards: the JSON is what the code writes, panels fit, and somebody tells every number they ask for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY
from stock_dashboards.render import FOLDER, rendered
from stock_mlops.services.monitoring_metrics import MonitoringCollector

MONITOR = Path(__file__).resolve().parents[1]
DASHBOARDS = {name: json.loads(text) for name, text in rendered().items()}
# Every module that declares metrics; and those that are told by collectors or other programs.
DECLARATIONS = (
    "stock_kit.metrics",
    "stock_kit.kafka",
    "stock_mlops.services.access_metrics",
    "stock_mlops.services.alert_metrics",
    "stock_mlops.services.monitoring_metrics",
    "stock_mlops.services.pipeline_metrics",
    "stock_mlops.services.platform_metrics",
    "stock_mlops.services.serving_metrics",
    "stock_mlops.services.worker_metrics",
    "ws_monitor.metrics",
    "metrics_publisher.metrics",
)
COLLECTED = re.compile(r"GaugeMetricFamily\(\s*\"(stock_\w+)\"")
OTHERS = re.compile(r"(up|ALERTS|process_\w+|probe_\w+|flower_\w+|celery_\w+|node_\w+|container_\w+|prometheus_\w+)")
WORDS = {
    *("sum", "min", "max", "avg", "count", "by", "on", "or", "and", "group_left", "topk", "rate", "increase", "time"),
    *("histogram_quantile", "avg_over_time", "vector", "abs", "absent", "predict_linear", "sqrt"),
}


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, dashboard in DASHBOARDS.items():
        yield from ((name, panel) for panel in dashboard["panels"] if panel["type"] != "row")


def expressions() -> Iterator[tuple[str, str]]:
    """Where, and the PromQL: of dashboards and of rules."""
    for name, panel in panels():
        yield from ((f"{name}: {panel['title']}", query["expr"]) for query in panel["targets"] if "expr" in query)
    for file in sorted((MONITOR / "prometheus" / "rules").glob("*.yml")):
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from (
                (f"{file.name}: {rule.get('alert') or rule['record']}", rule["expr"]) for rule in group["rules"]
            )


def metric_names(expression: str) -> set[str]:
    """Names of series in PromQL, without labels, strings and functions."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"", " ", expression)
    bare = re.sub(r"\b(by|on|group_left)\s*\([^)]*\)", " ", bare)
    return set(re.findall(r"\b[A-Za-z_][\w:]*\b", re.sub(r"\$\w+", " ", bare))) - WORDS


@pytest.fixture(scope="module")
def known() -> set[str]:
    modules = [import_module(name) for name in DECLARATIONS]
    known = {name for names in REGISTRY._collector_to_names.values() for name in names}
    known |= {family.name for family in MonitoringCollector(list).describe()}
    for module in modules:
        known |= set(COLLECTED.findall(Path(str(module.__file__)).read_text()))
    recorded = yaml.safe_load((MONITOR / "prometheus" / "rules" / "recording.yml").read_text())
    return known | {rule["record"] for group in recorded["groups"] for rule in group["rules"]}


def test_the_json_is_what_the_code_writes() -> None:
    written = {file.name: file.read_text() for file in FOLDER.glob("*.json")}
    assert written == rendered(), "run: make dashboards"


def test_every_series_that_is_asked_for_is_told_by_somebody(known: set[str]) -> None:
    unknown = {
        (where, name)
        for where, expression in expressions()
        for name in metric_names(expression)
        if name not in known and not OTHERS.fullmatch(name)
    }
    assert unknown == set()


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_lie_on_the_grid_and_none_on_another(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARDS[name]["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_query_goes_to_a_provisioned_data_source() -> None:
    folder = MONITOR / "grafana" / "provisioning" / "datasources"
    sources = {
        (source["type"], source["uid"])
        for file in folder.glob("*.yml")
        for source in yaml.safe_load(file.read_text())["datasources"]
    }
    for name, panel in panels():
        for query in (panel, *panel["targets"]):
            found = query["datasource"]
            assert (found["type"], found["uid"]) in sources, f"{name}: {panel['title']}"


def test_a_tickers_dashboards_begin_with_aapl() -> None:
    for name in ("predictions.json", "drift.json"):
        chosen = {entry["name"]: entry["current"]["value"] for entry in DASHBOARDS[name]["templating"]["list"]}
        assert chosen == {"exchange": "US", "ticker": "AAPL"}
