"""Builds the sample that ships with stock_mlops from the wheel bokeh-sampledata (``uv pip install bokeh-sampledata``).

The wheel has raw prices and an adjusted close, no dividends and splits. Both show in the ratio of adjusted to raw
close, which changes by ``split * (1 + dividend / close)`` at an ex-date and by rounding noise else. The result is checked:
adjusting with it has to reproduce the given adjusted close.
"""

from __future__ import annotations

from importlib.resources import files
from io import BytesIO

import polars as pl
from stock_mlops.prices.adjustment import adjust
from stock_mlops.prices.sources import sample

# The ratio's steps are larger than 1e-3, its noise is below 1e-12.
NOISE = 1e-9
SPLITS = (1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0)
LARGEST_DIVIDEND = 0.2
"""As a share of the close; a step beyond it holds a split."""


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


def with_corporate_actions(prices: pl.DataFrame) -> pl.DataFrame:
    """Add dividend and split to the rows of all tickers."""
    ratio = pl.col("adj_close") / pl.col("close")
    split = pl.lit(1.0)
    for known in SPLITS:
        rest = pl.col("step") / known - 1
        split = pl.when(rest.is_between(-NOISE, LARGEST_DIVIDEND)).then(known).otherwise(split)
    dividend = (pl.col("step") / pl.col("split") - 1) * pl.col("close")
    return (
        prices.sort("ticker", "session")
        .with_columns(step=(ratio / ratio.shift(1)).over("ticker").fill_null(1.0))
        .with_columns(split=split)
        .with_columns(dividend=dividend.round(2))
        .drop("step")
    )


def check(rows: pl.DataFrame) -> None:
    """Stop when adjusting with the actions found does not give the source's adjusted close, up to one constant."""
    raw = rows.with_columns(exchange=pl.lit("US"), source=pl.lit("check"))
    ratio = pl.col("close") / pl.col("adj_close")
    spread = (
        adjust(raw)
        .join(raw.select("ticker", "session", "adj_close"), on=["ticker", "session"])
        .group_by("ticker")
        .agg(spread=ratio.max() / ratio.min() - 1)
    )
    worst = spread.filter(pl.col("spread") > NOISE)
    if not worst.is_empty():
        raise SystemExit(f"the corporate actions found do not explain the adjusted close: {worst}")


def main() -> None:
    columns = ("ticker", "session", "open", "high", "low", "close", "volume", "dividend", "split", "adj_close")
    rows = with_corporate_actions(read_prices()).select(columns)
    check(rows)
    actions = rows.select(splits=(pl.col("split") != 1).sum(), dividends=(pl.col("dividend") > 0).sum())
    rows.write_parquet(sample.FILE, compression="zstd", compression_level=19)
    print(f"{sample.FILE}: {len(rows):,} rows, {sample.FILE.stat().st_size:,} bytes, {actions.to_dicts()[0]}")


if __name__ == "__main__":
    main()
