"""The warehouse as a simulation reads it: a day's reads, dozens of the same rows, come from memory, and each row is
fetched once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import polars as pl
from clickhouse_connect.driver.client import Client

from stock_mlops.features import feature_names
from stock_mlops.instruments import Instrument
from stock_mlops.prices.schema import CLEAN_SCHEMA
from stock_mlops.stores.warehouse import Warehouse


class SessionWarehouse(Warehouse):
    """Its owner says what was written; nobody else may write into this ClickHouse database."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._columns = {
            "prices": (*CLEAN_SCHEMA, "version"),
            "features": ("session", "feature_version", "version", *feature_names()),
        }
        self._kept: dict[tuple[str, Instrument], pl.DataFrame] = {}

    def appended(self, instrument: Instrument) -> None:
        """Sessions were added after the last one; those before did not change."""
        for table in self._columns:
            known = self._kept.get((table, instrument))
            if known is None or known.is_empty():
                self._kept.pop((table, instrument), None)
                continue
            last: date = known["session"][-1]
            newer = self._fetched(table, instrument, instrument.sessions.next(last))
            self._kept[table, instrument] = pl.concat([known, newer], rechunk=True)

    def rewritten(self, instrument: Instrument) -> None:
        """Any of its rows may have changed."""
        for table in self._columns:
            self._kept.pop((table, instrument), None)

    def _select_all(
        self,
        table: str,
        columns: Iterable[str],
        instruments: Sequence[Instrument],
        start: date | None,
        end: date | None,
    ) -> dict[Instrument, pl.DataFrame]:
        wanted = list(columns)
        span = pl.col("session").is_between(start or date.min, end or date.max)
        for instrument in instruments:
            if (table, instrument) not in self._kept:
                self._kept[table, instrument] = self._fetched(table, instrument, None)
        return {item: self._kept[table, item].filter(span).select(wanted) for item in instruments}

    def _fetched(self, table: str, instrument: Instrument, start: date | None) -> pl.DataFrame:
        return super()._select_all(table, self._columns[table], [instrument], start, None)[instrument]
