"""ClickHouse's HTTP interface: which user asks, what the request says, how the answer goes back.

A request runs in one worker thread from its first byte to its last, the engine being synchronous; the thread pulls the
body from the event loop and pushes the answer to it, so that neither a large insert nor a large result is kept whole.
"""

from __future__ import annotations

import hmac
import json
import os
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import chain, islice
from uuid import uuid4

from anyio import CapacityLimiter, from_thread, to_thread
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope, Send

from stock_local.clickhouse.codecs import UnknownEncodingError, choose_encoding, compressed, decompressed
from stock_local.clickhouse.engine import Engine, QueryError, Session, Summary
from stock_local.clickhouse.statements import InsertHead, insert_head, is_select, output_format

# URL parameters of the HTTP interface itself; every other one is a setting of the query.
_HTTP_PARAMETERS = frozenset(
    {
        "query",
        "database",
        "default_format",
        "user",
        "password",
        "session_id",
        "session_timeout",
        "session_check",
        "query_id",
        "compress",
        "decompress",
        "enable_http_compression",
        "http_zlib_compression_level",
        "wait_end_of_query",
        "buffer_size",
        "quota_key",
        "client_protocol_version",
        "role",
        "stacktrace",
        "send_progress_in_http_headers",
        "http_headers_progress_interval_ms",
        "cancel_http_readonly_queries_on_client_close",
    }
)
_STATUS = {46: 404, 60: 404, 81: 404, 62: 400, 497: 403, 516: 403, 48: 501}
_SYNTAX_ERROR, _NOT_IMPLEMENTED, _CANNOT_DECOMPRESS, _AUTHENTICATION_FAILED = 62, 48, 271, 516
_HEAD_LIMIT = 1 << 16  # an INSERT's columns fit into it; its rows follow
_SLICE = 1 << 20  # bytes of a result handed to the event loop at once
_COMPRESS_FROM = 1 << 10  # a smaller answer fits into one packet anyway
_CONCURRENCY = 16  # requests in the engine at once; the others wait
_HEADER_UNSAFE = re.compile(r"[^\x20-\x7e]")


@dataclass(frozen=True)
class Credentials:
    user: str
    password: str

    def matches(self, user: str, password: str) -> bool:
        """Both are always compared, each in constant time."""
        same_user = hmac.compare_digest(self.user.encode(), user.encode())
        same_password = hmac.compare_digest(self.password.encode(), password.encode())
        return same_user and same_password


def _presented(request: Request, args: Mapping[str, str]) -> tuple[str, str]:
    """User and password from the headers, basic authentication or the URL, in ClickHouse's order."""
    headers = request.headers
    if "x-clickhouse-user" in headers or "x-clickhouse-key" in headers:
        return headers.get("x-clickhouse-user", "default"), headers.get("x-clickhouse-key", "")
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = b64decode(encoded, validate=True).decode().partition(":")
        except (Base64Error, UnicodeDecodeError):
            return "", ""
        return user, password
    return args.get("user", "default"), args.get("password", "")


class Exchange:
    """One request and its answer, seen from the worker thread."""

    def __init__(self, request: Request, send: Send) -> None:
        self._request = request
        self._send = send
        self._chunks = request.stream()
        self.args = dict(request.query_params)
        self.started = False

    def header(self, name: str) -> str:
        return self._request.headers.get(name, "")

    def credentials(self) -> tuple[str, str]:
        return _presented(self._request, self.args)

    def _received(self) -> Iterator[bytes]:
        while True:
            try:
                chunk = from_thread.run(self._chunks.__anext__)
            except StopAsyncIteration:
                return
            if chunk:
                yield chunk

    def body(self) -> Iterator[bytes]:
        """The body without its encoding; of a form the query, its other fields joining the arguments."""
        if self.header("content-type").startswith("multipart/form-data"):
            return iter([self._form_query()])
        return decompressed(self._received(), self.header("content-encoding").lower())

    def _form_query(self) -> bytes:
        async def read() -> dict[str, UploadFile | str]:
            return dict(await self._request.form())

        fields = from_thread.run(read)
        if files := [name for name, value in fields.items() if not isinstance(value, str)]:
            raise QueryError(_NOT_IMPLEMENTED, f"external tables are not supported: {files} (NOT_IMPLEMENTED)")
        texts = {name: str(value) for name, value in fields.items()}
        query = texts.pop("query", "")
        self.args.update(texts)
        return query.encode()

    def respond(self, status: int, headers: Mapping[str, str], chunks: Iterable[memoryview | bytes]) -> None:
        """Send the answer. Only as far as ``chunks`` can be read is it sent: their error cuts the connection."""
        raw = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
        self.started = True
        self._push({"type": "http.response.start", "status": status, "headers": raw})
        if self._request.method != "HEAD":
            for chunk in chunks:
                self._push({"type": "http.response.body", "body": bytes(chunk), "more_body": True})
        self._push({"type": "http.response.body", "body": b"", "more_body": False})

    def _push(self, message: Message) -> None:
        async def push() -> None:
            await self._send(message)

        from_thread.run(push)


def _slices(data: memoryview) -> Iterator[memoryview]:
    for start in range(0, len(data), _SLICE):
        yield data[start : start + _SLICE]


