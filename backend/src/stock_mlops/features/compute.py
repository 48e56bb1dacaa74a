"""Feature values of price rows: the same code for the warehouse's table and for the vector a model is asked with."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl
import polars.selectors as cs

from stock_mlops.features.registry import select

KEYS = ("exchange", "ticker", "session")
_TICKER = ("exchange", "ticker")


def compute_features(clean: pl.DataFrame, names: Iterable[str] | None = None) -> pl.DataFrame:
    """The features ``names`` (all when None) of every row of ``clean``.

    Args:
        clean: adjusted prices of one or many tickers (columns of ``prices.schema.CLEAN_SCHEMA``), in any order.
        names: features to compute, in the order of the result's columns.

    Returns:
        exchange, ticker, session and one Float64 column per feature, sorted by these keys. A value that cannot be known
        (the window is not full, a division by zero) is null, never NaN or infinite.
    """
    features = select(names)
    inputs = {name for feature in features for name in feature.inputs} - set(KEYS)
    ordered = clean.lazy().select(*KEYS, *sorted(inputs)).sort(KEYS)
    columns = [feature.expression.cast(pl.Float64).alias(f"feature:{feature.name}") for feature in features]
    computed = ordered.group_by(_TICKER, maintain_order=True).agg("session", *columns)
    values = pl.col("^feature:.*$")
    return (
        computed.explode(cs.exclude(_TICKER))
        .with_columns(pl.when(values.is_finite()).then(values))
        .select(*KEYS, *(pl.col(f"feature:{feature.name}").alias(feature.name) for feature in features))
        .collect()
    )
