"""Intermediate columns and features as one list of calculations.

What is equal is calculated once, however many features read it, and its memory is used again after the last of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from stock_mlops.features import formulas
from stock_mlops.features.buffers import Array, Buffers, kept_ready
from stock_mlops.features.intermediates import Derived, Window, intermediate
from stock_mlops.features.registry import Feature
from stock_mlops.features.windows import STATISTICS, Kernel


class Rows(Protocol):
    """What a program runs on: rows of some tickers, one ticker after another."""

    prices: Mapping[str, Array]
    tickers: Sequence[slice]

    def hide_heads(self, values: Array, rows: int) -> None:
        """Make the first ``rows`` of every ticker NaN."""

    def by_polars(self, column: Derived | Feature, sources: Mapping[str, Array]) -> Array:
        """Evaluate an expression that is no arithmetic."""


@dataclass
class _Step:
    kernel: Callable[..., Any]
    operands: tuple[int, ...] = ()
    reach: int = 0
    returns: bool = False
    """The kernel returns its result instead of writing it into ``out``."""
    by_ticker: bool = False
    """The kernel takes the rows of one ticker at a time."""
    results: list[int] = field(default_factory=list)
    """Positions of the features that are this step's result."""
    done: list[int] = field(default_factory=list)
    """Steps whose results nobody reads after this one."""


class Program:
    """What computes ``features``. Any number of threads may run it at once."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self._steps: list[_Step] = []
        self._prices: dict[int, str] = {}
        self._constants: dict[int, float] = {}
        self._polars: dict[int, Derived | Feature] = {}
        self._known: dict[object, int] = {}
        self._results = len(features)
        for position, feature in enumerate(features):
            self._steps[self._expression(feature)].results.append(position)
        last = {number: number for number, step in enumerate(self._steps) if self._is_buffer(number, step)}
        for number, step in enumerate(self._steps):
            last |= {operand: number for operand in step.operands if operand in last}
        for operand, number in last.items():
            self._steps[number].done.append(operand)

    def run(self, rows: Rows, buffers: Buffers) -> list[Array]:
        """Each feature's values, in memory of their own."""
        values: list[Any] = [None] * len(self._steps)
        results: list[Any] = [None] * self._results
        for number, step in enumerate(self._steps):
            values[number] = self._value(number, step, values, rows, buffers)
            if step.reach:
                rows.hide_heads(values[number], step.reach)
            for position in step.results:
                results[position] = values[number] if self._owns(number, position) else _copy(values[number], buffers)
            for operand in step.done:
                buffers.give_back(values[operand])
                values[operand] = None
        return results

    def _value(self, number: int, step: _Step, values: list[Any], rows: Rows, buffers: Buffers) -> Any:
        if number in self._prices:
            return rows.prices[self._prices[number]]
        if number in self._constants:
            return self._constants[number]
        operands = [values[operand] for operand in step.operands]
        if number in self._polars:
            column = self._polars[number]
            return rows.by_polars(column, dict(zip(_numeric(column), operands, strict=True)))
        if step.returns:
            return step.kernel(*operands)
        out = kept_ready(buffers.length) if step.results else buffers.take()
        if step.by_ticker:
            for ticker in rows.tickers:
                step.kernel(*(operand[ticker] for operand in operands), out=out[ticker])
        else:
            step.kernel(*operands, out=out)
        return out

    def _is_buffer(self, number: int, step: _Step) -> bool:
        return not (self._is_given(number) or step.returns or step.results)

    def _owns(self, number: int, position: int) -> bool:
        """Whether the result is nobody else's."""
        step = self._steps[number]
        return position == step.results[0] and not (self._is_given(number) or step.returns)

    def _is_given(self, number: int) -> bool:
        return number in self._prices or number in self._constants or number in self._polars

    # What follows writes the list.

    def column(self, name: str) -> int:
        if name not in self._known:
            self._known[name] = self._column(name)
        return self._known[name]

    def _column(self, name: str) -> int:
        column = intermediate(name)
        if isinstance(column, Window):
            return self.statistic(column.statistic, *column.sources, *column.arguments)
        if isinstance(column, Derived):
            return self._expression(column)
        number = self.add(_given)
        self._prices[number] = name
        return number

    def statistic(self, name: str, *arguments: str | float) -> int:
        key = (name, *arguments)
        if key not in self._known:
            self._known[key] = STATISTICS[name](self, *arguments)
        return self._known[key]

    def shorter(self, name: str, source: str, window: int) -> int | None:
        known = [key[2] for key in self._known if isinstance(key, tuple) and key[:2] == (name, source)]
        return max((length for length in known if length < window), default=None)

    def constant(self, value: float) -> int:
        key = ("constant", value)
        if key not in self._known:
            number = self._known[key] = self.add(_given)
            self._constants[number] = value
        return self._known[key]

    def add(
        self, kernel: Kernel, *operands: int, reach: int = 0, returns: bool = False, by_ticker: bool = False
    ) -> int:
        self._steps.append(_Step(kernel, operands, reach, returns, by_ticker))
        return len(self._steps) - 1

    def _expression(self, column: Derived | Feature) -> int:
        try:
            return self._node(formulas.tree(column.expression))
        except formulas.NotArithmeticError:
            number = self.add(_given, *map(self.column, _numeric(column)))
            self._polars[number] = column
            return number

    def _node(self, node: formulas.Node) -> int:
        if "Column" in node:
            return self.column(node["Column"])
        if "Literal" in node:
            return self.constant(formulas.constant(node))
        key = json.dumps(node)
        if key not in self._known:
            operands = [self._node(part) for part in formulas.parts(node)]
            kernel, condition = formulas.kernel(node)
            self._known[key] = self.add(kernel, *operands, returns=condition)
        return self._known[key]


def _copy(values: Array | float, buffers: Buffers) -> Array:
    copy = kept_ready(buffers.length)
    np.copyto(copy, values)
    return copy


def _given(*_operands: object) -> None:
    """Prices, constants and what Polars evaluates have no kernel."""


def _numeric(column: Derived | Feature) -> list[str]:
    """The columns that an expression for Polars reads beside those of its frame."""
    return [name for name in column.sources if name not in ("exchange", "ticker", "session")]
