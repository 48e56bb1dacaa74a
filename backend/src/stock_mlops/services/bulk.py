"""Forecasts of many instruments at one horizon: each model is asked once for all that it serves."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import numpy as np
from stock_kit.clock import wall_now
from stock_kit.events import PredictionEvent

from stock_mlops.errors import StockMlopsError, UnusableVectorError
from stock_mlops.forecasting.bundle import Forecast
from stock_mlops.services.forecast_events import Origin, Provenance, Subject, make_event
from stock_mlops.services.serving import ServedModel


def forecast_subjects(
    subjects: Sequence[Subject | StockMlopsError], horizon: int, origin: Origin
) -> list[PredictionEvent | StockMlopsError]:
    """The event of each subject, or why there is none; a problem among ``subjects`` stays where it is."""
    forecasts = _forecasts(subjects, horizon)
    made_at = wall_now()
    answers: list[PredictionEvent | StockMlopsError] = []
    for subject, forecast in zip(subjects, forecasts, strict=True):
        if isinstance(subject, StockMlopsError):
            answers.append(subject)
        elif isinstance(forecast, StockMlopsError):
            answers.append(forecast)
        else:
            answers.append(_event(subject, horizon, forecast, Provenance(uuid4(), made_at, origin)))
    return answers


def _event(
    subject: Subject, horizon: int, forecast: Forecast | None, provenance: Provenance
) -> PredictionEvent | StockMlopsError:
    try:
        return make_event(subject, horizon, forecast, provenance)
    except UnusableVectorError as problem:
        return problem


def _forecasts(
    subjects: Sequence[Subject | StockMlopsError], horizon: int
) -> list[Forecast | UnusableVectorError | None]:
    """Of each subject; None where the random walk serves, or where there is a problem already."""
    found: list[Forecast | UnusableVectorError | None] = [None] * len(subjects)
    groups: dict[tuple[str, int], list[tuple[int, Subject, ServedModel]]] = {}
    for position, subject in enumerate(subjects):
        if isinstance(subject, Subject) and subject.model is not None:
            ref = subject.model.ref
            groups.setdefault((ref.registered_name, ref.version), []).append((position, subject, subject.model))
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
