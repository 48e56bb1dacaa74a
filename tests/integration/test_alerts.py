"""An alert from where it is seen to everybody who is told: sockets, API, webhook, ClickHouse, each once.

Two replicas of ws_monitor see, two alert desks (backend1's, behind its API, and that of workflows) decide, over a
broker that dies.
"""

from __future__ import annotations

import gc
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
import pytest
import uvicorn
from api.main import create_app
from clickhouse_connect.driver.client import Client
from pydantic import SecretStr
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from stock_kit.clock import wall_now
from stock_kit.events import AlertState, MetricsEvent, Severity, Topic
from stock_kit.kafka import EventProducer
from stock_kit.service_settings import AlertSettings
from stock_kit.settings import Settings
from stock_local.testing import LocalStack
from stock_mlops.services.alert_desk import AlertDesk
from stock_mlops.services.alert_reporting import open_reporter
from stock_mlops.services.alert_service import AlertService
from stock_mlops.services.alerting import Condition
from stock_mlops.services.relay import RELAY_LOCK, Relay
from stock_mlops.stores.alert_deliveries import AlertDeliveries, ReceiverRule, Told, deliveries_of
from stock_mlops.stores.alert_events import AlertEvents
from stock_mlops.stores.alerts import AlertFilter, Alerts
from stock_mlops.stores.clickhouse import open_client
from stock_mlops.stores.cursor import Cursor
from stock_mlops.stores.migrations import migrate
from stock_mlops.stores.outbox import Outbox
from stock_mlops.stores.outbox_batches import OutboxBatches
from stock_mlops.stores.postgres import advisory_lock, get_engine
from ws_monitor.detectors.base import CONFIRM_EVERY

from tests.integration.kafka_broker import Broker, free_port, running_broker
from tests.integration.replicas import PATIENCE, Listener, Replica, running_replicas
from tests.integration.support import wait_for

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300),
    # kafka-python leaves the socket of a refused connection to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

SECRET = "between us"


@pytest.fixture(autouse=True)
def collected_sockets() -> Iterator[None]:
    """Collect what the library left while its warnings are still ignored."""
    yield
    gc.collect()


class Hook(ThreadingHTTPServer):
    """Somebody's webhook, which keeps what it is told, once the signature is right."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _HookRequest)
        self.messages: list[dict[str, Any]] = []

    def told(self, subject: str) -> list[str]:
        """The states of alerts about ``subject``, in the order in which they came."""
        return [item["state"] for message in self.messages for item in message["alerts"] if item["subject"] == subject]


class _HookRequest(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        signed = self.headers["X-Stock-Timestamp"].encode() + b"." + body
        expected = "sha256=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        right = hmac.compare_digest(expected, self.headers["X-Stock-Signature"])
        if right:
            cast(Hook, self.server).messages.append(json.loads(body))
        self.send_response(204 if right else 401)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's
        pass


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    with Hook() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running_broker("local-profile", tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture(scope="module")
def settings(local_stack: LocalStack, broker: Broker, hook: Hook) -> Settings:
    """Databases of these tests' own, the broker that may be killed, and the webhook."""
    local_stack.require("raw_db", "model_meta_db", "clickhouse", "redis")
    given, name = local_stack.settings, f"alerts_{uuid4().hex[:8]}"
    databases = {}
    for group in ("raw_db", "model_meta_db"):
        known = getattr(given, group)
        with get_engine(known).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"CREATE DATABASE {group}_{name}"))
        databases[group] = known.model_copy(update={"database": f"{group}_{name}"})
    own = given.model_copy(
        update={
            **databases,
            "clickhouse": given.clickhouse.model_copy(update={"database": name}),
            "kafka": broker.settings,
            "alerts": AlertSettings(
                group_window=timedelta(milliseconds=300),
                webhook_url=SecretStr(f"http://127.0.0.1:{hook.server_address[1]}/hook"),
                webhook_secret=SecretStr(SECRET),
            ),
            "backend1": given.backend1.model_copy(update={"port": free_port()}),
        }
    )
    migrate(own)
    return own


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Engine:
    return get_engine(settings.model_meta_db)


@pytest.fixture(scope="module")
def clickhouse(settings: Settings) -> Client:
    return open_client(settings.clickhouse)


