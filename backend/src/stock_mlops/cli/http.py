"""Calls of the platform's HTTP API from the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stock_mlops.cli.console import fail

# A first prediction may load a model; everything else answers at once.
_TIMEOUT = 30.0
_UNAUTHENTICATED = 401


def call(method: str, url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The JSON answer; a problem or a server that does not answer ends the command with its message."""
    import httpx
    from stock_kit.access import client_key
    from stock_kit.settings import get_settings

    key = client_key(get_settings())
    headers = {} if key is None else {"X-API-Key": key}
    try:
        answer = httpx.request(method, url, json=body, headers=headers, timeout=_TIMEOUT, trust_env=False)
    except httpx.TransportError as error:
        fail(f"{url} does not answer ({error}); is the stack up? Look with: stock-mlops status")
    if answer.status_code == _UNAUTHENTICATED:
        fail(f"{_problem(answer)}. For stock-mlops: set STOCK_ACCESS__API_KEY (stock-mlops api-keys create makes one)")
    if not answer.is_success:
        fail(_problem(answer))
    content: dict[str, Any] = answer.json()
    return content


def _problem(answer: Any) -> str:
    try:
        problem = answer.json()
        return f"{problem['title']}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"{answer.request.url} answered {answer.status_code}: {answer.text[:200]}"
