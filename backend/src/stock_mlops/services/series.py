"""Prices and features of one instrument as people and scripts read them: a span of sessions, perhaps thinned out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Literal

import polars as pl

from stock_mlops.errors import InvalidRequestError
from stock_mlops.features import default_features, expand_features
from stock_mlops.instruments import Instrument
from stock_mlops.prices.downsampling import bars, thin_out
from stock_mlops.services.forecast_events import no_data
from stock_mlops.stores.raw_prices import RawPrices
from stock_mlops.stores.warehouse import Warehouse

Downsampling = Literal["lttb", "ohlc"]
TableFormat = Literal["csv", "arrow", "parquet"]
PRICE_COLUMNS = ("session", "open", "high", "low", "close", "volume", "dividend", "split")


@dataclass(frozen=True, slots=True)
class Span:
    start: date | None = None
    end: date | None = None
    """Inclusive."""
    limit: int = 1000
    """The newest so many sessions."""
    points: int | None = None
    """At most so many rows; None: all."""


class Series:
    def __init__(self, warehouse: Warehouse, raw: RawPrices) -> None:
        self._warehouse = warehouse
        self._raw = raw

    def prices(
        self, instrument: Instrument, span: Span, *, adjusted: bool = True, how: Downsampling = "lttb"
    ) -> pl.DataFrame:
        """``PRICE_COLUMNS``, oldest first: adjusted for splits and dividends up to the newest session, or as traded.

        Raises:
            NoDataError: nothing of the instrument is loaded.
        """
        if adjusted:
            frame = self._warehouse.prices(instrument, span.start, span.end)
        else:
            frame = self._raw.read(instrument, None, span.start, span.end)
        self._check_known(instrument, frame)
        frame = frame.select(PRICE_COLUMNS).tail(span.limit)
        if span.points is None:
            return frame
        return thin_out(frame, span.points, "close") if how == "lttb" else bars(frame, span.points)

    def features(self, instrument: Instrument, names: Sequence[str], span: Span) -> pl.DataFrame:
        """session and the features that ``names`` (features or groups; none: the default set) stand for, null where a
        window was not full; thinned out by the look of the first one.

        Raises:
            NoDataError: nothing of the instrument is loaded.
            InvalidRequestError: a name is unknown.
        """
        try:
            wanted = expand_features(names) if names else default_features()
        except ValueError as error:
            raise InvalidRequestError(str(error), errors=[{"field": "query.names", "message": str(error)}]) from error
        # Nothing may have been loaded since the feature was defined; then it is unknown here, which is no error.
        self._warehouse.ensure_feature_columns(wanted)
        frame = self._warehouse.features(instrument, wanted, span.start, span.end)
        self._check_known(instrument, frame)
        frame = frame.select("session", *wanted).tail(span.limit)
        return frame if span.points is None else thin_out(frame, span.points, wanted[0])

    def _check_known(self, instrument: Instrument, frame: pl.DataFrame) -> None:
        """A span without sessions is an answer; an instrument without any is none."""
        if frame.is_empty() and instrument not in self._raw.states([instrument]):
            raise no_data(instrument)


def encode_table(frame: pl.DataFrame, form: TableFormat) -> bytes:
    """The frame as a file: CSV with a header line, Arrow (Feather version 2) or Parquet."""
    buffer = BytesIO()
    if form == "csv":
        frame.write_csv(buffer)
    elif form == "arrow":
        # Any reader knows Arrow's classic strings.
        frame.write_ipc(buffer, compat_level=pl.CompatLevel.oldest())
    else:
        frame.write_parquet(buffer)
    return buffer.getvalue()
