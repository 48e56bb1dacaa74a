"""Feature values of price rows: the same code for the warehouse's table and for the vector a model is asked with."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stock_mlops.features.buffers import Array, Buffers
from stock_mlops.features.intermediates import Derived
from stock_mlops.features.program import Program
from stock_mlops.features.registry import Feature, select

KEYS = ("exchange", "ticker", "session")
_TICKER = "ticker number"
_KEPT = threading.local()

# Rows that are computed together: enough that the calls do not count, few enough that arrays stay in the cache.
_ROWS_AT_ONCE = 65_536


def compute_features(clean: pl.DataFrame, names: Iterable[str] | None = None) -> pl.DataFrame:
    """The features ``names`` (all when None) of every row of ``clean``.

    Args:
        clean: adjusted prices of one or many tickers (columns of ``prices.schema.CLEAN_SCHEMA``), in any order.
        names: features to compute, in the order of the result's columns.

    Returns:
        exchange, ticker, session and one Float64 column per feature, sorted by these keys. A value that cannot be known
        (the window is not full, a division by zero) is null, never NaN or infinite.
    """
    wanted = None if names is None else tuple(names)
    return evaluate(clean, _registered(wanted))


@lru_cache(maxsize=8)
def _registered(names: tuple[str, ...] | None) -> Plan:
    return Plan(select(names))


def evaluate(clean: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """As ``compute_features``, of any definitions."""
    inputs = {name for feature in plan.features for name in feature.inputs} - set(KEYS)
    ordered = _ordered(clean.select(*KEYS, *sorted(inputs)))
    return pl.concat([_Piece(piece).evaluate(plan, _buffers()) for piece in _pieces(ordered)])


def _buffers() -> Buffers:
    """This thread's, kept between calls: 40 MB that every batch would else have to get from the system again."""
    if not hasattr(_KEPT, "buffers"):
        _KEPT.buffers = Buffers()
    buffers: Buffers = _KEPT.buffers
    return buffers


def _ordered(frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` by its keys, with the tickers numbered in that order."""
    exchange, ticker, session = (pl.col(name) for name in KEYS)
    later = (session > session.shift(1)) & (ticker == ticker.shift(1)) | (ticker > ticker.shift(1))
    in_order = later & (exchange == exchange.shift(1)) | (exchange > exchange.shift(1))
    # Sorting strings takes as long as thirty features, and most frames are sorted.
    if not frame.select(in_order.slice(1).all()).item():
        frame = frame.sort(KEYS)
    changes = (exchange != exchange.shift(1)) | (ticker != ticker.shift(1))
    return frame.with_columns(changes.fill_null(value=False).cum_sum().set_sorted().alias(_TICKER))


def _pieces(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """``frame`` in parts of whole tickers; a single empty one when it has no rows."""
    first = 0
    begins = [int(row) for row in _begins(frame)]
    for begin, end in pairwise([*begins, len(frame)]):
        if end - first > _ROWS_AT_ONCE and begin > first:
            yield frame[first:begin]
            first = begin
    yield frame[first:]


def _begins(frame: pl.DataFrame) -> NDArray[np.intp]:
    """Each ticker's first row."""
    return np.flatnonzero(np.diff(frame[_TICKER].to_numpy(), prepend=-1))


class Plan:
    """How ``features`` are computed. Any number of threads may follow one plan."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self.features = features
        self.program = Program(features)


class _Piece:
    """Some tickers, whose columns are computed together."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame
        self.prices: Mapping[str, Array] = {
            name: frame[name].to_numpy() for name, kind in frame.schema.items() if kind == pl.Float64
        }
        begins = _begins(frame)
        self.tickers: Sequence[slice] = [slice(*ends) for ends in pairwise([*begins, len(frame)])]
        self._row = np.arange(len(frame)) - np.repeat(begins, np.diff(begins, append=len(frame)))
        self._heads: dict[int, NDArray[np.intp]] = {}

    def evaluate(self, plan: Plan, buffers: Buffers) -> pl.DataFrame:
        buffers.begin(len(self._frame))
        with np.errstate(all="ignore"):
            results = plan.program.run(self, buffers)
        columns = []
        for feature, values in zip(plan.features, results, strict=True):
            infinite = np.isinf(values)
            if infinite.any():
                values[infinite] = np.nan
            columns.append(pl.Series(feature.name, values, nan_to_null=True))
        return self._frame.select(KEYS).with_columns(columns)

    def hide_heads(self, values: Array, rows: int) -> None:
        if rows not in self._heads:
            self._heads[rows] = np.flatnonzero(self._row < rows)
        values[self._heads[rows]] = np.nan

    def by_polars(self, column: Derived | Feature, sources: Mapping[str, Array]) -> Array:
        """Each ticker by itself, unless the rows do not matter to one another."""
        frame = self._frame.with_columns(pl.Series(name, values, nan_to_null=True) for name, values in sources.items())
        expression = column.expression if column.by_row else column.expression.over(_TICKER)
        return frame.select(expression.cast(pl.Float64)).to_series().to_numpy()
