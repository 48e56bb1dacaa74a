"""What a client may ask for: in the address, and in messages while the socket is open.

Whatever does not read as described closes the socket with a reason: a client with a mistake should hear of it rather
than wait for messages that will never come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qs

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ws_monitor.channel import Keys
from ws_monitor.frames import ChannelName
from ws_monitor.gate import FORBIDDEN, POLICY_VIOLATION, RefusedError

UNSUPPORTED_DATA = 1003

PING = "ping"
MAX_TICKERS = 100
_MAX_TICKER_LENGTH = 40
# What a refusal repeats of what came; a close frame has room for 123 bytes.
_SHOWN = 40
_SECRETS = frozenset({"access_token", "api_key", "apikey", "authorization", "jwt", "key", "refresh_token", "token"})

TickerKey = Annotated[
    str,
    Field(pattern=r"^[^:,\s]+:[^,\s]+$", max_length=_MAX_TICKER_LENGTH, description="EXCHANGE:TICKER, as in US:AAPL"),
]


class ChooseTickers(BaseModel):
    """From now on only these tickers; the answer is a ``snapshot`` of them. Predictions and alerts only."""

    model_config = ConfigDict(extra="forbid")

    tickers: list[TickerKey] | None = Field(max_length=MAX_TICKERS, description="null: all of them")


class Introduction(BaseModel):
    """Who calls: the first message of a program that comes without a ticket. Where access is off, or the ticket said
    it already, it changes nothing, so that a program need not know."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(description="an access token: POST /api/auth/login")


class BadRequestError(RefusedError):
    """What a client asked for cannot be read."""

    def __init__(self, reason: str, code: int = POLICY_VIOLATION) -> None:
        super().__init__(code, reason)


@dataclass(frozen=True, slots=True)
class Query:
    since: str | None
    keys: Keys
    ticket: str | None


@dataclass(frozen=True, slots=True)
class Choice:
    """What a client wants from now on."""

    keys: Keys


_tickers: TypeAdapter[list[str]] = TypeAdapter(Annotated[list[TickerKey], Field(max_length=MAX_TICKERS)])
_messages: TypeAdapter[ChooseTickers | Introduction] = TypeAdapter(ChooseTickers | Introduction)


def parse_query(channel: ChannelName, query: bytes) -> Query:
    """What the address asks for.

    Raises:
        BadRequestError: it holds a secret, a name that nobody knows, or no tickers where it says so.
    """
    values = parse_qs(query.decode("latin-1"))
    if secret := _SECRETS & {name.lower().replace("-", "_") for name in values}:
        reason = f"no {min(secret)} in an address, which proxies log; get a ticket: POST /api/auth/ws-ticket"
        raise BadRequestError(reason, FORBIDDEN)
    if unknown := sorted(set(values) - {"since", "ticker", "ticket"}):
        raise BadRequestError(f"unknown parameter {unknown[0][:_SHOWN]}; expected since, ticker or ticket")
    tickers = [ticker for value in values.get("ticker", []) for ticker in value.split(",") if ticker]
    return Query(values.get("since", [None])[-1], _keys(channel, tickers), values.get("ticket", [None])[-1])


def parse_message(channel: ChannelName, text: str | None) -> Choice | None:
    """What a message other than a ping asks for; None is nothing.

    Args:
        channel: that it came on.
        text: None is a binary message.

    Raises:
        BadRequestError: it is none of the messages that there are.
    """
    if text is None:
        raise BadRequestError("expected a text message, got a binary one", UNSUPPORTED_DATA)
    try:
        asked = _messages.validate_json(text)
    except ValidationError as error:
        raise _refusal(error, text) from error
    return None if isinstance(asked, Introduction) else Choice(_keys(channel, asked.tickers))


def _keys(channel: ChannelName, tickers: list[str] | None) -> Keys:
    if not tickers:
        return None
    if channel is ChannelName.METRICS:
        raise BadRequestError("the metrics channel has no tickers")
    try:
        return frozenset(_tickers.validate_python(tickers))
    except ValidationError as error:
        raise _refusal(error, "") from error


def _refusal(error: ValidationError, text: str) -> BadRequestError:
    for wrong in error.errors():
        if wrong["type"] == "too_long":
            return BadRequestError(f"at most {MAX_TICKERS} tickers, got {wrong['ctx']['actual_length']}")
        if wrong["loc"] and isinstance(wrong["loc"][-1], int):
            got = str(wrong["input"])[:_SHOWN]
            return BadRequestError(f"ticker: expected EXCHANGE:TICKER as in US:AAPL, got {got}")
    return BadRequestError(f'expected ping, {{"tickers": ["US:AAPL"]}} or {{"token": "..."}}, got {text[:_SHOWN]}')
