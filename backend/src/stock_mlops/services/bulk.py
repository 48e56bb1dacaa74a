"""Forecasts of many instruments at one horizon: each model is asked once for all that it serves."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import numpy as np
from stock_kit.clock import wall_now

from stock_mlops.errors import StockMlopsError, UnusableVectorError
from stock_mlops.forecasting.bundle import Forecast
from stock_mlops.services.forecast_events import Origin, Provenance, Subject, make_event
from stock_mlops.services.known_forecasts import KnownForecast, Made
from stock_mlops.services.serving import ServedModel

# What a digit becomes whose two high bits are to be 10.
_VARIANT = {digit: f"{int(digit, 16) & 0b0011 | 0b1000:x}" for digit in "0123456789abcdef"}


class Asked(NamedTuple):
    """One of many: what its forecast starts from and, if there is one, the same forecast as it was made before."""

    subject: Subject
    known: KnownForecast | None


def make_many(asked: Sequence[Asked | StockMlopsError], horizon: int, origin: Origin) -> list[Made | StockMlopsError]:
    """The prediction of each, or why there is none; a problem among ``asked`` stays where it is."""
    forecasts = _forecasts(asked, horizon)
    made_at = wall_now()
    answers: list[Made | StockMlopsError] = []
    for item, forecast, prediction_id in zip(asked, forecasts, new_ids(len(asked)), strict=True):
        if isinstance(item, StockMlopsError):
            answers.append(item)
        elif item.known is not None:
            answers.append(item.known.again(prediction_id, made_at))
        elif isinstance(forecast, StockMlopsError):
            answers.append(forecast)
        else:
            answers.append(_made(item.subject, horizon, forecast, Provenance(UUID(prediction_id), made_at, origin)))
    return answers


def new_ids(count: int) -> list[str]:
    """As many ``uuid4`` (RFC 9562), each of which would ask the kernel for its randomness alone; as text."""
    digits = os.urandom(16 * count).hex()
    return [_uuid4(digits[start : start + 32]) for start in range(0, len(digits), 32)]


def _uuid4(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:]}"


def _made(subject: Subject, horizon: int, forecast: Forecast | None, provenance: Provenance) -> Made | StockMlopsError:
    try:
        return Made.of(make_event(subject, horizon, forecast, provenance))
    except UnusableVectorError as problem:
        return problem


def _forecasts(asked: Sequence[Asked | StockMlopsError], horizon: int) -> list[Forecast | UnusableVectorError | None]:
    """Of each; None where the random walk serves, where the forecast is known, or where there is a problem already."""
    found: list[Forecast | UnusableVectorError | None] = [None] * len(asked)
    groups: dict[tuple[str, int], list[tuple[int, Subject, ServedModel]]] = {}
    for position, item in enumerate(asked):
        if isinstance(item, Asked) and item.known is None and item.subject.model is not None:
            subject, ref = item.subject, item.subject.model.ref
            groups.setdefault((ref.registered_name, ref.version), []).append((position, subject, item.subject.model))
    for members in groups.values():
        for position, forecast in _of_one_model(members, horizon):
            found[position] = forecast
    return found


def _of_one_model(
    members: Sequence[tuple[int, Subject, ServedModel]], horizon: int
) -> list[tuple[int, Forecast | UnusableVectorError]]:
    bundle = members[0][2].bundle
    unusable: list[tuple[int, Forecast | UnusableVectorError]] = []
    positions, rows, intervals = [], [], []
    for position, subject, model in members:
        try:
            rows.append(bundle.vector(subject.vector.values))
        except UnusableVectorError as problem:
            unusable.append((position, problem))
            continue
        positions.append(position)
        intervals.append(model.intervals)
    if not rows:
        return unusable
    forecasts = bundle.forecast_many(np.array(rows), horizon, intervals)
    return [*unusable, *zip(positions, forecasts, strict=True)]
