"""Builds the sample that ships with stock_mlops from the wheel bokeh-sampledata (``uv pip install bokeh-sampledata``).

The wheel has raw prices and an adjusted close, no dividends and splits; both are read out of the ratio of the two. The
result is checked: adjusting with it has to reproduce the given adjusted close.
"""

from __future__ import annotations

from importlib.resources import files
from io import BytesIO

import polars as pl
from stock_mlops.prices.actions import with_implied_actions
from stock_mlops.prices.adjustment import adjust
from stock_mlops.prices.sources import sample

NOISE = 1e-9


def read_prices() -> pl.DataFrame:
    content = (files("bokeh_sampledata") / "_data" / "stocks.csv.gz").read_bytes()
    return pl.read_csv(BytesIO(content), try_parse_dates=True).select(
        ticker="Ticker",
        session="Date",
        open="Open",
        high="High",
        low="Low",
        close="Close",
        volume=pl.col("Volume").cast(pl.Float64),
        adj_close="Adj Close",
    )


def check(rows: pl.DataFrame) -> None:
    """Stop when adjusting with the actions found does not give the source's adjusted close, up to one constant."""
    ratio = pl.col("close") / pl.col("adj_close")
    spread = (
        adjust(rows)
        .join(rows.select("ticker", "session", "adj_close"), on=["ticker", "session"])
        .group_by("ticker")
        .agg(spread=ratio.max() / ratio.min() - 1)
    )
    worst = spread.filter(pl.col("spread") > NOISE)
    if not worst.is_empty():
        raise SystemExit(f"the corporate actions found do not explain the adjusted close: {worst}")


def main() -> None:
    columns = ("ticker", "session", "open", "high", "low", "close", "volume", "dividend", "split", "adj_close")
    prices = read_prices().with_columns(exchange=pl.lit(sample.EXCHANGE), source=pl.lit("build"))
    rows = with_implied_actions(prices.sort("ticker", "session"))
    check(rows)
    rows = rows.select(columns)
    actions = rows.select(splits=(pl.col("split") != 1).sum(), dividends=(pl.col("dividend") > 0).sum())
    rows.write_parquet(sample.FILE, compression="zstd", compression_level=19)
    print(f"{sample.FILE}: {len(rows):,} rows, {sample.FILE.stat().st_size:,} bytes, {actions.to_dicts()[0]}")


if __name__ == "__main__":
    main()
