from __future__ import annotations

import json

import pytest
from ws_monitor.frames import ChannelName
from ws_monitor.requests import BadRequestError, Choice, parse_message, parse_query

PREDICTIONS = ChannelName.PREDICTIONS


def test_tickers_come_repeated_or_as_a_list() -> None:
    query = parse_query(ChannelName.ALERTS, b"ticker=US:AAPL,TW:2330&ticker=HK:0700.HK")
    assert query.keys == {"US:AAPL", "TW:2330", "HK:0700.HK"}


def test_an_address_without_a_query_asks_for_everything() -> None:
    query = parse_query(PREDICTIONS, b"")
    assert (query.since, query.keys, query.ticket) == (None, None, None)


def test_the_metrics_channel_refuses_tickers() -> None:
    with pytest.raises(BadRequestError, match="no tickers"):
        parse_query(ChannelName.METRICS, b"ticker=US:AAPL")
    with pytest.raises(BadRequestError, match="no tickers"):
        parse_message(ChannelName.METRICS, '{"tickers": ["US:AAPL"]}')


def test_too_many_tickers_are_refused() -> None:
    tickers = [f"US:A{number}" for number in range(101)]
    with pytest.raises(BadRequestError, match="at most 100 tickers, got 101"):
        parse_query(PREDICTIONS, b"ticker=" + ",".join(tickers).encode())
    with pytest.raises(BadRequestError, match="at most 100 tickers, got 101"):
        parse_message(PREDICTIONS, json.dumps({"tickers": tickers}))


@pytest.mark.parametrize("ticker", ["AAPL", "US:", ":AAPL", "US:A B", "US:" + "A" * 40, 7, None])
def test_what_is_no_ticker_is_named(ticker: object) -> None:
    with pytest.raises(BadRequestError, match="ticker: expected EXCHANGE:TICKER"):
        parse_message(PREDICTIONS, json.dumps({"tickers": ["US:AAPL", ticker]}))


def test_a_message_chooses_tickers_or_all_of_them() -> None:
    assert parse_message(PREDICTIONS, '{"tickers": ["US:AAPL", "TW:2330"]}') == Choice(
        frozenset({"US:AAPL", "TW:2330"})
    )
    assert parse_message(PREDICTIONS, '{"tickers": null}') == Choice(None)
    assert parse_message(PREDICTIONS, '{"tickers": []}') == Choice(None)


@pytest.mark.parametrize(
    "text", ["", "pong", "{}", "[]", "null", '{"tickers": "US:AAPL"}', '{"tickers": null, "x": 1}', '{"token": 1}']
)
def test_any_other_message_is_refused_with_those_that_there_are(text: str) -> None:
    with pytest.raises(BadRequestError, match="expected ping, "):
        parse_message(PREDICTIONS, text)
