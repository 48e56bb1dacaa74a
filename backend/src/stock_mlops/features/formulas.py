"""Polars expressions of numbers, evaluated by NumPy.

Features are declared as Polars expressions. Polars plans each query anew and gives every operation fresh memory; for
two thousand small operations on some thousand rows that takes several times the operations themselves. Here they become
one list of NumPy calls, in which what is equal is computed once and memory is used again.

A missing value is NaN here and null there; comparisons with it are false in both.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from stock_mlops.features.buffers import Array

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


def _check(node: Node) -> None:
    if "Literal" in node:
        constant(node)
    elif "Column" not in node:
        kernel(node)
    for part in parts(node):
        _check(part)


def parts(node: Node) -> list[Node]:
    """What the node computes with."""
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


def kernel(node: Node) -> tuple[Callable[..., object], bool]:
    """What computes the node, and whether it is a condition."""
    ((kind, content),) = node.items()
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


def constant(node: Node) -> float:
    """The number that a literal stands for."""
    literal = node["Literal"]
    match literal:
        case {"Dyn": {"Int": value}} | {"Dyn": {"Float": value}}:
            return float(value)
        case {"Scalar": {"Null": _}}:
            return math.nan
    raise NotArithmeticError(f"cannot take {literal} for a number")


def _is_known(values: Array) -> object:
    return ~np.isnan(values)


def _choose(truth: Array, chosen: Operand, otherwise: Operand, out: Array) -> None:
    np.copyto(out, otherwise)
    if truth.any():  # most conditions ask for a division by zero, and there is none
        np.copyto(out, chosen, where=truth)
