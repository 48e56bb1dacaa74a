from __future__ import annotations

from pathlib import Path

from api.openapi import render

KEPT = Path(__file__).parents[3] / "docs" / "openapi.json"


def test_the_document_that_is_kept_is_current() -> None:
    assert KEPT.read_bytes() == render(), "run: make documents"
