"""The history of predictions, read from ClickHouse with what became of each.

Predictions are immutable and may be stored twice (a resent event); every read takes one row per id. They are stored in
two orders, by ticker and by time (``predictions_by_time``), and so are settlements: a page reads the order it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from clickhouse_connect.driver.client import Client
from stock_kit.events import PredictionEvent

from stock_mlops.stores.cursor import Cursor

# The event's fields but its type, which is the table's name, and its inputs, which a list has no use for.
COLUMNS = tuple(name for name in PredictionEvent.model_fields if name not in ("type", "inputs"))


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
    version: str | None = None
    """Of the model."""
    settled: bool = False
    """Only those whose outcome is known."""


_ANY = PredictionFilter()
_PLACES = "{places:Array(Tuple(DateTime64(6, 'UTC'), UUID))}"


@dataclass(frozen=True, slots=True)
class SettledPrediction:
    event: PredictionEvent
    actual_close: float | None = None
    """Close of the target session on the price basis of ``as_of``: ``last_close`` times the change of the *adjusted*
    close from ``as_of`` to the target. A split or dividend in between moves the traded price without anybody having
    been wrong; None until the prediction is settled."""
    error_pct: float | None = None
    """Signed: predicted / actual - 1."""


@dataclass(frozen=True, slots=True)
class Page:
    items: list[SettledPrediction] = field(default_factory=list)
    next_cursor: Cursor | None = None


class _Unescaped:
    """A text of letters, digits and what neither ClickHouse nor a URL has to escape. The driver looks at each character
    of a text, but takes as it is what says for itself how it is written."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text


