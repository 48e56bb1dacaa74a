"""Columns between the prices and the features, each computed once however many features read it.

``derived`` and ``window`` declare such a column and give the expression that reads it. Its name says what it is, so
that equal columns are one column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import polars as pl

_DECLARED: dict[str, Derived | Window] = {}


@dataclass(frozen=True)
class Derived:
    """An expression over prices and other intermediate columns."""

    name: str
    expression: pl.Expr

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.expression.meta.root_names()))

    @cached_property
    def by_row(self) -> bool:
        """Whether each row's value depends on that row alone, so that tickers need not be told apart."""
        return depends_on_row_alone(self.expression)


@dataclass(frozen=True)
class Window:
    """A statistic of the last rows of other columns."""

    name: str
    statistic: str
    """One of ``windows.STATISTICS``."""
    sources: tuple[str, ...]
    arguments: tuple[float, ...]
    """What the statistic takes after the sources; the last is the number of rows."""


def derived(name: str, expression: pl.Expr) -> pl.Expr:
    """Declare ``expression`` as the column ``name``.

    Raises:
        ValueError: the name stands for another column already.
    """
    return _declare(Derived(name, expression))


def window(statistic: str, *values: pl.Expr, rows: int, share: float | None = None) -> pl.Expr:
    """Declare a statistic of the last ``rows`` of ``values``, each a price or an intermediate column.

    Args:
        share: of a quantile.
    """
    sources = tuple(value.meta.output_name() for value in values)
    arguments = (rows,) if share is None else (share, rows)
    name = f"{statistic}({', '.join((*sources, *map(str, arguments)))})"
    return _declare(Window(name, statistic, sources, arguments))


def exponential_average(values: pl.Expr, *, alpha: float, first: int) -> pl.Expr:
    """Declare an average that starts at the first value and is shown from the ``first``-th value on."""
    source = values.meta.output_name()
    return _declare(Window(f"ewm({source}, {alpha:.4f}, {first})", "ewm", (source,), (alpha, first)))


def intermediate(name: str) -> Derived | Window | None:
    """The column ``name`` when it is an intermediate one."""
    return _DECLARED.get(name)


def price_columns(expression: pl.Expr) -> set[str]:
    """The columns of the clean price frame that ``expression`` reads, directly or through intermediate columns."""
    found = set()
    for name in expression.meta.root_names():
        source = _DECLARED.get(name)
        if source is None:
            found.add(name)
        else:
            found |= {price for column in source.sources for price in price_columns(pl.col(column))}
    return found


def depends_on_row_alone(expression: pl.Expr) -> bool:
    return all(part.meta.is_row_separable() for part in _walk(expression))


def _walk(expression: pl.Expr) -> Iterator[pl.Expr]:
    yield expression
    for part in expression.meta.pop():
        yield from _walk(part)


def _declare(column: Derived | Window) -> pl.Expr:
    known = _DECLARED.setdefault(column.name, column)
    same = type(known) is type(column) and (
        known.expression.meta.eq(column.expression)
        if isinstance(known, Derived) and isinstance(column, Derived)
        else known == column
    )
    if not same:
        raise ValueError(f"intermediate column {column.name}: declared twice, with different values")
    return pl.col(column.name)
