"""Prices from memory, and a load of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl
from sqlalchemy import Engine
from stock_kit.clock import Clock, FixedClock
from stock_kit.settings import Settings
from stock_mlops.instruments import Instrument
from stock_mlops.prices.sources import Fetched, FetchRequest
from stock_mlops.prices.sources.base import Timeline
from stock_mlops.prices.sources.sample import _daily
from stock_mlops.services.ingest import Ingest
from stock_mlops.services.ingest_report import IngestReport
from stock_mlops.stores.quarantine import Quarantine
from stock_mlops.stores.raw_prices import RawPrices
from stock_mlops.stores.warehouse import Warehouse

NOW = datetime(2013, 3, 4, 12, 0, tzinfo=UTC)


@dataclass
class FrameSource:
    """Gives frames as they are."""

    frames: Sequence[Fetched] = ()
    name: str = "frames"
    timeline: Timeline = "live"
    requests: list[FetchRequest] = field(default_factory=list)

    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(item.instrument for item in self.frames)

    def fetch(self, request: FetchRequest) -> Iterator[Fetched]:
        self.requests.append(request)
        yield from self.frames


class StoppedClocks:
    def clock(self, timeline: str) -> Clock:
        assert timeline in ("live", "replay")
        return FixedClock(NOW)


def make_ingest(
    settings: Settings, engine: Engine, raw: RawPrices, warehouse: Warehouse, loaded: list[Instrument]
) -> Ingest:
    quarantine = Quarantine(engine)
    folder = settings.etl.export_dir
    return Ingest(raw, quarantine, warehouse, StoppedClocks(), settings.etl, folder, loaded.extend)


def msft(instrument: Instrument, rows: int = 600) -> pl.DataFrame:
    """Real rows (with a split and two dividends from row 740 on) under another name."""
    return (
        _daily()
        .filter(ticker="MSFT")
        .with_columns(exchange=pl.lit(instrument.exchange), ticker=pl.lit(instrument.ticker), source=pl.lit("frames"))
        .head(rows)
    )


def load(ingest: Ingest, instrument: Instrument, rows: pl.DataFrame, timeline: Timeline = "live") -> IngestReport:
    return ingest.run(FrameSource([Fetched(instrument, rows)], timeline=timeline))
