"""Where prices come from. A new source is one class and one entry in ``SOURCES``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from stock_kit.settings import EtlSettings

from stock_mlops.instruments import Instrument
from stock_mlops.prices.sources.base import Fetched, FetchRequest, PriceSource, SourceError


def _sample(_settings: EtlSettings, _file: Path | None, _instrument: Instrument | None) -> PriceSource:
    from stock_mlops.prices.sources.sample import SampleSource

    return SampleSource()


def _file(_settings: EtlSettings, file: Path | None, instrument: Instrument | None) -> PriceSource:
    from stock_mlops.prices.sources.file import FileSource

    if file is None:
        raise SourceError("the source 'file' needs a file: CSV or Parquet")
    return FileSource(file, instrument)


def _yfinance(settings: EtlSettings, _path: Path | None, _instrument: Instrument | None) -> PriceSource:
    from stock_mlops.prices.sources.yahoo import YahooSource

    return YahooSource(settings)


# Opened by name, so that only the chosen one's libraries are imported.
SOURCES: Mapping[str, Callable[[EtlSettings, Path | None, Instrument | None], PriceSource]] = {
    "sample": _sample,
    "file": _file,
    "yfinance": _yfinance,
}


def open_source(
    name: str, settings: EtlSettings, *, file: Path | None = None, instrument: Instrument | None = None
) -> PriceSource:
    """The source ``name``.

    Args:
        name: one of ``SOURCES``.
        settings: pace and overlap of sources that need them.
        file: what the source ``file`` reads.
        instrument: whose prices a file holds that has no ticker column.

    Raises:
        SourceError: the name is unknown, or the source cannot be opened so.
    """
    if name not in SOURCES:
        raise SourceError(f"source: expected one of {', '.join(SOURCES)}, got {name!r}")
    return SOURCES[name](settings, file, instrument)


__all__ = ["SOURCES", "FetchRequest", "Fetched", "PriceSource", "SourceError", "open_source"]
