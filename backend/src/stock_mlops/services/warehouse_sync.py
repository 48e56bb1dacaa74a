"""Brings the warehouse of some instruments up to their raw prices.

What has to be written follows from the two stores alone, so a run that was cut off anywhere is completed by the next.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Literal

import polars as pl

from stock_mlops.features import FEATURE_VERSION, compute_features, feature_names, max_lookback
from stock_mlops.instruments import Instrument
from stock_mlops.prices.adjustment import adjust
from stock_mlops.prices.schema import INSTRUMENT
from stock_mlops.stores.raw_prices import RawPrices, RawState
from stock_mlops.stores.warehouse import Warehouse, WarehouseState, version_of, version_time

Need = Literal["nothing", "tail", "all"]

# Rows that are computed and inserted together, in whole tickers: with all features 50 MB, of which an insert makes some
# copies here and in ClickHouse.
ROWS_AT_ONCE = 25_000

# A temporary file is its owner's alone; an export is for whoever may look into the folder.
_READABLE = 0o644


class WarehouseSync:
    """Computes and writes what the warehouse lacks: the new sessions where nothing before them changed, else all.

    What is written again gets a later version than what it replaces, also where the raw rows are the same: readers take
    the newest one, and what was served from the rows of before is known by theirs.
    """

    def __init__(self, raw: RawPrices, warehouse: Warehouse) -> None:
        self._raw = raw
        self._warehouse = warehouse
        self._columns_ensured = False

    def run(self, instruments: Collection[Instrument], *, again: bool = False) -> dict[Instrument, Need]:
        """Returns what was written of each; an instrument without raw rows is missing.

        Args:
            again: write all, also what seems to be there: its values may not be what the raw prices make of them.
        """
        self._ensure_columns()
        raw = self._raw.states(instruments)
        written = self._warehouse.states(raw)
        needs: dict[Instrument, Need] = dict.fromkeys(raw, "all") if again else self._needs(raw, written)
        versions = {item: version_of(state.ingested_at) for item, state in raw.items()}
        if rewritten := [instrument for instrument, need in needs.items() if need == "all"]:
            later = {item: max(versions[item], written[item].version + 1) for item in rewritten}
            self._write(self._raw.current(rewritten), later)
            self._drop_removed([item for item in rewritten if written[item].rows], raw)
        if appended := [instrument for instrument, need in needs.items() if need == "tail"]:
            self._append(appended, raw, written, versions)
        return needs

    def _needs(
        self, raw: Mapping[Instrument, RawState], written: Mapping[Instrument, WarehouseState]
    ) -> dict[Instrument, Need]:
        needs: dict[Instrument, Need] = dict.fromkeys(raw, "all")
        behind = {}
        for instrument, state in raw.items():
            done = written[instrument]
            if not done.rows or done.feature_versions != {FEATURE_VERSION}:
                continue
            if done.version >= version_of(state.ingested_at) and done.rows == state.rows:
                needs[instrument] = "nothing"
            else:
                behind[instrument] = version_time(done.version)
        for instrument, changes in (self._raw.changed_since(behind) if behind else {}).items():
            done = written[instrument]
            only_new = done.rows + changes.rows == raw[instrument].rows
            later = done.last_session is not None and changes.first_session > done.last_session
            if only_new and later and not changes.corporate_actions:
                needs[instrument] = "tail"
        return needs

    def _append(
        self,
        instruments: Collection[Instrument],
        raw: Mapping[Instrument, RawState],
        written: Mapping[Instrument, WarehouseState],
        versions: Mapping[Instrument, int],
    ) -> None:
        most_new = max(raw[item].rows - written[item].rows for item in instruments)
        rows = self._raw.newest(instruments, max_lookback() + most_new)
        done = [(item.exchange, item.ticker, written[item].last_session) for item in instruments]
        self._write(rows, versions, after=pl.DataFrame(done, schema=[*INSTRUMENT, "done"], orient="row"))

    def _write(
        self, rows: pl.DataFrame, versions: Mapping[Instrument, int], *, after: pl.DataFrame | None = None
    ) -> None:
        """Compute from ``rows`` and insert, of each instrument only the sessions after ``after.done`` when given."""
        labels = _labels(versions)
        for part in whole_tickers(adjust(rows), ROWS_AT_ONCE):
            self._write_part(part, labels, after)

    def _write_part(self, clean: pl.DataFrame, versions: pl.DataFrame, after: pl.DataFrame | None) -> None:
        features = compute_features(clean)
        if after is not None:
            clean, features = (
                frame.join(after, on=INSTRUMENT).filter(pl.col("session") > pl.col("done")).drop("done")
                for frame in (clean, features)
            )
        # Prices first: the warehouse's state is read from the features, so an interrupted write is done again.
        self._warehouse.write_prices(_labelled(clean, versions))
        labelled = _labelled(features, versions).with_columns(feature_version=pl.lit(FEATURE_VERSION))
        self._warehouse.write_features(labelled)

    def _drop_removed(self, instruments: Collection[Instrument], raw: Mapping[Instrument, RawState]) -> None:
        """A changeover to another source takes sessions away; their rows of older versions have to go as well."""
        for instrument, state in self._warehouse.states(instruments).items():
            if state.rows > raw[instrument].rows:
                self._warehouse.drop_older(instrument, version_of(raw[instrument].ingested_at))

    def _ensure_columns(self) -> None:
        if not self._columns_ensured:
            self._warehouse.ensure_feature_columns(feature_names())
            self._columns_ensured = True


def export(warehouse: Warehouse, folder: Path, instrument: Instrument) -> Path:
    """Write prices and features of one instrument to ``<folder>/<exchange>/<ticker>.parquet``.

    The file appears whole or not at all: a reader of the old one is not disturbed.
    """
    prices = warehouse.prices(instrument).drop("version")
    names = [name for name in feature_names() if name not in prices.columns]
    features = warehouse.features(instrument, names).drop("feature_version", "version")
    file = folder / instrument.exchange / f"{instrument.ticker}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own: two runs may export the same ticker at once.
    with NamedTemporaryFile(dir=file.parent, prefix=f".{file.stem}-", delete=False) as temporary:
        prices.join(features, on="session", maintain_order="left").write_parquet(temporary, compression="zstd")
    written = Path(temporary.name)
    written.chmod(_READABLE)
    return written.replace(file)


def whole_tickers(frame: pl.DataFrame, rows: int) -> Iterator[pl.DataFrame]:
    """``frame`` in parts of so many rows at most, or of one ticker that has more."""
    waiting: list[pl.DataFrame] = []
    for ticker in frame.partition_by(INSTRUMENT, maintain_order=True):
        if waiting and sum(map(len, waiting)) + len(ticker) > rows:
            yield pl.concat(waiting)
            waiting = []
        waiting.append(ticker)
    if waiting:
        yield pl.concat(waiting)


def _labelled(frame: pl.DataFrame, versions: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with the version of each row's instrument; a join of the whole frame would copy hundreds of columns."""
    keys = frame.select(INSTRUMENT).join(versions, on=INSTRUMENT, how="left", maintain_order="left")
    return frame.with_columns(keys["version"])


def _labels(versions: Mapping[Instrument, int]) -> pl.DataFrame:
    rows: Iterable[tuple[str, str, int]] = ((item.exchange, item.ticker, version) for item, version in versions.items())
    return pl.DataFrame(list(rows), schema={**dict.fromkeys(INSTRUMENT, pl.String), "version": pl.UInt64}, orient="row")
