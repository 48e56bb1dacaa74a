"""Forecasts that are asked for again before anything they come from has changed.

A forecast follows from the newest vector, the model and its intervals, which stay for a session or longer. Asked again,
it is the same forecast under another id and time: neither computed, validated nor put into JSON anew.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from datetime import datetime
from functools import lru_cache
from uuid import UUID
from weakref import ref

from stock_kit.events import PredictionEvent

from stock_mlops.services.forecast_events import Origin, Subject, Tally, outbox_row
from stock_mlops.stores.outbox import OutboxRow

# Some five kilobytes each.
_MOST = 2048
_INPUTS = re.compile(r',"inputs":\[[^]]*]')


class Made:
    """A prediction: the row that records it, and the JSON of its event, without the model's inputs, that answers it."""

    __slots__ = ("_first", "_made_at", "row", "shown", "tally")

    def __init__(self, first: PredictionEvent, made_at: datetime, row: OutboxRow, shown: str, tally: Tally) -> None:
        """``first`` is its event but for id and time."""
        self._first = first
        self._made_at = made_at
        self.row = row
        self.shown = shown
        self.tally = tally

    @classmethod
    def of(cls, event: PredictionEvent) -> Made:
        row = outbox_row(event)
        return cls(event, event.made_at, row, _without_inputs(row.payload), Tally.of(event))

    @property
    def event(self) -> PredictionEvent:
        prediction_id = UUID(self.row.id)
        if self._first.prediction_id == prediction_id:
            return self._first
        return self._first.model_copy(update={"prediction_id": prediction_id, "made_at": self._made_at})


class KnownForecast:
    """A forecast as it was first predicted, to be predicted again."""

    __slots__ = (
        "_after",
        "_before",
        "_between",
        "_first",
        "_key",
        "_model",
        "_shown_after",
        "_tally",
        "_topic",
        "_vector",
    )

    def __init__(self, subject: Subject, first: Made) -> None:
        self._vector = subject.vector
        # Not held: a model that no longer serves has to leave the memory.
        self._model = None if subject.model is None else ref(subject.model)
        self._first = first.event
        self._topic, self._key, self._tally = first.row.topic, first.row.key, first.tally
        # A quote inside of a text is escaped, so that these are the fields and nothing else.
        self._before, rest = first.row.payload.split(_id_field(first.row.id))
        self._between, self._after = rest.split(_time_field(self._first.made_at))
        self._shown_after = _without_inputs(self._after)

    def follows_from(self, subject: Subject) -> bool:
        """Vectors and models are replaced, never changed: the same objects are the same numbers."""
        if self._vector is not subject.vector:
            return False
        if self._model is None or subject.model is None:
            return self._model is None and subject.model is None
        return self._model() is subject.model

    def again(self, prediction_id: str, made_at: datetime) -> Made:
        start = f"{self._before}{_id_field(prediction_id)}{self._between}{_time_field(made_at)}"
        row = OutboxRow(prediction_id, self._topic, self._key, start + self._after)
        return Made(self._first, made_at, row, start + self._shown_after, self._tally)


def _id_field(prediction_id: str) -> str:
    return f'"prediction_id":"{prediction_id}"'


@lru_cache(8)  # the predictions of a bulk are all of one moment
def _time_field(made_at: datetime) -> str:
    """As Pydantic writes it: UTC, and a fraction only when there is one."""
    return f'"made_at":"{made_at.isoformat().removesuffix("+00:00")}Z"'


def _without_inputs(payload: str) -> str:
    return _INPUTS.sub("", payload, count=1)


class KnownForecasts:
    """The newest of each instrument, horizon and origin, as many as were asked for last. Of one event loop."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._known: OrderedDict[tuple[str, int, Origin], KnownForecast] = OrderedDict()

    def find(self, subject: Subject, horizon: int, origin: Origin) -> KnownForecast | None:
        """None when it was not asked for lately, or when what it comes from has changed."""
        key = (subject.instrument.key, horizon, origin)
        known = self._known.get(key)
        if known is None or not known.follows_from(subject):
            return None
        self._known.move_to_end(key)
        return known

    def keep(self, subject: Subject, horizon: int, origin: Origin, made: Made) -> None:
        key = (subject.instrument.key, horizon, origin)
        self._known[key] = KnownForecast(subject, made)
        self._known.move_to_end(key)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