@pytest.fixture(scope="module")
def desks(settings: Settings, engine: Engine, clickhouse: Client) -> Iterator[None]:
    """What workflows and backend2 run of alerts."""
    service = AlertService(settings, "workflows")
    service.start()
    producer = EventProducer(settings.kafka, "backend2")
    stored = {Topic.ALERTS: AlertEvents(lambda: clickhouse)}
    lock = partial(advisory_lock, engine, RELAY_LOCK)
    relay = Relay(Outbox(engine), OutboxBatches(engine), stored, producer, lock, settings.outbox)
    relay.start()
    yield
    relay.close()
    producer.close(timeout=1)
    service.close()


@pytest.fixture(scope="module")
def api(settings: Settings) -> Iterator[httpx.Client]:
    """backend1 itself."""
    config = uvicorn.Config(create_app("train", settings), port=settings.backend1.port, log_config=None, lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    with httpx.Client(base_url=settings.backend1.url, trust_env=False, timeout=10) as client:
        wait_for(lambda: client.get("/health").status_code == 200, seconds=PATIENCE, what="backend1")
        yield client
    server.should_exit = True
    thread.join(timeout=30)


@pytest.fixture(scope="module")
def replicas(
    local_stack: LocalStack, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Replica]]:
    with running_replicas(local_stack, settings, tmp_path_factory.mktemp("replicas")) as pair:
        yield pair


class Service:
    """One that metrics_publisher scrapes, at a pace of its own."""

    def __init__(self, producer: EventProducer) -> None:
        self.name = f"service-{uuid4().hex[:6]}"
        self._producer = producer

    def scraped(self, count: int, *, up: bool) -> None:
        for _ in range(count):
            event = MetricsEvent(
                service=self.name,
                instance="127.0.0.1:1",
                scraped_at=wall_now(),
                up=up,
                duration_seconds=0.1,
                error=None if up else "ConnectError: refused",
            )
            self._producer.send(Topic.METRICS, event)
        assert self._producer.flush(PATIENCE)


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    with closing(EventProducer(settings.kafka, "test")) as producer:
        yield Service(producer)


def changes(listener: Listener, subject: str, until: str) -> list[str]:
    """What a browser hears of ``subject``, up to this change and whatever came before a ping was answered."""
    heard: list[str] = []
    while True:
        frame = listener.next_frame()
        if frame["kind"] == "ping" and until in heard:
            return heard
        heard += [m["data"]["change"] for m in frame["messages"] if m["data"]["subject"] == subject]
        if until in heard:
            listener.say("ping")


