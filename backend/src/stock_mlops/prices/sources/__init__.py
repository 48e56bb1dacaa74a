"""Where prices come from. A new source is one class and one entry in ``SOURCES``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stock_kit.model_settings import EtlSettings

from stock_mlops.instruments import Instrument
from stock_mlops.prices.sources.base import Fetched, FetchRequest, PriceSource, SourceError


@dataclass(frozen=True)
class SourceOptions:
    """What a source may be told beside its name."""

    settings: EtlSettings
    file: Path | None = None
    """What the source ``file`` reads."""
    instrument: Instrument | None = None
    """Whose prices the file holds, when it has no ticker column; else the only one to read from it."""
    exchange: str = "US"
    """Market of tickers that a file names without one."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """The file's names of our columns, where they are not the usual ones."""


def _sample(_options: SourceOptions) -> PriceSource:
    from stock_mlops.prices.sources.sample import SampleSource

    return SampleSource()


def _file(options: SourceOptions) -> PriceSource:
    from stock_mlops.prices.sources.file import FileSource

    if options.file is None:
        raise SourceError("the source 'file' needs a file: CSV or Parquet")
    return FileSource(options.file, options.instrument, options.exchange, options.columns)


def _yfinance(options: SourceOptions) -> PriceSource:
    from stock_mlops.prices.sources.yahoo import YahooSource

    return YahooSource(options.settings)


# Opened by name, so that only the chosen one's libraries are imported.
SOURCES: Mapping[str, Callable[[SourceOptions], PriceSource]] = {
    "sample": _sample,
    "file": _file,
    "yfinance": _yfinance,
}


def open_source(
    name: str,
    settings: EtlSettings,
    *,
    file: Path | None = None,
    instrument: Instrument | None = None,
    exchange: str = "US",
    columns: Mapping[str, str] | None = None,
) -> PriceSource:
    """The source ``name``, one of ``SOURCES``; for the other arguments see :class:`SourceOptions`.

    Raises:
        SourceError: the name is unknown, or the source cannot be opened so.
    """
    if name not in SOURCES:
        raise SourceError(f"source: expected one of {', '.join(SOURCES)}, got {name!r}")
    return SOURCES[name](SourceOptions(settings, file, instrument, exchange, columns or {}))


__all__ = ["SOURCES", "FetchRequest", "Fetched", "PriceSource", "SourceError", "open_source"]
