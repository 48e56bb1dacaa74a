"""The errors of a model version's settled forecasts, session by session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
from clickhouse_connect.driver.client import Client
from numpy.typing import NDArray

from stock_mlops.instruments import Instrument

# Of each session the newest forecast counts, in its newest settlement.
_ERRORS = """
SELECT horizon, target_session, error, width
FROM settlements
WHERE exchange = {exchange:String} AND ticker = {ticker:String}
    AND model_name = {model:String} AND model_version = {version:String}
ORDER BY made_at DESC, prediction_id DESC, version DESC
LIMIT 1 BY horizon, target_session
LIMIT {limit:UInt32}
"""
_MOST = 20_000


@dataclass(frozen=True, slots=True)
class SettledErrors:
    """At one horizon, the oldest session first; arrays are (n,), in log returns."""

    horizon: int
    sessions: tuple[date, ...]
    """Target sessions."""
    errors: NDArray[np.float64]
    """Forecast minus realised."""
    widths: NDArray[np.float64]
    """Of the intervals, from end to end; NaN without one."""


class SettledErrorsTable:
    """Reads. ``client`` is asked for at each use, so that a server that was down at start is found later."""

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client

    def of(self, instrument: Instrument, model: str, version: str) -> list[SettledErrors]:
        """All of a version's, by horizon."""
        parameters = {
            "exchange": instrument.exchange,
            "ticker": instrument.ticker,
            "model": model,
            "version": version,
            "limit": _MOST,
        }
        rows = self._client().query(_ERRORS, parameters=parameters).result_rows
        by_horizon: dict[int, list[tuple[date, float, float | None]]] = {}
        for horizon, session, error, width in rows:
            by_horizon.setdefault(horizon, []).append((session, error, width))
        return [_series(horizon, sorted(items)) for horizon, items in sorted(by_horizon.items())]


def _series(horizon: int, items: list[tuple[date, float, float | None]]) -> SettledErrors:
    return SettledErrors(
        horizon,
        tuple(session for session, _, _ in items),
        np.array([error for _, error, _ in items], dtype=np.float64),
        np.array([np.nan if width is None else width for _, _, width in items], dtype=np.float64),
    )
