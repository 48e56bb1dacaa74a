from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs

import pytest
from stock_kit import links
from stock_kit.clock import wall_seconds
from stock_kit.links import SignedLinks

KEY = "k" * 40


def parts(query: str) -> tuple[int, str]:
    values = parse_qs(query)
    return int(values["expires"][0]), values["signature"][0]


def test_a_link_opens_what_it_was_made_for_in_every_process_of_the_key() -> None:
    expires, signature = parts(SignedLinks(KEY, timedelta(hours=1)).query("page"))
    other = SignedLinks(KEY, timedelta(minutes=5))
    assert other.holds("page", expires, signature)
    assert not other.holds("another page", expires, signature)
    assert not other.holds("page", expires + 3600, signature)
    assert not other.holds("page", expires, signature[:-1] + ("0" if signature[-1] != "0" else "1"))
    assert not other.holds("page", expires, "é")
    assert not SignedLinks("j" * 40, timedelta(hours=1)).holds("page", expires, signature)


def test_a_link_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    signed = SignedLinks(KEY, timedelta(minutes=5))
    expires, signature = parts(signed.query("page"))
    later = wall_seconds() + 301
    monkeypatch.setattr(links, "wall_seconds", lambda: later)
    assert not signed.holds("page", expires, signature)