def listed(api: httpx.Client, subject: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.get("/api/alerts?limit=500").raise_for_status().json()["items"]
    return [item for item in items if item["subject"] == subject]


def wait_stored(client: Client, engine: Engine, subject: str, expected: list[str]) -> None:
    """Every change is in ClickHouse once, and none waits in the outbox."""
    query = "SELECT change FROM alerts FINAL WHERE subject = {subject:String} ORDER BY revision"

    def stored() -> bool:
        rows = client.query(query, parameters={"subject": subject}).result_rows
        with engine.begin() as connection:
            waiting = connection.execute(text("SELECT count(*) FROM outbox")).scalar()
        return [row[0] for row in rows] == expected and waiting == 0

    wait_for(stored, seconds=PATIENCE, what=f"{expected} in ClickHouse")


def test_an_alert_is_told_once_everywhere_through_a_restart_of_the_broker_and_so_is_its_end(
    broker: Broker,
    desks: None,
    api: httpx.Client,
    replicas: list[Replica],
    service: Service,
    hook: Hook,
    clickhouse: Client,
    engine: Engine,
) -> None:
    with replicas[0].listen("alerts") as one, replicas[1].listen("alerts") as two:
        service.scraped(1, up=True)
        service.scraped(4, up=False)
        assert [changes(listener, service.name, "raised") for listener in (one, two)] == [["raised"], ["raised"]]
        (alert,) = listed(api, service.name)
        assert (alert["state"], alert["severity"], alert["title"]) == (
            "firing",
            "critical",
            f"{service.name} does not answer",
        )
        wait_for(lambda: hook.told(service.name) == ["firing"], seconds=PATIENCE, what="the webhook")
        wait_stored(clickhouse, engine, service.name, ["raised"])

        broker.kill()
        broker.start()
        for replica in replicas:
            wait_for(replica.ready, seconds=PATIENCE, what="ws_monitor's way back to the broker")

        # Whoever takes over has to find it out by itself, and says so again; who goes on confirms it after a minute.
        def seen_again() -> bool:
            service.scraped(25, up=False)
            return int(listed(api, service.name)[0]["count"]) > 1

        wait_for(seen_again, seconds=PATIENCE + CONFIRM_EVERY.total_seconds(), what="the condition seen again")
        service.scraped(1, up=True)
        assert [changes(listener, service.name, "resolved") for listener in (one, two)] == [["resolved"], ["resolved"]]
    (over,) = listed(api, service.name)
    assert (over["alert_id"], over["state"], over["revision"]) == (alert["alert_id"], "resolved", 2)
    wait_for(lambda: hook.told(service.name) == ["firing", "resolved"], seconds=PATIENCE, what="the webhook")
    wait_stored(clickhouse, engine, service.name, ["raised", "resolved"])
    detail = api.get(f"/api/alerts/{alert['alert_id']}").json()
    assert [entry["change"] for entry in detail["history"]] == ["raised", "resolved"]
    assert [(item["receiver"], item["told_state"], item["waiting"]) for item in detail["deliveries"]] == [
        ("webhook", "resolved", False)
    ]


def test_an_alert_that_a_check_raises_while_the_broker_is_down_arrives_once(
    broker: Broker,
    settings: Settings,
    desks: None,
    api: httpx.Client,
    replicas: list[Replica],
    hook: Hook,
    clickhouse: Client,
    engine: Engine,
) -> None:
    subject = f"US:{uuid4().hex[:6].upper()}"
    found = Condition(
        f"drift:{subject}", subject, Severity.WARNING, "drift", "of returns", exchange="US", ticker=subject[3:]
    )
    with replicas[0].listen("alerts", f"?ticker={subject}") as listener:
        broker.kill()
        for _ in range(2):
            open_reporter(settings).reconcile("feature_drift", [subject], [found])
        wait_for(lambda: hook.told(subject) == ["firing"], seconds=PATIENCE, what="the webhook, which needs no broker")
        broker.start()
        assert changes(listener, subject, "raised") == ["raised"]
        (alert,) = listed(api, subject)
        answer = api.post(f"/api/alerts/{alert['alert_id']}/acknowledge", json={"comment": "looking"})
        assert (answer.status_code, answer.json()["acknowledged_by"]) == (200, "anybody")
        assert changes(listener, subject, "acknowledged") == ["acknowledged"]
        open_reporter(settings).reconcile("feature_drift", [subject], [])
        assert changes(listener, subject, "resolved") == ["resolved"]
    (over,) = listed(api, subject)
    assert (over["state"], over["count"], over["comment"]) == ("resolved", 2, "looking")
    wait_stored(clickhouse, engine, subject, ["raised", "acknowledged", "resolved"])
    wait_for(lambda: hook.told(subject) == ["firing", "resolved"], seconds=PATIENCE, what="the webhook")


# --- the tables


RULE = ReceiverRule("pager", Severity.WARNING, timedelta(0), timedelta(minutes=10))


@pytest.fixture
def own(engine: Engine) -> Alerts:
    """Alerts that a receiver is told of whom nobody serves."""
    return Alerts(engine, [RULE])


@pytest.fixture
def desk(own: Alerts) -> AlertDesk:
    return AlertDesk(own, None, AlertSettings())


def raise_some(desk: AlertDesk, count: int, severity: Severity = Severity.WARNING) -> str:
    """One alert about each of the tickers T0, T1, ...; the name of the check that did it, which is its own."""
    detector = f"check_{uuid4().hex[:6]}"
    tickers = [f"T{number}" for number in range(count)]
    found = [Condition(f"{detector}:US:{item}", f"US:{item}", severity, "off", "", "US", item) for item in tickers]
    desk.reconcile(detector, [item.subject for item in found], found)
    return detector


def test_alerts_are_paged_and_filtered(own: Alerts, desk: AlertDesk) -> None:
    detector = raise_some(desk, 5)
    wanted = AlertFilter(detector=detector)
    seen: list[UUID] = []
    cursor: Cursor | None = None
    for expected in (2, 2, 1):
        page = own.page(wanted, 2, cursor)
        assert len(page.items) == expected
        seen += [alert.id for alert in page.items]
        cursor = page.next_cursor
    assert cursor is None
    assert len(set(seen)) == 5
    assert [a.ticker for a in own.page(AlertFilter(detector=detector, exchange="US", ticker="T3"), 9).items] == ["T3"]
    assert own.page(AlertFilter(detector=detector, state=AlertState.RESOLVED), 9).items == []
    assert own.page(AlertFilter(detector=detector, since=wall_now() + timedelta(minutes=1)), 9).items == []
    assert len(own.page(AlertFilter(detector=detector, acknowledged=False), 9).items) == 5
    assert own.open_counts()[Severity.WARNING] >= 5


def test_the_database_itself_keeps_a_second_open_alert_of_a_condition_out(own: Alerts, desk: AlertDesk) -> None:
    detector = raise_some(desk, 1)
    (alert,) = own.page(AlertFilter(detector=detector), 9).items
    with pytest.raises(IntegrityError, match="alerts_open"), own.changing() as changing:
        changing.write(replace(alert, id=uuid4()))


def test_two_processes_at_once_claim_different_alerts_and_each_only_once(
    engine: Engine, own: Alerts, desk: AlertDesk
) -> None:
    detector = raise_some(desk, 4)
    wanted = {alert.id for alert in own.page(AlertFilter(detector=detector), 9).items}
    deliveries = AlertDeliveries(engine)
    lease = timedelta(minutes=1)
    first, second = deliveries.claim("pager", 2, lease), deliveries.claim("pager", 500, lease)
    claimed = [claim.alert_id for claim in (*first, *second) if claim.alert_id in wanted]
    assert sorted(claimed) == sorted(wanted)
    assert deliveries.claim("pager", 500, lease) == []


def test_what_changes_while_it_is_being_told_is_told_again_and_what_is_back_waits_for_the_cool_down(
    engine: Engine, own: Alerts, desk: AlertDesk
) -> None:
    detector = raise_some(desk, 1)
    (alert,) = own.page(AlertFilter(detector=detector), 9).items
    deliveries = AlertDeliveries(engine)
    lease = timedelta(minutes=1)

    def due() -> bool:
        return alert.id in {claim.alert_id for claim in deliveries.claim("pager", 500, lease)}

    assert due()
    desk.reconcile(detector, [alert.subject], [])
    assert not due(), "its message is on the way"
    deliveries.told("pager", [Told(alert.id, "firing", "warning")])
    assert due(), "it is over by now"
    deliveries.told("pager", [Told(alert.id, "resolved", "warning")])
    assert not due()
    desk.reconcile(detector, [alert.subject], [Condition(alert.fingerprint, alert.subject, alert.severity, "back", "")])
    assert not due(), "within the cool-down"
    (state,) = deliveries_of(engine, alert.id)
    assert (state.told_state, state.waiting) == ("resolved", True)


def test_what_fails_is_due_later_and_what_is_given_up_is_not(engine: Engine, own: Alerts, desk: AlertDesk) -> None:
    detector = raise_some(desk, 1)
    (alert,) = own.page(AlertFilter(detector=detector), 9).items
    deliveries = AlertDeliveries(engine)
    deliveries.claim("pager", 500, timedelta(minutes=1))
    deliveries.failed("pager", [alert.id], "answered 503", timedelta(0))
    (claim,) = [claim for claim in deliveries.claim("pager", 500, timedelta(minutes=1)) if claim.alert_id == alert.id]
    assert claim.attempts == 1
    deliveries.failed("pager", [alert.id], "answered 404", None)
    (state,) = deliveries_of(engine, alert.id)
    assert (state.waiting, state.attempts, state.error) == (False, 2, "answered 404")


def test_an_alert_below_a_receivers_least_severity_is_not_queued(engine: Engine, own: Alerts, desk: AlertDesk) -> None:
    detector = raise_some(desk, 1, Severity.INFO)
    (alert,) = own.page(AlertFilter(detector=detector), 9).items
    assert deliveries_of(engine, alert.id) == []


def test_alerts_resolved_long_ago_are_dropped_with_their_history(engine: Engine, own: Alerts, desk: AlertDesk) -> None:
    detector = raise_some(desk, 2)
    desk.reconcile(detector, ["US:T0"], [])
    own.prune(timedelta(0))
    (alert,) = own.page(AlertFilter(detector=detector), 9).items
    assert alert.subject == "US:T1"
    with engine.begin() as connection:
        orphans = connection.execute(
            text("SELECT count(*) FROM alert_changes WHERE alert_id NOT IN (SELECT id FROM alerts)")
        ).scalar()
    assert orphans == 0
