"""The history of predictions, read from ClickHouse with what became of each.

Predictions are immutable and may be stored twice (a resent event); every read takes one row per id. Prices may be
stored in several versions; every read takes the newest of each session.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from clickhouse_connect.driver.client import Client
from stock_kit.events import PredictionEvent

from stock_mlops.errors import InvalidRequestError
from stock_mlops.instruments import Instrument

# The event's fields but its type, which is the table's name, and its inputs, which a list has no use for.
COLUMNS = tuple(name for name in PredictionEvent.model_fields if name not in ("type", "inputs"))


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: the next one holds what is older."""

    made_at: datetime
    prediction_id: UUID

    def encode(self) -> str:
        return urlsafe_b64encode(f"{self.made_at.isoformat()} {self.prediction_id}".encode()).decode()

    @classmethod
    def decode(cls, text: str) -> Cursor:
        """Raises :class:`InvalidRequestError` for a text that :meth:`encode` did not make."""
        try:
            made_at, _, prediction_id = urlsafe_b64decode(text.encode()).decode().partition(" ")
            moment = datetime.fromisoformat(made_at)
            if moment.tzinfo is None:
                raise ValueError("no time zone")
            return cls(moment, UUID(prediction_id))
        except (ValueError, binascii.Error):
            message = "expected the next_cursor of the page before"
            raise InvalidRequestError(
                f"cursor: {message}, got {text!r}", errors=[{"field": "query.cursor", "message": message}]
            ) from None


@dataclass(frozen=True, slots=True)
class PredictionFilter:
    exchange: str | None = None
    ticker: str | None = None
    model: str | None = None
    origin: str | None = None
    start: date | None = None
    """First target session."""
    end: date | None = None
    """Last target session."""


@dataclass(frozen=True, slots=True)
class SettledPrediction:
    event: PredictionEvent
    actual_close: float | None
    """Close of the target session on the price basis of ``as_of``: ``last_close`` times the change of the *adjusted*
    close from ``as_of`` to the target. A split or dividend in between moves the traded price without anybody having
    been wrong; None until the target session is known for good."""

    @property
    def error_pct(self) -> float | None:
        """Signed: predicted / actual - 1."""
        return None if self.actual_close is None else self.event.predicted_close / self.actual_close - 1


@dataclass(frozen=True, slots=True)
class Page:
    items: list[SettledPrediction] = field(default_factory=list)
    next_cursor: Cursor | None = None


class Predictions:
    """Reads. ``client`` is asked for at each use, so that a server that was down at start is found later."""

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client

    def page(self, wanted: PredictionFilter, limit: int, cursor: Cursor | None = None) -> Page:
        """The newest predictions made before ``cursor``, newest first."""
        conditions, parameters = _conditions(wanted, cursor)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        rows = (
            self._client()
            .query(
                f"SELECT {', '.join(COLUMNS)} FROM predictions {where}"  # noqa: S608  fixed names, bound values
                " ORDER BY made_at DESC, prediction_id DESC LIMIT 1 BY prediction_id LIMIT {limit:UInt32}",
                parameters={**parameters, "limit": limit + 1},
                # made_at in UTC and saying so; the client's default says nothing.
                tz_mode="aware",
            )
            .result_rows
        )
        events = [_event(row) for row in rows]
        more, events = len(events) > limit, events[:limit]
        next_cursor = Cursor(events[-1].made_at, events[-1].prediction_id) if more else None
        return Page(self._settle(events), next_cursor)

    def one(self, prediction_id: UUID) -> PredictionEvent | None:
        """A prediction with its inputs; None when it is not stored."""
        rows = (
            self._client()
            .query(
                f"SELECT {', '.join((*COLUMNS, 'inputs'))} FROM predictions"  # noqa: S608  fixed names, bound values
                " WHERE prediction_id = {id:UUID} LIMIT 1",
                parameters={"id": str(prediction_id)},
                tz_mode="aware",
            )
            .result_rows
        )
        return _event(rows[0], (*COLUMNS, "inputs")) if rows else None

    def existing(self, ids: Iterable[UUID], keys: Iterable[str]) -> set[UUID]:
        """Which of ``ids`` are stored; ``keys`` (``US:AAPL``) of their instruments narrow the search."""
        wanted = [str(item) for item in ids]
        instruments = sorted({tuple(key.split(":", 1)) for key in keys})
        rows = (
            self._client()
            .query(
                "SELECT DISTINCT prediction_id FROM predictions WHERE prediction_id IN {ids:Array(UUID)}"
                " AND (exchange, ticker) IN {instruments:Array(Tuple(String, String))}",
                parameters={"ids": wanted, "instruments": instruments},
            )
            .result_rows
        )
        return {UUID(str(row[0])) for row in rows}

    def _settle(self, events: Sequence[PredictionEvent]) -> list[SettledPrediction]:
        closes = self._adjusted_closes(events)
        return [SettledPrediction(event, _actual(event, closes)) for event in events]

    def _adjusted_closes(self, events: Sequence[PredictionEvent]) -> dict[tuple[str, str, date], float]:
        """Adjusted closes of the sessions that ``events`` start from and aim at; only closed sessions are stored."""
        if not events:
            return {}
        rows = (
            self._client()
            .query(
                "SELECT exchange, ticker, session, argMax(close, version) AS adjusted FROM prices"
                " WHERE (exchange, ticker) IN {instruments:Array(Tuple(String, String))}"
                " AND session IN {sessions:Array(Date32)}"
                " GROUP BY exchange, ticker, session",
                parameters={
                    "instruments": sorted({(event.exchange, event.ticker) for event in events}),
                    "sessions": sorted({day for event in events for day in (event.as_of, event.target_session)}),
                },
            )
            .result_rows
        )
        return {(exchange, ticker, session): adjusted for exchange, ticker, session, adjusted in rows}


