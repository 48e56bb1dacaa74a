"""NumPy evaluates expressions as Polars does, and leaves what it does not know to Polars."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from stock_mlops.features.buffers import Array, Buffers
from stock_mlops.features.compute import Plan, evaluate
from stock_mlops.features.formulas import NotArithmeticError, tree
from stock_mlops.features.intermediates import Derived
from stock_mlops.features.program import Program
from stock_mlops.features.registry import Feature

A, B = pl.col("a"), pl.col("b")
FRAME = pl.DataFrame(
    {"a": [1.0, -2.0, 0.0, None, 4.0, 5.0], "b": [2.0, 2.0, 0.0, 1.0, None, -3.0]},
)
EXPRESSIONS = {
    "arithmetic": (A + 2) * B - A / 4.0,
    "a constant on the left": 1 - 2 / (B + 10),
    "functions": (A.abs() + 1).log() + B.abs().sqrt() + A.sin() * B.cos() + (A * A).log1p() - A.sign(),
    "negation": -A,
    "a choice": pl.when(A > 0).then(B).otherwise(A),
    "a choice without an alternative": pl.when(A >= B).then(A * 2).when(A < B).then(3.0),
    "conditions": pl.when((A > 0) & (B > 0) | (A == 0)).then(1.0).otherwise(0.0),
    "a condition on what is missing": pl.when(A.is_not_null()).then(1.0).otherwise(-1.0),
    "bounds": A.clip(-1.0, 4.0) + B.clip(lower_bound=0) + A.clip(upper_bound=0),
    "the larger and the smaller, of what there is": pl.max_horizontal(A, B) - pl.min_horizontal(A, B) / 2,
    "a column": A,
}


class NoTickers:
    """Rows that no window looks at."""

    def __init__(self, **prices: Array) -> None:
        self.prices = prices
        self.tickers = [slice(None)]

    def hide_heads(self, values: Array, rows: int) -> None:
        raise AssertionError("no window here")

    def by_polars(self, column: Derived | Feature, sources: Mapping[str, Array]) -> Array:
        raise AssertionError(f"{column.name} is arithmetic")


def run(*expressions: pl.Expr, **prices: Array) -> Array:
    features = [
        Feature(f"f{number}", "test", tuple(sorted(set(expression.meta.root_names()))), 0, expression)
        for number, expression in enumerate(expressions)
    ]
    buffers, rows = Buffers(), NoTickers(**prices)
    length = len(next(iter(prices.values())))
    buffers.begin(length)
    with np.errstate(all="ignore"):
        return np.array(Program(features).run(rows, buffers))


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS.keys())
def test_values_are_those_of_polars(expression: pl.Expr) -> None:
    (found,) = run(expression, a=FRAME["a"].to_numpy(), b=FRAME["b"].to_numpy())
    expected = FRAME.select(x=expression.cast(pl.Float64))["x"].to_numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-15)


@pytest.mark.parametrize(
    "expression",
    [A.shift(1), A - A.mean(), A.rolling_mean(2), A.ewm_mean(span=3), A.log(2), A.fill_null(0.0), A.cast(pl.Int64) + 1],
)
def test_what_is_no_arithmetic_is_refused(expression: pl.Expr) -> None:
    with pytest.raises(NotArithmeticError, match="cannot evaluate"):
        tree(expression)


def test_a_name_is_no_number() -> None:
    with pytest.raises(NotArithmeticError, match="cannot take"):
        tree(pl.when(A > 0).then(pl.lit("text")))


def test_results_stay_what_they_are_while_others_are_computed() -> None:
    found = run(A + 1, (A + 1) * 2, A + 1, A, ((A + 1) * 2 - 1) * 3, a=np.array([1.0, 2.0, 3.0]))
    assert found.tolist() == [[2, 3, 4], [4, 6, 8], [2, 3, 4], [1, 2, 3], [9, 15, 21]]


def test_polars_computes_the_rest_ticker_by_ticker() -> None:
    """A definition may use any expression; one that looks at other rows never sees another ticker's."""
    close = pl.col("close")
    features = [
        Feature("rolled", "test", ("close",), 1, close.rolling_mean(2)),
        Feature("scaled", "test", ("close",), 0, close - close.mean()),
        Feature("whole", "test", ("close",), 0, close.floor()),
    ]
    prices = pl.DataFrame({"ticker": ["A", "A", "B", "B"], "close": [1.5, 3.5, 10.5, 20.5]}).with_columns(
        exchange=pl.lit("US"), session=pl.lit("2020-01-01").str.to_date() + pl.duration(days=pl.int_range(pl.len()))
    )
    expected = pl.DataFrame(
        {"rolled": [None, 2.5, None, 15.5], "scaled": [-1.0, 1.0, -5.0, 5.0], "whole": [1.0, 3.0, 10.0, 20.0]}
    )
    assert_frame_equal(evaluate(prices, Plan(features)).select("rolled", "scaled", "whole"), expected)


def test_what_is_divided_by_zero_is_unknown() -> None:
    infinite = [Feature("ratio", "test", ("close",), 0, 1 / pl.col("close"))]
    prices = pl.DataFrame({"exchange": ["US"] * 2, "ticker": ["A"] * 2, "close": [0.0, 2.0]}).with_columns(
        session=pl.Series(["2020-01-02", "2020-01-03"]).str.to_date()
    )
    assert evaluate(prices, Plan(infinite))["ratio"].to_list() == [None, 0.5]
