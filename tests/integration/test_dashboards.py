"""Grafana's dashboards, rules and probes on the running local stack, asked of a real Prometheus and of ClickHouse.

Every panel's query is run as Grafana would run it. A query that fails, fails the test; so does one that finds nothing,
unless its panel says itself that nothing is what one hopes for. What the local profile lacks (node-exporter, cAdvisor,
celery_exporter, Grafana itself) has no data here: of those panels Prometheus only has to understand the query.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import sleep
from typing import Any

import httpx
import pytest
from stock_kit.clock import wall_now
from stock_kit.settings import project_root
from stock_local.prometheus import prometheus_url
from stock_local.testing import LocalStack
from websockets.sync.client import connect

from tests.integration.support import clickhouse, make_champion, predict, train, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

DASHBOARDS = sorted((project_root() / "monitor" / "grafana" / "dashboards").glob("*.json"))
# Told by exporters that run beside containers only.
ABSENT = re.compile(r"\b(node|container|celery)_\w+")
# Panels that may be empty: nothing is good news, or nobody has caused any of it here.
MAY_BE_EMPTY = {"none", "no reads"}
MEASURED = (
    "stock_forecast_error",
    "stock_interval_coverage_ratio",
    "stock_drift_features",
    "stock_feature_parity_difference",
    "stock_data_freshness_sessions",
)
VALUES = {"exchange": "US", "ticker": "AAPL", "job": ".*", "instance": ".*", "name": ".*"}
SCRAPE = 15.0


@dataclass(frozen=True)
class Panel:
    board: str
    title: str
    queries: tuple[Mapping[str, Any], ...]
    no_value: str | None

    @property
    def where(self) -> str:
        return f"{self.board}: {self.title}"


def panels() -> Iterator[Panel]:
    for file in DASHBOARDS:
        for panel in json.loads(file.read_text())["panels"]:
            if panel["type"] != "row":
                empty = panel["fieldConfig"]["defaults"].get("noValue")
                yield Panel(file.stem, panel["title"], tuple(panel["targets"]), empty)


class Prometheus:
    def __init__(self, url: str) -> None:
        self._url = url

    def get(self, path: str, **parameters: str | float) -> Any:
        answer = httpx.get(f"{self._url}/api/v1/{path}", params=parameters, trust_env=False, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def query(self, promql: str) -> list[Any]:
        """Newest values."""
        return list(self.get("query", query=promql)["result"])

    def range(self, promql: str) -> list[Any]:
        """Values of the last ten minutes; a series of nothing but NaN, of which Grafana draws nothing, is left out."""
        now = wall_now().timestamp()
        found = self.get("query_range", query=promql, start=now - 600, end=now, step=SCRAPE)["result"]
        return [series for series in found if any(value != "NaN" for _, value in series["values"])]


def expanded(query: str) -> str:
    """The query as Grafana sends it: variables chosen, macros written out."""
    now = int(wall_now().timestamp())
    query = re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 >= toDateTime({now - 3600}) AND \1 <= toDateTime({now})", query)
    query = re.sub(r"\$__timeInterval\((\w+)\)", r"toStartOfInterval(toDateTime(\1), INTERVAL 60 second)", query)
    query = query.replace("$__rate_interval", "1m")
    query = re.sub(r"\$\{(\w+)\}|\$([a-z]\w*)", lambda found: VALUES[found[1] or found[2]], query)
    assert "$" not in query, f"left over: {query}"
    return query


@pytest.fixture(scope="module")
def prometheus(stack: LocalStack) -> Prometheus:
    for binary in ("prometheus", "prometheus-blackbox-exporter"):
        if shutil.which(binary) is None:
            installable = os.geteuid() == 0 and shutil.which("apt-get") is not None
            assert not installable, f"{binary} is missing: apt-get install {binary} (scripts/test does it)"
            pytest.skip(f"no {binary}, and no right to install it: ask for the package")
    stack.require("prometheus", "blackbox-exporter")
    return Prometheus(prometheus_url(stack.settings))


@pytest.fixture(scope="module")
def lively(stack: LocalStack, sample_loaded: None, prometheus: Prometheus) -> Iterator[Prometheus]:
    """A stack with everything to look at: a model, forecasts whose outcome is known, a browser that listens."""
    make_champion(stack, train(stack, ticker="AAPL", model_type="ridge", horizon=5)["result"])
    with connect(stack.url.replace("http", "ws", 1) + "/ws/predictions") as socket:
        socket.recv(timeout=20)
        wait_for(lambda: not predict(stack, ticker="AAPL")["fallback"], seconds=60, what="a forecast of the model")
        rows = "SELECT count() FROM settlements WHERE ticker = 'AAPL' AND horizon = 1 AND isNotNull(covered)"
        wait_for(
            lambda: clickhouse(stack.settings).query(rows).first_row[0] > 0,
            seconds=90,
            what="a forecast with its outcome",
        )

        # Monitoring looks every ten sessions; until then Prometheus has the counters of two scrapes, which rates need.
        def measured() -> bool:
            predict(stack, ticker="AAPL")
            httpx.get(f"{stack.url}/api/datasets", timeout=30)
            sleep(2)
            return all(prometheus.query(name) for name in MEASURED)

        wait_for(measured, seconds=180, what="monitoring to have looked at AAPL")
        sleep(SCRAPE)
        yield prometheus


def test_every_target_answers_and_every_rule_can_be_evaluated(prometheus: Prometheus) -> None:
    def all_up() -> bool:
        targets = prometheus.get("targets", state="active")["activeTargets"]
        return len(targets) > 20 and all(target["health"] == "up" for target in targets)

    wait_for(all_up, seconds=90, what="every target up")
    rules = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert len(rules) > 40
    assert [rule["name"] for rule in rules if rule.get("lastError")] == []


def test_every_probe_succeeds_directly_and_through_nginx(prometheus: Prometheus) -> None:
    def all_good() -> bool:
        found = prometheus.query("probe_success")
        kinds = {probe["metric"]["job"] for probe in found}
        return kinds == {"http", "proxy", "tcp"} and all(probe["value"][1] == "1" for probe in found)

    wait_for(all_good, seconds=90, what="every probe to succeed")


@pytest.mark.parametrize("board", [file.stem for file in DASHBOARDS])
def test_every_panel_of_a_dashboard_has_something_to_show(lively: Prometheus, stack: LocalStack, board: str) -> None:
    wrong = []
    for panel in (panel for panel in panels() if panel.board == board):
        found, absent = 0, False
        for query in panel.queries:
            if "rawSql" in query:
                found += len(clickhouse(stack.settings).query(expanded(query["rawSql"])).result_rows)
                continue
            promql = expanded(query["expr"])
            absent = absent or bool(ABSENT.search(promql))
            found += len(lively.query(promql) if query.get("instant") else lively.range(promql))
        if not found and not absent and panel.no_value not in MAY_BE_EMPTY:
            wrong.append(panel.where)
    assert wrong == []


def test_every_variable_has_something_to_choose(lively: Prometheus) -> None:
    for file in DASHBOARDS:
        for variable in json.loads(file.read_text())["templating"].get("list", ()):
            asked = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"])
            assert asked, variable["query"]
            selector = expanded(asked[1])
            if not ABSENT.search(selector):
                assert lively.query(f"count by ({asked[2]}) ({selector})"), f"{file.stem}: {variable['name']}"
