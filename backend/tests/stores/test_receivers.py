from __future__ import annotations

import hashlib
import hmac
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_string, policy

import httpx
import orjson
import pytest
from pydantic import SecretStr
from stock_kit.service_settings import AlertSettings
from stock_mlops.stores.receivers import Mail, NotDeliveredError, Webhook, signature

URL = "https://desk.example/hooks/geheim"
BODY = {"id": "1", "alerts": [{"title": "Ü"}]}


def webhook(answer: httpx.Response | Exception, seen: list[httpx.Request], key: str = "key") -> Webhook:
    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    settings = AlertSettings(webhook_url=SecretStr(URL), webhook_secret=SecretStr(key))
    return Webhook(settings, httpx.MockTransport(respond))


def post(answer: httpx.Response | Exception, key: str = "key") -> httpx.Request:
    seen: list[httpx.Request] = []
    hook = webhook(answer, seen, key)
    try:
        hook.send("m1", "subject", "text", BODY)
    finally:
        hook.close()
    (request,) = seen
    return request


def test_a_message_is_posted_as_json_with_its_id_and_a_signature_that_the_receiver_can_check() -> None:
    request = post(httpx.Response(204))
    assert (request.method, str(request.url), orjson.loads(request.content)) == ("POST", URL, BODY)
    assert (request.headers["content-type"], request.headers["x-stock-message"]) == ("application/json", "m1")
    signed = request.headers["x-stock-timestamp"].encode() + b"." + request.content
    expected = hmac.new(b"key", signed, hashlib.sha256).hexdigest()
    assert request.headers["x-stock-signature"] == f"sha256={expected}"


def test_the_signature_follows_the_secret_the_time_and_the_body() -> None:
    known = signature("key", "1", b"x")
    assert known == signature("key", "1", b"x")
    assert len({known, signature("kez", "1", b"x"), signature("key", "2", b"x"), signature("key", "1", b"y")}) == 4


def test_without_a_secret_nothing_is_signed() -> None:
    assert "x-stock-signature" not in post(httpx.Response(200), key="").headers


@pytest.mark.parametrize(("status", "again"), [(404, False), (422, False), (429, True), (500, True), (302, True)])
def test_what_the_webhook_answers_says_whether_to_try_again(status: int, again: bool) -> None:
    with pytest.raises(NotDeliveredError, match=f"answered {status}") as raised:
        post(httpx.Response(status, text="no"))
    assert raised.value.again is again


def test_a_webhook_that_does_not_answer_is_tried_again_and_its_address_is_not_told() -> None:
    with pytest.raises(NotDeliveredError) as raised:
        post(httpx.ConnectError(f"refused by {URL}"))
    assert raised.value.again
    assert "geheim" not in str(raised.value)


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP as smtplib asks; ``data_reply`` is its word on a whole mail."""

    daemon_threads = True

    def __init__(self, data_reply: str) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.data_reply = data_reply
        self.mails: list[str] = []
        self.recipients: list[str] = []


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 ready")
        while line := self.rfile.readline().decode().strip():
            verb = line.split(":")[0].upper()
            if verb.startswith("RCPT"):
                self.server.recipients.append(line.partition(":")[2].strip("<>"))
            if verb == "DATA":
                self._say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.mails.append(b"".join(lines).decode())
                self._say(self.server.data_reply)
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def mail_server(data_reply: str = "250 taken") -> Iterator[MailServer]:
    with MailServer(data_reply) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def mail_to(server: MailServer) -> Mail:
    return Mail(
        AlertSettings(
            email_to=("ann@desk.example", "bob@desk.example"),
            email_from="stock@desk.example",
            smtp_host="127.0.0.1",
            smtp_port=server.server_address[1],
            smtp_security="none",
        )
    )


def test_a_mail_goes_to_everybody_once() -> None:
    with mail_server() as server:
        mail_to(server).send("m1", "[CRITICAL] Größer", "Zeile\n", {})
    (raw,) = server.mails
    mail = message_from_string(raw, policy=policy.default)
    assert server.recipients == ["ann@desk.example", "bob@desk.example"]
    assert (mail["Subject"], mail["From"], mail["Message-ID"]) == (
        "[CRITICAL] Größer",
        "stock@desk.example",
        "<m1@desk.example>",
    )
    assert (mail["Auto-Submitted"], mail.get_content().strip()) == ("auto-generated", "Zeile")
    assert mail["Date"].datetime.tzinfo is not None


@pytest.mark.parametrize(("reply", "again"), [("451 later", True), ("554 no", False)])
def test_what_the_mail_server_answers_says_whether_to_try_again(reply: str, again: bool) -> None:
    with mail_server(reply) as server, pytest.raises(NotDeliveredError, match=reply[:3]) as raised:
        mail_to(server).send("m1", "s", "t", {})
    assert raised.value.again is again


def test_a_mail_server_that_is_not_there_is_tried_again() -> None:
    with mail_server() as server:
        mail = mail_to(server)
    with pytest.raises(NotDeliveredError) as raised:
        mail.send("m1", "s", "t", {})
    assert raised.value.again
