"""Polars expressions of numbers, evaluated by NumPy.

Features are declared as Polars expressions. Polars plans each query anew and gives every operation fresh memory; for
two thousand small operations on some thousand rows that takes several times the operations themselves. Here they become
one list of NumPy calls, in which what is equal is computed once and memory is used again.

A missing value is NaN here and null there; comparisons with it are false in both.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from stock_mlops.features.buffers import Array, Buffers

Operand = Array | float
Node = dict[str, Any]


class NotArithmeticError(Exception):
    """The expression is Polars' own business: dates, recursions, anything that looks at other rows."""


_ARITHMETIC: dict[str, np.ufunc] = {
    "Plus": np.add,
    "Minus": np.subtract,
    "Multiply": np.multiply,
    "TrueDivide": np.divide,
}
_COMPARISONS: dict[str, np.ufunc] = {
    "Eq": np.equal,
    "NotEq": np.not_equal,
    "Lt": np.less,
    "LtEq": np.less_equal,
    "Gt": np.greater,
    "GtEq": np.greater_equal,
    "And": np.logical_and,
    "Or": np.logical_or,
}
_FUNCTIONS: dict[str, np.ufunc] = {
    "Abs": np.absolute,
    "Negate": np.negative,
    "Sign": np.sign,
    "Log1p": np.log1p,
    "Sqrt": np.sqrt,
    "Sin": np.sin,
    "Cos": np.cos,
    # Polars takes the largest value that there is.
    "MaxHorizontal": np.fmax,
    "MinHorizontal": np.fmin,
}


def tree(expression: pl.Expr) -> Node:
    """The expression as plain values.

    Raises:
        NotArithmeticError: it does more than the arithmetic that this module knows.
    """
    node: Node = json.loads(expression.meta.serialize(format="json"))
    _check(node)
    return node


@dataclass
class _Step:
    call: Callable[..., object]
    operands: tuple[int, ...]
    boolean: bool
    done: list[int] = field(default_factory=list)
    """Steps whose results nobody reads after this one."""
    results: list[str] = field(default_factory=list)


class Program:
    """What computes ``trees``, by the names of their results."""

    def __init__(self, trees: Mapping[str, Node]) -> None:
        self._steps: list[_Step] = []
        self._columns: dict[int, str] = {}
        self._constants: dict[int, float] = {}
        self._known: dict[str, int] = {}
        for name, node in trees.items():
            self._steps[self._compile(node)].results.append(name)
        self._find_last_uses()

    def run(self, columns: Mapping[str, Array], buffers: Buffers) -> Iterator[tuple[str, Array]]:
        """Each result, in memory of its own."""
        values: list[Any] = [None] * len(self._steps)
        for number, step in enumerate(self._steps):
            if number in self._columns:
                values[number] = columns[self._columns[number]]
            elif number in self._constants:
                values[number] = self._constants[number]
            elif step.boolean:
                values[number] = step.call(*(values[operand] for operand in step.operands))
            else:
                out = np.empty(buffers.length) if step.results else buffers.take()
                step.call(*(values[operand] for operand in step.operands), out=out)
                values[number] = out
            for name in step.results:
                yield name, self._own(number, name, values[number], buffers.length)
            for operand in step.done:
                self._release(operand, values, buffers)

    def _own(self, number: int, name: str, value: Operand, length: int) -> Array:
        """A step's result, copied where it is somebody else's as well."""
        shared = number in self._columns or number in self._constants or name != self._steps[number].results[0]
        return np.broadcast_to(value, length).copy() if shared else np.asarray(value)

    def _release(self, number: int, values: list[Any], buffers: Buffers) -> None:
        if number not in self._columns and number not in self._constants and not self._steps[number].boolean:
            buffers.give_back(values[number])
        values[number] = None

    def _compile(self, node: Node) -> int:
        key = json.dumps(node)
        if key not in self._known:
            self._known[key] = self._add(node)
        return self._known[key]

    def _add(self, node: Node) -> int:
        operands = tuple(self._compile(part) for part in _parts(node))
        number = len(self._steps)
        if "Column" in node:
            self._columns[number] = node["Column"]
        elif "Literal" in node:
            self._constants[number] = _constant(node["Literal"])
        call, boolean = _call(node)
        self._steps.append(_Step(call, operands, boolean))
        return number

    def _find_last_uses(self) -> None:
        last = {number: number for number, step in enumerate(self._steps) if not step.results}
        for number, step in enumerate(self._steps):
            last |= {operand: number for operand in step.operands if operand in last}
        for operand, number in last.items():
            self._steps[number].done.append(operand)


def _check(node: Node) -> None:
    _call(node)
    for part in _parts(node):
        _check(part)


def _parts(node: Node) -> list[Node]:
    ((kind, content),) = node.items()
    if kind == "BinaryExpr":
        return [content["left"], content["right"]]
    if kind == "Ternary":
        return [content["predicate"], content["truthy"], content["falsy"]]
    if kind == "Cast":
        return [content["expr"]]
    if kind == "Function":
        # The second input of a logarithm is its base.
        return content["input"][:1] if content["function"] == "Log" else content["input"]  # type: ignore[no-any-return]
    return []


def _call(node: Node) -> tuple[Callable[..., object], bool]:
    """What computes the node, and whether its result is a truth."""
    ((kind, content),) = node.items()
    if kind == "Column":
        return _nothing, False
    if kind == "Literal":
        _constant(content)
        return _nothing, False
    if kind == "BinaryExpr" and content["op"] in _ARITHMETIC:
        return _ARITHMETIC[content["op"]], False
    if kind == "BinaryExpr" and content["op"] in _COMPARISONS:
        return _COMPARISONS[content["op"]], True
    if kind == "Ternary":
        return _choose, False
    if kind == "Function":
        return _function(content)
    raise NotArithmeticError(f"cannot evaluate {json.dumps(node)[:200]} with NumPy")


def _function(content: Node) -> tuple[Callable[..., object], bool]:
    function, inputs = content["function"], content["input"]
    match function:
        case "Log" if inputs[1] == {"Literal": {"Dyn": {"Float": math.e}}}:
            return np.log, False
        case {"Pow": name} | {"Trigonometry": name} | str(name) if name in _FUNCTIONS and (len(inputs) == 2) == (
            "Horizontal" in name
        ):
            return _FUNCTIONS[name], False
        case {"Boolean": "IsNotNull"}:
            return _is_known, True
        case {"Clip": {"has_min": True, "has_max": False}}:
            return np.maximum, False
        case {"Clip": {"has_min": False, "has_max": True}}:
            return np.minimum, False
        case {"Clip": {"has_min": True, "has_max": True}}:
            return np.clip, False
    raise NotArithmeticError(f"cannot evaluate the function {function} with NumPy")


def _constant(literal: Node) -> float:
    match literal:
        case {"Dyn": {"Int": value}} | {"Dyn": {"Float": value}}:
            return float(value)
        case {"Scalar": {"Null": _}}:
            return math.nan
    raise NotArithmeticError(f"cannot take {literal} for a number")


def _nothing(*_operands: object) -> None:
    """Columns and constants are there already."""


def _is_known(values: Array) -> object:
    return ~np.isnan(values)


def _choose(truth: Array, chosen: Operand, otherwise: Operand, out: Array) -> None:
    np.copyto(out, otherwise)
    if truth.any():  # most conditions ask for a division by zero, and there is none
        np.copyto(out, chosen, where=truth)
