"""Fewer points for a chart that has fewer pixels."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray


def largest_triangle_three_buckets(x: NDArray[np.float64], y: NDArray[np.float64], points: int) -> NDArray[np.int64]:
    """Positions of ``points`` of the rows, ascending, that keep the look of the line through all (Steinarsson 2013).

    The first and the last row stay. Of each bucket of rows between them the one stays that spans the largest triangle
    with the row chosen before it and the mean of the bucket after it.

    Args:
        x: (rows,), ascending.
        y: (rows,), finite.
        points: two or more.
    """
    rows = len(x)
    if rows <= points:
        return np.arange(rows)
    edges = np.linspace(1, rows - 1, points - 1).astype(np.int64)
    chosen = [0]
    for bucket in range(points - 2):
        start, end = edges[bucket], edges[bucket + 1]
        after = slice(end, edges[bucket + 2] if bucket + 2 < len(edges) else rows)
        last = chosen[-1]
        areas = np.abs(
            (x[last] - x[after].mean()) * (y[start:end] - y[last])
            - (x[last] - x[start:end]) * (y[after].mean() - y[last])
        )
        chosen.append(int(start + areas.argmax()))
    return np.array([*chosen, rows - 1])


def thin_out(frame: pl.DataFrame, points: int, by: str) -> pl.DataFrame:
    """``points`` of the rows of ``frame`` (with a column session, ascending) that keep the look of the column ``by``;
    rows where that has no value are left out, unless there are no more rows than points."""
    if len(frame) <= points:
        return frame
    known = frame.filter(pl.col(by).is_not_null() & pl.col(by).is_finite())
    kept = largest_triangle_three_buckets(
        known["session"].to_physical().cast(pl.Float64).to_numpy(), known[by].cast(pl.Float64).to_numpy(), points
    )
    thinned: pl.DataFrame = known[kept.tolist()]
    return thinned


def bars(frame: pl.DataFrame, points: int) -> pl.DataFrame:
    """Neighbouring rows of ``frame`` (session, open, high, low, close, volume, ascending) as one bar each, at most
    ``points``: it bears its first session, its volume and dividends are sums, and its split is a product."""
    if len(frame) <= points:
        return frame
    how = {
        "session": pl.col("session").first(),
        "open": pl.col("open").first(),
        "high": pl.col("high").max(),
        "low": pl.col("low").min(),
        "close": pl.col("close").last(),
        "volume": pl.col("volume").sum(),
        "dividend": pl.col("dividend").sum(),
        "split": pl.col("split").product(),
    }
    bucket = pl.int_range(pl.len()) * points // pl.len()
    return (
        frame.group_by(bucket.alias("bucket"), maintain_order=True)
        .agg(how[name].alias(name) for name in frame.columns)
        .drop("bucket")
    )
