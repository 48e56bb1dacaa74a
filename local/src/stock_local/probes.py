"""Is a server ready? Each probe asks it in its own protocol, as a client would."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from stock_kit.server_settings import PostgresSettings, RedisSettings

_TIMEOUT = 3.0


class NotReadyError(Exception):
    """Not ready yet; the text says what was seen."""


Probe = Callable[[], Awaitable[None]]


async def _connect(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        return await asyncio.wait_for(asyncio.open_connection(host, port), _TIMEOUT)
    except (OSError, TimeoutError) as error:
        raise NotReadyError(f"nothing answers on {host}:{port}") from error


async def _ask(host: str, port: int, request: bytes, until: bytes) -> bytes:
    """Send a request, return what came up to and including ``until``."""
    reader, writer = await _connect(host, port)
    try:
        writer.write(request)
        return await asyncio.wait_for(reader.readuntil(until), _TIMEOUT)
    except asyncio.IncompleteReadError as error:
        raise NotReadyError(f"{host}:{port} closed the connection after {error.partial[:80]!r}") from error
    except (OSError, TimeoutError, asyncio.LimitOverrunError) as error:
        raise NotReadyError(f"{host}:{port} does not answer") from error
    finally:
        writer.close()


def tcp(host: str, port: int) -> Probe:
    async def probe() -> None:
        _, writer = await _connect(host, port)
        writer.close()

    return probe


async def http_request(
    method: str, host: str, port: int, path: str, expected: tuple[int, ...], body: bytes = b""
) -> None:
    """Ask, and look at the answer's status only.

    Raises:
        NotReadyError: no answer, or one with another status.
    """
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    line = await _ask(host, port, head.encode() + body, b"\r\n")
    parts = line.split()
    if len(parts) < 2 or not parts[1].isdigit() or int(parts[1]) not in expected:
        raise NotReadyError(f"{method} {path} answered {line.decode(errors='replace').strip()!r}")


def http(host: str, port: int, path: str, expected: tuple[int, ...] = (200,)) -> Probe:
    """GET ``path`` answers one of the expected statuses."""

    async def probe() -> None:
        await http_request("GET", host, port, path, expected)

    return probe


def redis(settings: RedisSettings) -> Probe:
    async def probe() -> None:
        password = settings.password.get_secret_value().encode()
        login = b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\n" % (len(password), password) if password else b""
        if login:
            answer = await _ask(settings.host, settings.port, login, b"\r\n")
        else:
            answer = await _ask(settings.host, settings.port, b"*1\r\n$4\r\nPING\r\n", b"\r\n")
        if not answer.startswith((b"+OK", b"+PONG")):
            raise NotReadyError(answer.decode(errors="replace").strip())

    return probe


def postgres(settings: PostgresSettings) -> Probe:
    """The role can log in to its database."""

    def login() -> None:
        import psycopg2

        try:
            psycopg2.connect(
                host=settings.host,
                port=settings.port,
                user=settings.user,
                password=settings.password.get_secret_value(),
                dbname=settings.database,
                connect_timeout=int(_TIMEOUT),
            ).close()
        except psycopg2.OperationalError as error:
            raise NotReadyError(str(error).strip()) from error

    async def probe() -> None:
        await _connect_quietly(settings.host, settings.port)
        await asyncio.to_thread(login)

    return probe


async def _connect_quietly(host: str, port: int) -> None:
    """A cheap look before a costly login."""
    _, writer = await _connect(host, port)
    writer.close()
