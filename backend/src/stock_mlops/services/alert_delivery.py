"""Tells the receivers of alerts what changed, in any number of processes: what one of them claims the others leave.

A message may reach a receiver twice when the process dies between sending and noting it; both bear the same id.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from stock_kit.events import Severity
from stock_kit.logging import get_logger
from stock_kit.service_settings import AlertSettings

from stock_mlops.services.alert_messages import message_of
from stock_mlops.services.alert_metrics import ALERT_DELIVERIES, OUTCOMES
from stock_mlops.stores.alert_deliveries import Claim, Deliveries, ReceiverRule, Told
from stock_mlops.stores.alerts import Alert
from stock_mlops.stores.receivers import Mail, NotDeliveredError, Webhook, longest_attempt

log = get_logger(__name__)

_INTERVAL = 1.0
# Alerts that one message tells of.
_MOST = 50
_FIRST_RETRY = timedelta(seconds=5)
_LONGEST_RETRY = timedelta(minutes=10)
_MOST_DOUBLINGS = 10


class Receiver(Protocol):
    """Of ``stores.receivers``, or a list in a test."""

    @property
    def name(self) -> str: ...

    def send(self, message_id: str, subject: str, text: str, body: dict[str, Any]) -> None:
        """Raises :class:`stock_mlops.stores.receivers.NotDeliveredError`."""
        ...

    def close(self) -> None: ...


def open_receivers(settings: AlertSettings) -> list[Receiver]:
    """Those that the settings name."""
    receivers: list[Receiver] = []
    if settings.webhook_url.get_secret_value():
        receivers.append(Webhook(settings))
    if settings.email_to:
        receivers.append(Mail(settings))
    return receivers


def receiver_rules(settings: AlertSettings) -> list[ReceiverRule]:
    """Who is to be told of what, as far as the settings name anybody."""
    names = [Webhook.name] if settings.webhook_url.get_secret_value() else []
    names += [Mail.name] if settings.email_to else []
    least = Severity(settings.least_severity)
    return [ReceiverRule(name, least, settings.group_window, settings.cool_down) for name in names]


class AlertDelivery:
    """A thread that delivers what is due.

    Args:
        current: how an alert stands.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        current: Callable[[UUID], Alert | None],
        receivers: Sequence[Receiver],
        settings: AlertSettings,
    ) -> None:
        self._deliveries = deliveries
        self._current = current
        self._receivers = receivers
        self._settings = settings
        self._lease = longest_attempt(settings)
        self._attempts = _attempts_within(settings.retry_for)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alert-delivery", daemon=True)
        # Told from the beginning: the first message that is given up has to count as an increase.
        for receiver in receivers:
            for outcome in OUTCOMES:
                ALERT_DELIVERIES.labels(receiver.name, outcome)

    def start(self) -> None:
        if self._receivers:
            self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=self._settings.webhook_timeout.total_seconds() + 5)
        for receiver in self._receivers:
            receiver.close()

    def _run(self) -> None:
        reported = False
        while not self._stop.wait(_INTERVAL):
            try:
                for receiver in self._receivers:
                    self.deliver(receiver)
                reported = False
            except Exception as error:  # noqa: BLE001  the database is down; what is due stays due
                if not reported:
                    log.warning("alert_delivery_interrupted", error=str(error).splitlines()[0] if str(error) else "")
                reported = True

    def deliver(self, receiver: Receiver) -> int:
        """Send one message about everything that is due for a receiver; returns how many alerts it told of."""
        claims = self._deliveries.claim(receiver.name, _MOST, self._lease)
        if not claims:
            return 0
        alerts = {claim.alert_id: alert for claim in claims if (alert := self._current(claim.alert_id)) is not None}
        news = [alerts[claim.alert_id] for claim in claims if claim.alert_id in alerts and _is_news(claim, alerts)]
        if news and not self._send(receiver, news, claims):
            return 0
        told = [Told(alert.id, alert.state, alert.severity) for alert in alerts.values()]
        self._deliveries.told(receiver.name, told)
        return len(news)

    def _send(self, receiver: Receiver, alerts: Sequence[Alert], claims: Sequence[Claim]) -> bool:
        message = message_of(alerts, self._settings.link)
        try:
            receiver.send(str(message.id), message.subject, message.text, message.body())
        except NotDeliveredError as error:
            self._failed(receiver, error, claims)
            return False
        ALERT_DELIVERIES.labels(receiver.name, "delivered").inc(len(alerts))
        log.info("alerts_delivered", receiver=receiver.name, alerts=len(alerts), message_id=str(message.id))
        return True

    def _failed(self, receiver: Receiver, error: NotDeliveredError, claims: Sequence[Claim]) -> None:
        attempts = 1 + max(claim.attempts for claim in claims)
        again = error.again and attempts < self._attempts
        retry_in = _wait_after(attempts) if again else None
        self._deliveries.failed(receiver.name, [claim.alert_id for claim in claims], str(error), retry_in)
        ALERT_DELIVERIES.labels(receiver.name, "retried" if again else "given_up").inc(len(claims))
        log.warning(
            "alerts_not_delivered", receiver=receiver.name, alerts=len(claims), error=str(error), attempts=attempts,
            given_up=not again,
        )  # fmt: skip


def _is_news(claim: Claim, alerts: Mapping[UUID, Alert]) -> bool:
    alert = alerts[claim.alert_id]
    return (claim.told_state, claim.told_severity) != (alert.state, alert.severity)


def _wait_after(attempts: int) -> timedelta:
    """Twice as long after each attempt, up to a limit."""
    return min(_FIRST_RETRY * (1 << min(attempts - 1, _MOST_DOUBLINGS)), _LONGEST_RETRY)


def _attempts_within(limit: timedelta) -> int:
    """How often a message is tried within ``limit``."""
    waited, attempts = timedelta(0), 1
    while waited < limit:
        waited += _wait_after(attempts)
        attempts += 1
    return attempts
