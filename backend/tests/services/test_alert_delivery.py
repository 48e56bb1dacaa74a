from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr
from stock_kit.events import AlertState, Severity
from stock_kit.service_settings import AlertSettings
from stock_mlops.services.alert_delivery import AlertDelivery, open_receivers, receiver_rules
from stock_mlops.services.alert_messages import message_of
from stock_mlops.stores.alert_deliveries import Claim, Told
from stock_mlops.stores.alert_twins import MemoryDeliveries
from stock_mlops.stores.alerts import Alert
from stock_mlops.stores.receivers import NotDeliveredError

START = datetime(2026, 11, 21, 12, tzinfo=UTC)


def alert(number: int, **changes: Any) -> Alert:
    values: dict[str, Any] = {
        "id": UUID(int=number),
        "fingerprint": f"f{number}",
        "detector": "service_down",
        "subject": f"service{number}",
        "severity": Severity.WARNING,
        "state": AlertState.FIRING,
        "title": f"service{number} does not answer",
        "detail": "refused",
        "raised_at": START + timedelta(seconds=number),
        "seen_at": START,
        "expires_at": START,
        "revision": 1,
        "changed_at": START,
    }
    return Alert(**values | changes)


OVER: dict[str, Any] = {"state": AlertState.RESOLVED, "resolved_at": START + timedelta(minutes=5), "revision": 2}


class Inbox:
    """A receiver; ``failure``, when set, is what it answers."""

    name = "webhook"

    def __init__(self) -> None:
        self.failure: NotDeliveredError | None = None
        self.got: list[tuple[str, str, str, dict[str, Any]]] = []

    def send(self, message_id: str, subject: str, text: str, body: dict[str, Any]) -> None:
        if self.failure is not None:
            raise self.failure
        self.got.append((message_id, subject, text, body))

    def close(self) -> None:
        pass


class Bench:
    def __init__(self, *alerts: Alert) -> None:
        self.alerts = {item.id: item for item in alerts}
        self.deliveries, self.inbox = MemoryDeliveries(), Inbox()
        settings = AlertSettings(link="https://desk.example", retry_for=timedelta(minutes=1))
        self.delivery = AlertDelivery(self.deliveries, self.alerts.get, [self.inbox], settings)

    def due(self, *claims: Claim) -> int:
        self.deliveries.due = list(claims)
        return self.delivery.deliver(self.inbox)


def new(number: int, **changes: Any) -> Claim:
    values: dict[str, Any] = {"told_state": None, "told_severity": None, "attempts": 0}
    return Claim(UUID(int=number), **values | changes)


def test_all_that_is_due_goes_into_one_message_the_worst_first() -> None:
    bench = Bench(alert(1, **OVER), alert(2), alert(3, severity=Severity.CRITICAL))
    assert bench.due(new(1, told_state="firing", told_severity="warning"), new(2), new(3)) == 3
    ((_, subject, text, body),) = bench.inbox.got
    assert subject == "[CRITICAL] service3 does not answer (and 2 more)"
    assert [item["subject"] for item in body["alerts"]] == ["service3", "service2", "service1"]
    assert text.startswith("CRITICAL: service3 does not answer\nrefused\n")
    assert "RESOLVED, was warning: service1" in text
    assert text.endswith("https://desk.example\n")
    assert {told.alert_id: told.state for told in bench.deliveries.known} == {
        UUID(int=1): "resolved",
        UUID(int=2): "firing",
        UUID(int=3): "firing",
    }


def test_what_came_and_went_before_it_was_told_is_told_once_as_over() -> None:
    bench = Bench(alert(1, **OVER))
    bench.due(new(1))
    ((_, subject, _, body),) = bench.inbox.got
    assert subject == "[RESOLVED] service1 does not answer"
    assert body["alerts"][0]["resolved_at"] == "2026-11-21T12:05:00+00:00"


def test_an_alert_that_stands_as_the_receiver_knows_it_is_not_told_again() -> None:
    bench = Bench(alert(1))
    assert bench.due(new(1, told_state="firing", told_severity="warning")) == 0
    assert bench.inbox.got == []
    assert bench.deliveries.known == [Told(UUID(int=1), "firing", "warning")]


def test_a_rise_of_severity_is_told() -> None:
    bench = Bench(alert(1, severity=Severity.CRITICAL))
    assert bench.due(new(1, told_state="firing", told_severity="warning")) == 1


def test_the_same_message_sent_again_bears_the_same_id_and_a_later_state_another() -> None:
    def sent(*alerts: Alert) -> str:
        return str(message_of(alerts, "").id)

    assert sent(alert(1), alert(2)) == sent(alert(2), alert(1))
    assert sent(alert(1)) != sent(alert(1, **OVER))


def test_a_failed_message_is_tried_again_ever_later_and_then_given_up() -> None:
    bench = Bench(alert(1))
    bench.inbox.failure = NotDeliveredError("the webhook answered 503")
    for attempts in range(6):
        assert bench.due(new(1, attempts=attempts)) == 0
    waits = [None if wait is None else wait.total_seconds() for _, wait in bench.deliveries.failures]
    assert waits == [5, 10, 20, 40, None, None]
    assert bench.deliveries.known == []


def test_what_the_receiver_will_never_take_is_given_up_at_once() -> None:
    bench = Bench(alert(1))
    bench.inbox.failure = NotDeliveredError("the webhook answered 404", again=False)
    bench.due(new(1))
    assert bench.deliveries.failures == [("the webhook answered 404", None)]


def test_a_title_cannot_break_a_mail_header_and_a_long_one_is_cut() -> None:
    subject = message_of([alert(1, title="a\r\nBcc: x@y.z" + "b" * 300)], "").subject
    assert "\n" not in subject
    assert "\r" not in subject
    assert len(subject) == 150


def test_receivers_are_those_that_the_settings_name() -> None:
    assert open_receivers(AlertSettings()) == []
    settings = AlertSettings(
        webhook_url=SecretStr("https://desk.example/hook"),
        email_to=("ops@desk.example",),
        smtp_host="mail.desk.example",
        least_severity="critical",
    )
    receivers = open_receivers(settings)
    rules = receiver_rules(settings)
    assert [receiver.name for receiver in receivers] == ["webhook", "email"] == [rule.name for rule in rules]
    assert {rule.least for rule in rules} == {Severity.CRITICAL}
    for receiver in receivers:
        receiver.close()


@pytest.mark.parametrize("limit", [timedelta(seconds=1), timedelta(days=300)])
def test_any_length_of_trying_can_be_asked_for(limit: timedelta) -> None:
    AlertDelivery(MemoryDeliveries(), {}.get, [], AlertSettings(retry_for=limit))