class Predictions:
    """Reads. ``client`` is asked for at each use, so that a server that was down at start is found later."""

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client

    def page(self, wanted: PredictionFilter, limit: int, cursor: Cursor | None = None) -> Page:
        """The newest predictions made before ``cursor``, newest first; reads little more than it returns."""
        if wanted.settled:
            events = self._at(self._settled_places(wanted, limit + 1, cursor), wanted)
        else:
            rows = self._each_once("predictions", COLUMNS, wanted, limit + 1, cursor)
            events = [_event(row) for row in rows]
        more, events = len(events) > limit, events[:limit]
        next_cursor = Cursor(events[-1].made_at, events[-1].prediction_id) if more else None
        return Page(self.settle(events, wanted), next_cursor)

    def one(self, prediction_id: UUID) -> PredictionEvent | None:
        """A prediction with its inputs; None when it is not stored."""
        columns = (*COLUMNS, "inputs")
        rows = self._rows(
            f"SELECT {', '.join(columns)} FROM predictions WHERE prediction_id = {{id:UUID}} LIMIT 1",  # noqa: S608
            {"id": str(prediction_id)},
        )
        return _event(rows[0], columns) if rows else None

    def existing(self, ids: Collection[str], keys: Iterable[str], since: datetime | None = None) -> set[str]:
        """Which of ``ids`` are stored; ``keys`` (``US:AAPL``) of their instruments narrow the search, and so does
        ``since``, before which none of them was made."""
        if not ids:
            return set()
        # Driver and server take milliseconds for an array of a thousand, of which there are some each second.
        instruments = sorted({tuple(key.split(":", 1)) for key in keys})
        parameters: dict[str, Any] = {"ids": _Unescaped("~".join(ids)), "instruments": instruments}
        query = (
            "SELECT DISTINCT toString(prediction_id) FROM predictions WHERE"
            " prediction_id IN (SELECT toUUID(arrayJoin(splitByChar('~', {ids:String}))))"
            " AND (exchange, ticker) IN {instruments:Array(Tuple(String, String))}"
        )
        if since is not None:
            query += " AND made_at >= {since:DateTime64(6, 'UTC')}"
            parameters["since"] = since
        rows = self._rows(query, parameters)
        return {row[0] for row in rows}

    def settle(self, events: Sequence[PredictionEvent], wanted: PredictionFilter = _ANY) -> list[SettledPrediction]:
        """``events``, which ``wanted`` found, with what became of them."""
        places = [Cursor(event.made_at, event.prediction_id) for event in events]
        rows = self._at_places(
            "settlements",
            "prediction_id, argMax(actual_close, version), argMax(error_pct, version)",
            "GROUP BY prediction_id",
            places,
            wanted,
        )
        outcomes = {UUID(str(row[0])): (row[1], row[2]) for row in rows}
        return [SettledPrediction(event, *outcomes.get(event.prediction_id, (None, None))) for event in events]

    def _settled_places(self, wanted: PredictionFilter, count: int, cursor: Cursor | None) -> list[Cursor]:
        """When, and under which ids, the newest settled predictions were made."""
        rows = self._each_once("settlements", ("prediction_id", "made_at"), wanted, count, cursor)
        return [Cursor(row[1], UUID(str(row[0]))) for row in rows]

    def _at(self, places: Sequence[Cursor], wanted: PredictionFilter) -> list[PredictionEvent]:
        """The predictions made there, newest first."""
        order = "ORDER BY made_at DESC, prediction_id DESC LIMIT 1 BY prediction_id"
        return [_event(row) for row in self._at_places("predictions", ", ".join(COLUMNS), order, places, wanted)]

    def _at_places(
        self, table: str, selected: str, order: str, places: Sequence[Cursor], wanted: PredictionFilter
    ) -> Sequence[Sequence[Any]]:
        """Rows that lie at ``places``, which the index finds in either order of the table."""
        if not places:
            return []
        conditions, parameters = _conditions(wanted)
        where = " AND ".join([f"(made_at, prediction_id) IN {_PLACES}", *conditions])
        listed = [(place.at, str(place.id)) for place in places]
        query = f"SELECT {selected} FROM {_ordered(table, wanted)} WHERE {where} {order}"  # noqa: S608  bound values
        return self._rows(query, {**parameters, "places": listed})

    def _each_once(
        self, table: str, columns: Sequence[str], wanted: PredictionFilter, count: int, cursor: Cursor | None
    ) -> list[Sequence[Any]]:
        """The newest ``count`` rows before ``cursor``, ``columns`` beginning with the id.

        ``LIMIT BY`` would read the whole table: rows stored twice stand side by side, so they are dropped here, and the
        next ones fetched in their place.
        """
        time = columns.index("made_at")
        found: dict[UUID, Sequence[Any]] = {}
        while True:
            missing = count - len(found)
            conditions, parameters = _conditions(wanted, cursor)
            where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
            rows = self._rows(
                f"SELECT {', '.join(columns)} FROM {_ordered(table, wanted)} {where}"  # noqa: S608  bound values
                " ORDER BY made_at DESC, prediction_id DESC LIMIT {limit:UInt32}",
                {**parameters, "limit": missing},
            )
            for row in rows:
                found.setdefault(UUID(str(row[0])), row)
            if len(rows) < missing or len(found) == count:
                return list(found.values())
            cursor = Cursor(rows[-1][time], UUID(str(rows[-1][0])))

    def _rows(self, query: str, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        # made_at in UTC and saying so; the client's default says nothing.
        rows: Sequence[Sequence[Any]] = (
            self._client().query(query, parameters=dict(parameters), tz_mode="aware").result_rows
        )
        return rows


def _ordered(table: str, wanted: PredictionFilter) -> str:
    """The one of two tables with the same rows that is sorted so that ``wanted`` reads few of them."""
    return table if wanted.ticker is not None else f"{table}_by_time"


def _conditions(wanted: PredictionFilter, cursor: Cursor | None = None) -> tuple[list[str], dict[str, Any]]:
    candidates: list[tuple[str, str, Any]] = [
        ("exchange", "exchange = {exchange:String}", wanted.exchange),
        ("ticker", "ticker = {ticker:String}", wanted.ticker),
        ("model", "model_name = {model:String}", wanted.model),
        ("model_version", "model_version = {model_version:String}", wanted.version),
        ("origin", "origin = {origin:String}", wanted.origin),
        ("start", "target_session >= {start:Date32}", wanted.start),
        ("end", "target_session <= {end:Date32}", wanted.end),
    ]
    given = [item for item in candidates if item[2] is not None]
    conditions = [condition for _, condition, _ in given]
    parameters = {name: value for name, _, value in given}
    if cursor is not None:
        # The first says to the index what the second says to the rows.
        conditions.append("made_at <= {made_at:DateTime64(6, 'UTC')}")
        conditions.append("(made_at, prediction_id) < ({made_at:DateTime64(6, 'UTC')}, {prediction_id:UUID})")
        parameters |= {"made_at": cursor.at, "prediction_id": str(cursor.id)}
    return conditions, parameters


def _event(row: Sequence[Any], columns: Sequence[str] = COLUMNS) -> PredictionEvent:
    return PredictionEvent.model_validate(dict(zip(columns, row, strict=True)))
