from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import lz4.frame
import pytest
import zstandard
from stock_local.clickhouse.codecs import UnknownEncodingError, choose_encoding, compressed, decompressed

TEXT = b"session,close\n" * 5000
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.compress,
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "identity": bytes,
}


@pytest.mark.parametrize("encoding", PACKERS)
@pytest.mark.parametrize("size", [1, 100, 1 << 20])
def test_a_body_is_decompressed_however_it_is_cut(encoding: str, size: int) -> None:
    packed = PACKERS[encoding](TEXT)
    if size == 1:
        packed = PACKERS[encoding](TEXT[:500])
    chunks = [packed[start : start + size] for start in range(0, len(packed), size)]
    assert b"".join(decompressed(chunks, encoding)) == (TEXT[:500] if size == 1 else TEXT)


@pytest.mark.parametrize("encoding", ["lz4", "zstd", "gzip"])
def test_several_frames_follow_one_another(encoding: str) -> None:
    packed = PACKERS[encoding](b"first ") + PACKERS[encoding](b"second")
    assert b"".join(decompressed([packed], encoding)) == b"first second"


@pytest.mark.parametrize("encoding", ["lz4", "zstd", "gzip", "deflate"])
def test_a_body_that_is_cut_short_is_refused(encoding: str) -> None:
    packed = PACKERS[encoding](TEXT)
    with pytest.raises(UnknownEncodingError, match="ends in the middle of a frame"):
        list(decompressed([packed[:-3]], encoding))


@pytest.mark.parametrize("encoding", ["lz4", "zstd", "gzip"])
def test_a_body_that_is_something_else_is_refused(encoding: str) -> None:
    with pytest.raises(UnknownEncodingError, match=f"the body is not {encoding}"):
        list(decompressed([TEXT], encoding))


def test_an_unknown_encoding_is_named_with_those_that_are_known() -> None:
    with pytest.raises(UnknownEncodingError, match="unknown Content-Encoding 'br': expected one of lz4, zstd, gzip"):
        list(decompressed([b"x"], "br"))


@pytest.mark.parametrize("encoding", ["lz4", "zstd", "gzip"])
def test_what_is_compressed_can_be_read_by_everybody(encoding: str) -> None:
    packed = b"".join(compressed([memoryview(TEXT)[:100], memoryview(TEXT)[100:]], encoding))
    assert b"".join(decompressed([packed], encoding)) == TEXT
    assert b"".join(decompressed([b"".join(compressed([], encoding))], encoding)) == b""


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [("gzip, zstd, lz4", "lz4"), ("br;q=1, gzip;q=0.5", "gzip"), ("deflate", ""), ("", "")],
)
def test_the_cheapest_encoding_that_the_client_takes_is_chosen(accepted: str, chosen: str) -> None:
    assert choose_encoding(accepted) == chosen
