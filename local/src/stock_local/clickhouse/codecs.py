"""Content encodings of requests and answers, applied to streams."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import lz4.frame
import zstandard


class UnknownEncodingError(ValueError):
    """A body came in an encoding that is not supported, or broken in it."""


class _Lz4Compressor:
    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameCompressor()
        self._head = self._frame.begin()

    def compress(self, data: memoryview | bytes) -> bytes:
        head, self._head = self._head, b""
        return b"".join((head, self._frame.compress(data)))

    def flush(self) -> bytes:
        return b"".join((self._head, self._frame.flush()))


_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj(),
    "gzip": lambda: zlib.decompressobj(31),
    "deflate": zlib.decompressobj,
}
# In the order of preference: on one machine the cheapest wins.
_COMPRESSORS: dict[str, Callable[[], Any]] = {
    "lz4": _Lz4Compressor,
    "zstd": lambda: zstandard.ZstdCompressor(level=1).compressobj(),
    "gzip": lambda: zlib.compressobj(1, wbits=31),
}


def decompressed(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Undo ``encoding``. A body may hold several frames one after another: clickhouse-connect sends one per block.

    Raises:
        UnknownEncodingError: the encoding is not known, or the body is cut short or broken.
    """
    if encoding in ("", "identity"):
        yield from chunks
        return
    if encoding not in _DECOMPRESSORS:
        raise UnknownEncodingError(
            f"unknown Content-Encoding {encoding!r}: expected one of {', '.join(_DECOMPRESSORS)}"
        )
    unpacker = _DECOMPRESSORS[encoding]()
    inside = False
    for chunk in chunks:
        data = chunk
        while data:
            inside = True
            try:
                out = unpacker.decompress(data)
            except (RuntimeError, zlib.error, zstandard.ZstdError) as error:
                raise UnknownEncodingError(f"the body is not {encoding}: {error}") from error
            if out:
                yield out
            data = b""
            if unpacker.eof:
                data, unpacker, inside = unpacker.unused_data, _DECOMPRESSORS[encoding](), False
    if inside:
        raise UnknownEncodingError(f"the {encoding} body ends in the middle of a frame")


def choose_encoding(accepted: str) -> str:
    """The encoding for an answer to ``Accept-Encoding: accepted``; empty for none."""
    names = {item.split(";")[0].strip().lower() for item in accepted.split(",")}
    return next((name for name in _COMPRESSORS if name in names), "")


def compressed(chunks: Iterable[memoryview | bytes], encoding: str) -> Iterator[memoryview | bytes]:
    """Apply ``encoding``, one that :func:`choose_encoding` gave."""
    if not encoding:
        yield from chunks
        return
    packer = _COMPRESSORS[encoding]()
    for chunk in chunks:
        if out := packer.compress(chunk):
            yield out
    yield packer.flush()
