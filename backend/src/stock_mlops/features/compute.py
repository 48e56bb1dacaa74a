"""Feature values of price rows: the same code for the warehouse's table and for the vector a model is asked with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stock_mlops.features.buffers import Array, Buffers
from stock_mlops.features.formulas import NotArithmeticError, Program, tree
from stock_mlops.features.intermediates import Derived, Window, intermediate
from stock_mlops.features.registry import Feature, select
from stock_mlops.features.windows import Windows

KEYS = ("exchange", "ticker", "session")
_TICKER = "ticker number"

# Rows that are computed together: enough that the calls do not count, few enough that arrays stay in the cache.
_ROWS_AT_ONCE = 32_768


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
    buffers = Buffers()
    return pl.concat([_Piece(piece, buffers).evaluate(plan) for piece in _pieces(ordered)])


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


def _stages(features: Sequence[Feature]) -> list[list[Derived | Window]]:
    """The intermediate columns that ``features`` need, in stages: each reads prices and columns of earlier stages."""
    levels: dict[str, int] = {}

    def level(name: str) -> int:
        column = intermediate(name)
        if column is None:
            return 0
        if name not in levels:
            levels[name] = 1 + max(level(source) for source in column.sources)
        return levels[name]

    last = max((level(name) for feature in features for name in feature.sources), default=0)
    stages: list[list[Derived | Window]] = [[] for _ in range(last)]
    for name, stage in levels.items():
        if (column := intermediate(name)) is not None:
            stages[stage - 1].append(column)
    return stages


class Plan:
    """What has to be computed for ``features``, in which order. Any number of threads may follow one plan."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self.features = features
        self.stages = [_Stage(columns) for columns in _stages(features)]
        self.program, self.expressions = _split({feature.name: feature for feature in features})


class _Stage:
    """Intermediate columns that do not read one another."""

    def __init__(self, columns: Sequence[Derived | Window]) -> None:
        self.windows = [column for column in columns if isinstance(column, Window)]
        derived = {column.name: column for column in columns if isinstance(column, Derived)}
        self.program, self.expressions = _split(derived)


def _split(columns: Mapping[str, Derived | Feature]) -> tuple[Program, dict[str, Derived | Feature]]:
    """The columns that NumPy computes, and the others, which Polars does."""
    trees, others = {}, {}
    for name, column in columns.items():
        try:
            trees[name] = tree(column.expression)
        except NotArithmeticError:
            others[name] = column
    return Program(trees), others


class _Piece:
    """Some tickers, whose columns are computed together."""

    def __init__(self, frame: pl.DataFrame, buffers: Buffers) -> None:
        buffers.begin(len(frame))
        self._frame = frame
        self._buffers = buffers
        self._arrays: dict[str, Array] = {
            name: frame[name].to_numpy() for name, kind in frame.schema.items() if kind == pl.Float64
        }
        begins = _begins(frame)
        row = np.arange(len(frame)) - np.repeat(begins, np.diff(begins, append=len(frame)))
        self._windows = Windows(self._arrays, row, buffers)

    def evaluate(self, plan: Plan) -> pl.DataFrame:
        with np.errstate(all="ignore"):
            for stage in plan.stages:
                self._add(stage)
            found = {
                name: pl.Series(name, _finite(values), nan_to_null=True)
                for name, values in plan.program.run(self._arrays, self._buffers)
            }
            for name, values in self._by_polars(plan.expressions):
                found[name] = pl.Series(name, _finite(values), nan_to_null=True)
        return self._frame.select(KEYS).with_columns(found[feature.name] for feature in plan.features)

    def _add(self, stage: _Stage) -> None:
        self._arrays.update(stage.program.run(self._arrays, self._buffers))
        self._arrays.update(self._by_polars(stage.expressions))
        for column in stage.windows:
            values: Array = getattr(self._windows, column.statistic)(*column.sources, *column.arguments)
            self._windows.hide_heads(values, column.reach)
            self._arrays[column.name] = values

    def _by_polars(self, columns: Mapping[str, Derived | Feature]) -> Iterator[tuple[str, Array]]:
        """Evaluate each ticker by itself, unless rows do not matter to one another."""
        if not columns:
            return
        sources = {name for column in columns.values() for name in column.sources if name in self._arrays}
        frame = self._frame.with_columns(pl.Series(name, self._arrays[name], nan_to_null=True) for name in sources)
        values = frame.select(
            (column.expression if column.by_row else column.expression.over(_TICKER)).cast(pl.Float64).alias(name)
            for name, column in columns.items()
        )
        for name in columns:
            yield name, values[name].to_numpy()


def _finite(values: Array) -> Array:
    """``values``, NaN where they are infinite."""
    return np.where(np.isinf(values), np.nan, values) if np.isinf(values).any() else values
