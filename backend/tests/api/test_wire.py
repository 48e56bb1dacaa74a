from __future__ import annotations

import asyncio
from typing import cast

import httpx
import pytest
import uvicorn
from api.wire import Gathering, GatheringProtocol
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

pytestmark = pytest.mark.anyio


class Wire:
    """A transport that notes what it was given at once."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.packets.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def gathering(wire: Wire) -> Gathering:
    return Gathering(cast(asyncio.Transport, wire), asyncio.get_running_loop())


async def test_what_is_written_in_one_turn_is_one_packet() -> None:
    wire = Wire()
    transport = gathering(wire)
    transport.write(b"head ")
    transport.write(b"body")
    assert wire.packets == []
    await asyncio.sleep(0)
    assert wire.packets == [b"head body"]
    transport.write(b"next")
    await asyncio.sleep(0)
    assert wire.packets == [b"head body", b"next"]


async def test_much_is_written_at_once() -> None:
    wire = Wire()
    transport = gathering(wire)
    transport.write(b"head")
    transport.write(bytes(100_000))
    assert [len(packet) for packet in wire.packets] == [100_004]
    await asyncio.sleep(0)
    assert len(wire.packets) == 1


async def test_what_is_held_is_written_before_the_end() -> None:
    wire = Wire()
    transport = gathering(wire)
    transport.write(b"last words")
    transport.close()
    assert (wire.packets, wire.closed, transport.is_closing()) == ([b"last words"], True, True)
    await asyncio.sleep(0)


async def test_answers_arrive_whole_however_they_are_sent() -> None:
    app = FastAPI()

    @app.get("/whole")
    async def whole() -> dict[str, str]:
        return {"text": "x" * 200_000}

    @app.get("/parts")
    async def parts() -> StreamingResponse:
        async def stream():  # type: ignore[no-untyped-def]
            for number in range(1000):
                yield f"{number} "
                await asyncio.sleep(0)

        return StreamingResponse(stream())

    server = uvicorn.Server(uvicorn.Config(app, port=0, http=GatheringProtocol, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(3):
            assert (await client.get("/whole")).json() == {"text": "x" * 200_000}
            assert (await client.get("/parts")).text.split() == [str(number) for number in range(1000)]
        assert (await client.get("/none")).status_code == 404
    server.should_exit = True
    await serving
