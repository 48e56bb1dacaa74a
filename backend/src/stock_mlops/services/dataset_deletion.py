"""Deleting a ticker: its raw prices, then what was made of them. Predictions and their outcomes are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from stock_kit.logging import get_logger

from stock_mlops.instruments import Instrument
from stock_mlops.services.forecast_events import no_data

log = get_logger(__name__)


class Trainings(Protocol):
    """``stores.trainings.Trainings``, or a set in a test."""

    def refuse(self, instrument: Instrument) -> None:
        """Raises ``ConflictError`` while a model of the instrument is being trained."""
        ...


class RawRows(Protocol):
    """``stores.raw_deletion.RawDeletion``."""

    def has(self, instrument: Instrument) -> bool: ...

    def delete(self, instrument: Instrument) -> int: ...


class WarehouseRows(Protocol):
    def delete(self, instrument: Instrument) -> None: ...


class DatasetDeletion:
    """
    Args:
        forget: makes caches of what was read of the instruments be read again.
        export_dir: folder of the Parquet files.
    """

    def __init__(
        self,
        trainings: Trainings,
        raw: RawRows,
        warehouse: Callable[[], WarehouseRows],
        forget: Callable[[list[Instrument]], None],
        export_dir: Path,
    ) -> None:
        self._trainings = trainings
        self._raw = raw
        self._warehouse = warehouse
        self._forget = forget
        self._export_dir = export_dir

    def delete(self, instrument: Instrument) -> int:
        """Returns how many raw rows there were. Safe to repeat after an interruption: the raw prices go last, so that
        the instrument is known until all else is gone.

        Raises:
            NoDataError: nothing of it is stored.
            ConflictError: a model of it is being trained.
        """
        if not self._raw.has(instrument):
            raise no_data(instrument)
        self._trainings.refuse(instrument)
        self._warehouse().delete(instrument)
        (self._export_dir / instrument.exchange / f"{instrument.ticker}.parquet").unlink(missing_ok=True)
        rows = self._raw.delete(instrument)
        self._forget([instrument])
        log.info("dataset_deleted", instrument=instrument.key, rows=rows)
        return rows
