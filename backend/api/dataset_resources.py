"""What backend1's dataset routes share. Data frames are imported when the first of them is asked for: a process that
only trains and lists has no use for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from clickhouse_connect.driver.client import Client
from sqlalchemy import Engine
from stock_kit.settings import Settings
from stock_mlops.instruments import Instrument
from stock_mlops.services.dataset_deletion import DatasetDeletion
from stock_mlops.services.datasets import Dataset, describe_datasets
from stock_mlops.services.etl_control import EtlControl
from stock_mlops.services.quality_report import QualityReport, report_quality
from stock_mlops.stores.etl_runs import EtlRuns
from stock_mlops.stores.instrument_names import InstrumentNames
from stock_mlops.stores.market_clock import MarketClocks
from stock_mlops.stores.prefect_server import PrefectServer
from stock_mlops.stores.quarantine_entries import QuarantineEntries
from stock_mlops.stores.raw_deletion import RawDeletion
from stock_mlops.stores.trainings import Trainings
from stock_mlops.stores.uploads import Uploads
from stock_mlops.stores.warehouse import Warehouse

from api.schemas.datasets import FeatureQuery, PriceQuery, SpanQuery

if TYPE_CHECKING:
    import polars as pl
    from stock_mlops.services.series import Series, Span


@dataclass(slots=True)
class WarehouseDesk:
    """Datasets, prices and features for people."""

    client: Callable[[], Client]
    raw: Engine
    clocks: MarketClocks
    deletion: DatasetDeletion

    def datasets(self) -> Sequence[Dataset]:
        refused = {key: count.open for key, count in QuarantineEntries(self.raw).counts().items()}
        names = InstrumentNames(self.raw).read()
        return describe_datasets(Warehouse(self.client()).datasets(), names, self.clocks, refused)

    def data_version(self, instruments: Sequence[Instrument]) -> str:
        return Warehouse(self.client()).newest_load(instruments)

    def prices(self, instrument: Instrument, query: PriceQuery) -> pl.DataFrame:
        return self._series().prices(instrument, _span(query), adjusted=query.adjusted, how=query.downsample)

    def features(self, instrument: Instrument, query: FeatureQuery) -> pl.DataFrame:
        return self._series().features(instrument, query.names, _span(query))

    def quality(self, instrument: Instrument) -> QualityReport:
        return report_quality(instrument, QuarantineEntries(self.raw))

    def delete(self, instrument: Instrument) -> int:
        return self.deletion.delete(instrument)

    def _series(self) -> Series:
        from stock_mlops.services.series import Series
        from stock_mlops.stores.raw_prices import RawPrices

        return Series(Warehouse(self.client()), RawPrices(self.raw))


def _span(query: SpanQuery) -> Span:
    from stock_mlops.services.series import Span

    return Span(query.start, query.end, query.limit, query.points)


def open_datasets(
    settings: Settings, client: Callable[[], Client], meta: Engine, raw: Engine, clocks: MarketClocks
) -> WarehouseDesk:
    deletion = DatasetDeletion(
        Trainings(meta),
        RawDeletion(raw),
        lambda: Warehouse(client()),
        partial(_forget, settings),
        settings.path(settings.etl.export_dir),
    )
    return WarehouseDesk(client, raw, clocks, deletion)


def _forget(settings: Settings, instruments: list[Instrument]) -> None:
    from stock_mlops.services.cache_clearing import clear_caches

    clear_caches(settings)(instruments)


def open_etl(settings: Settings, raw: Engine) -> tuple[EtlControl, PrefectServer]:
    """The server's connection is the caller's to close."""
    server = PrefectServer(settings.prefect.api_url)
    return EtlControl(server, EtlRuns(raw), Uploads(settings.s3), settings.etl), server
