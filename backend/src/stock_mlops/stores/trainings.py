"""Which instruments are being trained on, in model_meta_db."""

from __future__ import annotations

from sqlalchemy import Engine, text

from stock_mlops.errors import ConflictError
from stock_mlops.instruments import Instrument


class Trainings:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def refuse(self, instrument: Instrument) -> None:
        """Raises :class:`ConflictError` while a model of the instrument, or of a panel with it, is being trained."""
        with self._engine.connect() as connection:
            row = connection.execute(
                text("""
                    SELECT j.id, d.registered_name FROM jobs j
                    JOIN model_definitions d ON d.id = CAST(j.payload ->> 'model_id' AS uuid)
                    WHERE j.kind = 'train' AND j.state IN ('pending', 'running') AND d.exchange = :exchange
                        AND (d.ticker = :ticker OR jsonb_exists(d.spec -> 'tickers', :ticker))
                    LIMIT 1
                """),
                {"exchange": instrument.exchange, "ticker": instrument.ticker},
            ).first()
        if row is not None:
            raise ConflictError(
                f"{row.registered_name} is being trained on {instrument.key} (task {row.id}); wait for its end or"
                f" cancel it: DELETE /api/train/{row.id}"
            )
