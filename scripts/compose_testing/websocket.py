"""The few lines of RFC 6455 that a test needs: connect, read JSON text frames, answer pings."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import time
from typing import Any

_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


class WebSocket:
    def __init__(self, authority: tuple[str, int], path: str) -> None:
        self._socket = socket.create_connection(authority, timeout=10)
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {authority[0]}:{authority[1]}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self._buffer = b""
        while b"\r\n\r\n" not in self._buffer:
            self._fill()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise OSError(f"expected 101 for {path}, got {head.splitlines()[0].decode()}")

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _fill(self) -> None:
        part = self._socket.recv(65536)
        if not part:
            raise OSError("the WebSocket was closed")
        self._buffer += part

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._fill()
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _frame(self) -> tuple[int, bytes]:
        first, second = self._take(2)
        size = second & 127
        if size == 126:
            size = struct.unpack("!H", self._take(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self._take(8))[0]
        return first & 15, self._take(size)

    def _send(self, opcode: int, payload: bytes) -> None:
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self._socket.sendall(bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + masked)

    def receive(self, seconds: float) -> dict[str, Any] | None:
        """The next JSON frame, or nothing when none came in time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                opcode, payload = self._frame()
            except TimeoutError:
                return None
            if opcode == _TEXT:
                frame: dict[str, Any] = json.loads(payload)
                return frame
            if opcode == _PING:
                self._send(_PONG, payload)
            elif opcode == _CLOSE:
                raise OSError("the WebSocket was closed by the server")
        return None

    def wait_for_event(self, field: str, value: str, seconds: float) -> dict[str, Any]:
        """The message whose data holds ``value`` in ``field``.

        Raises:
            TimeoutError: it did not come; the text tells what did.
        """
        deadline = time.monotonic() + seconds
        seen: list[object] = []
        while (left := deadline - time.monotonic()) > 0:
            frame = self.receive(left)
            messages: list[dict[str, Any]] = frame.get("messages", []) if frame else []
            for message in messages:
                if str(message["data"].get(field)) == value:
                    return message
                seen.append(message["data"].get(field))
        raise TimeoutError(f"expected a message with {field}={value} within {seconds:g} s; {len(seen)} others came")
