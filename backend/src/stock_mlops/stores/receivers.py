"""Where messages about alerts go: a webhook, a mail server."""

from __future__ import annotations

import hashlib
import hmac
import smtplib
import ssl
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import httpx
import orjson
from stock_kit.clock import wall_now
from stock_kit.service_settings import AlertSettings

SIGNATURE_HEADER = "X-Stock-Signature"
TIMESTAMP_HEADER = "X-Stock-Timestamp"
MESSAGE_HEADER = "X-Stock-Message"
_MAIL_SECONDS = 20.0
_SHOWN_BYTES = 200
# What a webhook may answer when it is no use to ask again with the same message.
_FINAL = frozenset({400, 401, 403, 404, 405, 410, 413, 415, 422})


class NotDeliveredError(Exception):
    """A receiver did not take a message. ``again``: another attempt may succeed."""

    def __init__(self, reason: str, *, again: bool = True) -> None:
        super().__init__(reason)
        self.again = again


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """``sha256=<hex>``: HMAC-SHA256 of ``<timestamp>.<body>``, so that an old message cannot be played again later."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


class Webhook:
    """Posts a message as JSON. The address is an operator's; it is not followed elsewhere, and never logged."""

    name = "webhook"

    def __init__(self, settings: AlertSettings, transport: httpx.BaseTransport | None = None) -> None:
        self._url = settings.webhook_url.get_secret_value()
        self._secret = settings.webhook_secret.get_secret_value()
        self._http = httpx.Client(timeout=settings.webhook_timeout.total_seconds(), transport=transport)

    def send(self, message_id: str, subject: str, text: str, body: dict[str, Any]) -> None:  # noqa: ARG002  the mail's
        """Raises :class:`NotDeliveredError`."""
        content = orjson.dumps(body)
        headers = {"Content-Type": "application/json", MESSAGE_HEADER: message_id, "User-Agent": "stock-mlops"}
        if self._secret:
            timestamp = str(int(wall_now().timestamp()))
            headers |= {TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: signature(self._secret, timestamp, content)}
        try:
            answer = self._http.post(self._url, content=content, headers=headers)
        except httpx.HTTPError as error:
            # The error's text may name the address.
            raise NotDeliveredError(f"the webhook did not answer: {type(error).__name__}") from error
        if not answer.is_success:
            said = answer.text[:_SHOWN_BYTES]
            raise NotDeliveredError(
                f"the webhook answered {answer.status_code}: {said}", again=answer.status_code not in _FINAL
            )

    def close(self) -> None:
        self._http.close()


class Mail:
    """Sends a message to all recipients at once."""

    name = "email"

    def __init__(self, settings: AlertSettings) -> None:
        self._settings = settings

    def send(self, message_id: str, subject: str, text: str, body: dict[str, Any]) -> None:  # noqa: ARG002  the webhook's
        """Raises :class:`NotDeliveredError`."""
        settings = self._settings
        mail = EmailMessage()
        mail["Subject"] = subject
        mail["From"] = settings.email_from
        mail["To"] = ", ".join(settings.email_to)
        mail["Date"] = wall_now()
        mail["Message-ID"] = f"<{message_id}@{settings.email_from.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(text)
        try:
            with self._connect() as server:
                refused = server.send_message(mail)
        except smtplib.SMTPResponseException as error:
            said = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else ""
            # RFC 5321: 4yz may be repeated, 5yz not. A log-in that is refused may be put right in the settings.
            again = error.smtp_code < 500 or isinstance(error, smtplib.SMTPAuthenticationError)
            raise NotDeliveredError(f"the mail server answered {error.smtp_code}: {said}", again=again) from error
        except (smtplib.SMTPException, OSError) as error:
            raise NotDeliveredError(f"the mail server failed: {error or type(error).__name__}") from error
        if refused:
            raise NotDeliveredError(f"the mail server refused {len(refused)} of the recipients", again=False)

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        where, limit = (settings.smtp_host, settings.smtp_port), _MAIL_SECONDS
        server: smtplib.SMTP
        if settings.smtp_security == "tls":
            server = smtplib.SMTP_SSL(*where, timeout=limit, context=ssl.create_default_context())
        else:
            server = smtplib.SMTP(*where, timeout=limit)
        try:
            if settings.smtp_security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if settings.smtp_user:
                server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        except BaseException:
            server.close()
            raise
        return server

    def close(self) -> None:
        """Nothing is kept open."""


def longest_attempt(settings: AlertSettings) -> timedelta:
    """After so long an attempt has ended in any case."""
    # Connecting, writing and reading each have the whole limit; a mail takes several answers.
    return max(3 * settings.webhook_timeout, timedelta(seconds=6 * _MAIL_SECONDS))