class PriceBars:
    """Adjusted daily prices for a chart, without a data frame library."""

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client

    def read(self, instrument: Instrument, start: date | None, end: date | None, limit: int) -> list[dict[str, Any]]:
        """The newest ``limit`` sessions between ``start`` and ``end`` (inclusive), oldest first."""
        conditions = ["exchange = {exchange:String}", "ticker = {ticker:String}"]
        parameters: dict[str, Any] = {"exchange": instrument.exchange, "ticker": instrument.ticker, "limit": limit}
        if start is not None:
            conditions.append("session >= {start:Date32}")
            parameters["start"] = start
        if end is not None:
            conditions.append("session <= {end:Date32}")
            parameters["end"] = end
        result = self._client().query(
            "SELECT session, open, high, low, close, volume FROM prices"  # noqa: S608  fixed names, bound values
            f" WHERE {' AND '.join(conditions)}"
            " ORDER BY session DESC, version DESC LIMIT 1 BY session LIMIT {limit:UInt32}",
            parameters=parameters,
        )
        return list(result.named_results())[::-1]


def _conditions(wanted: PredictionFilter, cursor: Cursor | None) -> tuple[list[str], dict[str, Any]]:
    candidates: list[tuple[str, str, Any]] = [
        ("exchange", "exchange = {exchange:String}", wanted.exchange),
        ("ticker", "ticker = {ticker:String}", wanted.ticker),
        ("model", "model_name = {model:String}", wanted.model),
        ("origin", "origin = {origin:String}", wanted.origin),
        ("start", "target_session >= {start:Date32}", wanted.start),
        ("end", "target_session <= {end:Date32}", wanted.end),
    ]
    given = [item for item in candidates if item[2] is not None]
    conditions = [condition for _, condition, _ in given]
    parameters = {name: value for name, _, value in given}
    if cursor is not None:
        conditions.append("(made_at, prediction_id) < ({made_at:DateTime64(6, 'UTC')}, {prediction_id:UUID})")
        parameters |= {"made_at": cursor.made_at, "prediction_id": str(cursor.prediction_id)}
    return conditions, parameters


def _event(row: Sequence[Any], columns: Sequence[str] = COLUMNS) -> PredictionEvent:
    return PredictionEvent.model_validate(dict(zip(columns, row, strict=True)))


def _actual(event: PredictionEvent, closes: dict[tuple[str, str, date], float]) -> float | None:
    base = closes.get((event.exchange, event.ticker, event.as_of))
    target = closes.get((event.exchange, event.ticker, event.target_session))
    return event.last_close * target / base if base and target else None