def _head_and_rest(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, enough to hold any INSERT's head, and an iterator over what follows them."""
    head = bytearray()
    for chunk in chunks:
        head += chunk
        if len(head) >= _HEAD_LIMIT:
            break
    return bytes(head), chunks


class ClickHouseApp:
    """The ASGI application. It closes the engine when the server shuts down."""

    def __init__(self, engine: Engine, credentials: Credentials) -> None:
        self._engine = engine
        self._credentials = credentials
        self._limiter: CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":  # no request is left
                self._engine.close()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/ping":  # answers while every worker is busy
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
            await send({"type": "http.response.body", "body": b"Ok.\n"})
            return
        if self._limiter is None:
            self._limiter = CapacityLimiter(_CONCURRENCY)
        exchange = Exchange(Request(scope, receive), send)
        await to_thread.run_sync(self._serve, exchange, scope["path"], limiter=self._limiter)

    def _serve(self, exchange: Exchange, path: str) -> None:
        try:
            if path != "/":
                exchange.respond(404, {}, [f"There is no handle {path}\n".encode()])
                return
            user, password = exchange.credentials()
            if not self._credentials.matches(user, password):
                raise QueryError(
                    _AUTHENTICATION_FAILED,
                    f"{user}: Authentication failed: password is incorrect, or there is no user with such name."
                    " (AUTHENTICATION_FAILED)",
                )
            self._run(exchange)
        except QueryError as error:
            self._fail(exchange, error)
        except UnknownEncodingError as error:
            self._fail(exchange, QueryError(_CANNOT_DECOMPRESS, f"{error} (CANNOT_DECOMPRESS)"))
        except ClientDisconnect:
            return  # nobody is left to be told

    @staticmethod
    def _fail(exchange: Exchange, error: QueryError) -> None:
        if exchange.started:  # the client learns from the cut connection that its result is not complete
            raise error
        headers = {"X-ClickHouse-Exception-Code": str(error.code), "Content-Type": "text/plain; charset=UTF-8"}
        text = f"Code: {error.code}. DB::Exception: {error.text}\n"
        exchange.respond(_STATUS.get(error.code, 500), headers, [text.encode()])

    def _run(self, exchange: Exchange) -> None:
        if "1" in (exchange.args.get("compress"), exchange.args.get("decompress")):
            raise QueryError(_NOT_IMPLEMENTED, "ClickHouse's own block compression is not supported (NOT_IMPLEMENTED)")
        head, rest = _head_and_rest(exchange.body())
        args = exchange.args
        in_url = args.get("query", "").encode()
        text = in_url + b"\n" + head if in_url and head else in_url or head
        if not text.strip():
            raise QueryError(_SYNTAX_ERROR, "Empty query (SYNTAX_ERROR)")
        database = args.get("database") or exchange.header("x-clickhouse-database")
        settings = {k: v for k, v in args.items() if k not in _HTTP_PARAMETERS and not k.startswith("param_")}
        with self._engine.session(database, settings) as session:
            insert = insert_head(text)
            if insert is not None:
                self._insert(exchange, session, insert, chain([text[insert.length :]], rest))
            else:
                self._query(exchange, session, b"".join([text, *rest]).decode())

    def _insert(self, exchange: Exchange, session: Session, insert: InsertHead, rows: Iterable[bytes]) -> None:
        summary = session.insert(insert.statement, insert.input_format, (chunk for chunk in rows if chunk))
        exchange.respond(200, self._headers(exchange, insert.input_format, summary), [])

    def _query(self, exchange: Exchange, session: Session, sql: str) -> None:
        args = exchange.args
        parameters = {name.removeprefix("param_"): value for name, value in args.items() if name.startswith("param_")}
        default = args.get("default_format") or exchange.header("x-clickhouse-format") or "TabSeparated"
        chosen = output_format(sql, default)
        encoding = ""
        if args.get("enable_http_compression") == "1":
            encoding = choose_encoding(exchange.header("accept-encoding"))
        # A Native result is a sequence of blocks, so it can leave while it is computed; a client that wants to hear of
        # every error by status asks for wait_end_of_query.
        if chosen == "Native" and is_select(sql) and args.get("wait_end_of_query") != "1":
            blocks = session.stream(sql, default, parameters)
            first = list(islice(blocks, 1))  # a wrong query shows here, while there still is a status to set
            headers = self._headers(exchange, chosen, Summary(), encoding)
            exchange.respond(200, headers, compressed(chain(first, blocks), encoding))
            return
        answer = session.query(sql, default, parameters)
        if len(answer.data) < _COMPRESS_FROM:
            encoding = ""
        headers = self._headers(exchange, chosen, answer.summary, encoding)
        if not encoding:
            headers["Content-Length"] = str(len(answer.data))
        exchange.respond(200, headers, compressed(_slices(answer.data), encoding))

    def _headers(self, exchange: Exchange, chosen: str, summary: Summary, encoding: str = "") -> dict[str, str]:
        text = chosen.startswith(("Tab", "TSV", "CSV", "JSON", "Pretty", "Vertical"))
        query_id = _HEADER_UNSAFE.sub("", exchange.args.get("query_id", "")) or str(uuid4())
        headers = {
            "Content-Type": "text/plain; charset=UTF-8" if text else "application/octet-stream",
            "X-ClickHouse-Format": chosen,
            "X-ClickHouse-Query-Id": query_id,
            "X-ClickHouse-Server-Display-Name": os.uname().nodename,
            "X-ClickHouse-Summary": json.dumps({name: str(value) for name, value in asdict(summary).items()}),
            "X-ClickHouse-Timezone": self._engine.timezone,
        }
        if encoding:
            headers["Content-Encoding"] = encoding
        return headers
