"""What drift is told by, in model_meta_db: one row per model version and instrument."""

from __future__ import annotations

from sqlalchemy import Engine, text

from stock_mlops.monitoring.drift import DriftReference
from stock_mlops.stores.interval_states import StateKey


class DriftReferences:
    """Every method is one short transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, key: StateKey) -> DriftReference | None:
        """None when there is none yet, or one that another release wrote."""
        with self._engine.begin() as tx:
            content = tx.execute(
                text("""
                    SELECT reference FROM drift_references
                    WHERE registered_name = :name AND version = :version AND exchange = :exchange AND ticker = :ticker
                """),
                _values(key),
            ).scalar()
        return None if content is None else DriftReference.from_bytes(bytes(content))

    def put(self, key: StateKey, reference: DriftReference) -> None:
        """Enter it; two who computed it at once computed the same."""
        with self._engine.begin() as tx:
            tx.execute(
                text("""
                    INSERT INTO drift_references (registered_name, version, exchange, ticker, reference)
                    VALUES (:name, :version, :exchange, :ticker, :reference)
                    ON CONFLICT (registered_name, version, exchange, ticker) DO UPDATE
                        SET reference = excluded.reference, created_at = now()
                """),
                {**_values(key), "reference": reference.to_bytes()},
            )


def _values(key: StateKey) -> dict[str, object]:
    return {
        "name": key.registered_name,
        "version": key.version,
        "exchange": key.instrument.exchange,
        "ticker": key.instrument.ticker,
    }
