"""States of adaptive intervals, in model_meta_db: one row per model version, instrument and session."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import orjson
from sqlalchemy import Engine, text

from stock_mlops.forecasting.adaptation import AdaptiveState
from stock_mlops.instruments import Instrument


@dataclass(frozen=True, slots=True)
class StateKey:
    """Whose intervals: one version as it serves one instrument."""

    registered_name: str
    version: int
    instrument: Instrument


class IntervalStates:
    """Every method is one short transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest(self, key: StateKey, until: date | None = None) -> AdaptiveState | None:
        """The state after the outcome of ``until`` (None: of the last session) was counted, or the last one before."""
        with self._engine.begin() as tx:
            state = tx.execute(
                text("""
                    SELECT state FROM interval_states
                    WHERE registered_name = :name AND version = :version AND exchange = :exchange AND ticker = :ticker
                      AND (CAST(:until AS date) IS NULL OR through <= :until)
                    ORDER BY through DESC LIMIT 1
                """),
                {**_values(key), "until": until},
            ).scalar()
        return None if state is None else AdaptiveState.from_dict(state)

    def add(self, key: StateKey, state: AdaptiveState) -> None:
        """Enter a state; the one that is there already stays, so that two who count the same outcome agree."""
        with self._engine.begin() as tx:
            tx.execute(
                text("""
                    INSERT INTO interval_states (registered_name, version, exchange, ticker, through, state)
                    VALUES (:name, :version, :exchange, :ticker, :through, CAST(:state AS jsonb))
                    ON CONFLICT DO NOTHING
                """),
                {**_values(key), "through": state.through, "state": orjson.dumps(state.to_dict()).decode()},
            )

    def of_versions(self, versions: Collection[tuple[str, int]]) -> dict[StateKey, AdaptiveState]:
        """The newest state of every instrument that one of ``versions`` (registered name, version) serves."""
        if not versions:
            return {}
        with self._engine.begin() as tx:
            rows = tx.execute(
                text("""
                    SELECT DISTINCT ON (s.registered_name, s.exchange, s.ticker)
                        s.registered_name, s.version, s.exchange, s.ticker, s.state
                    FROM interval_states s
                    JOIN unnest(CAST(:names AS text[]), CAST(:versions AS integer[])) AS wanted (name, version)
                      ON s.registered_name = wanted.name AND s.version = wanted.version
                    ORDER BY s.registered_name, s.exchange, s.ticker, s.through DESC
                """),
                {"names": [name for name, _ in versions], "versions": [version for _, version in versions]},
            ).all()
        return {
            StateKey(name, version, Instrument(exchange, ticker)): AdaptiveState.from_dict(state)
            for name, version, exchange, ticker, state in rows
        }


def _values(key: StateKey) -> dict[str, object]:
    return {
        "name": key.registered_name,
        "version": key.version,
        "exchange": key.instrument.exchange,
        "ticker": key.instrument.ticker,
    }
