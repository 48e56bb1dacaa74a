"""Brings prices of sources that adjust them, or leave out dividends and splits, to what was traded."""

from __future__ import annotations

import polars as pl

from stock_mlops.prices.schema import INSTRUMENT, OHLC

SPLITS = (1.25, 4 / 3, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 20.0, 50.0, 0.5, 0.2, 0.1, 0.05, 0.02)
"""Ratios in which shares are split, and joined."""

_LARGEST_DIVIDEND = 0.2
"""As a share of the close. A larger step is a split, with a dividend or without."""

_LEAST_NOISE = 1e-9

_FLOAT_DIGITS = 7
"""Significant digits that a 32-bit float keeps."""


def with_implied_actions(rows: pl.DataFrame) -> pl.DataFrame:
    """Fill the columns dividend and split from the ratio of ``adj_close`` to ``close``.

    The ratio changes at corporate actions only, by ``split * (1 + dividend / close)``, and by the rounding of both
    columns. A step that rounding may explain is none, so a small dividend may be missed where prices are written with
    few decimals.

    Args:
        rows: columns exchange, ticker, session, close and adj_close; of each ticker in the order of its sessions.
    """
    ratio = pl.col("adj_close") / pl.col("close")
    noise = _LEAST_NOISE + 2 * (_unit(rows["close"]) / pl.col("close") + _unit(rows["adj_close"]) / pl.col("adj_close"))
    split = pl.lit(1.0)
    for known in SPLITS:
        rest = pl.col("_step") / known - 1
        split = pl.when(rest.is_between(-pl.col("_noise"), _LARGEST_DIVIDEND)).then(known).otherwise(split)
    dividend = (pl.col("_step") / pl.col("split") - 1) * pl.col("close")
    return (
        rows.with_columns(
            _step=(ratio / ratio.shift(1)).over(INSTRUMENT).fill_null(1.0).fill_nan(1.0),
            _noise=noise + noise.shift(1).over(INSTRUMENT).fill_null(0.0),
        )
        # A step small enough for a dividend is one: 1.25 * (1 - tiny) would else be read as a reverse split.
        .with_columns(split=pl.when((pl.col("_step") - 1).is_between(0, _LARGEST_DIVIDEND)).then(1.0).otherwise(split))
        .with_columns(
            dividend=pl.when(pl.col("_step") / pl.col("split") - 1 > pl.col("_noise"))
            .then(pl.coalesce(_in_cents(dividend), dividend))
            .otherwise(0.0)
        )
        .drop("_step", "_noise")
    )


def are_split_adjusted(rows: pl.DataFrame) -> bool:
    """Whether the prices lack the jumps that their own splits should show.

    Args:
        rows: columns exchange, ticker, session, close and split, in any order.
    """
    move = (pl.col("close") / pl.col("close").shift(1)).over(INSTRUMENT, order_by="session").log()
    at_splits = (
        rows.with_columns(_move=move)
        .filter((pl.col("split") != 1) & (pl.col("split") > 0) & pl.col("_move").is_finite())
        .select(jumps=(pl.col("_move") + pl.col("split").log()).abs() < pl.col("_move").abs())
    )
    return len(at_splits) > 0 and not at_splits["jumps"].any()


def undo_splits(rows: pl.DataFrame) -> pl.DataFrame:
    """Prices, volume and dividends as they were on the day, out of ones that are adjusted for all later splits.

    Prices are rounded to seven significant digits: sources carry them in 32-bit floats, and multiplying by the ratio
    must give the price that was quoted (130.31), not its neighbour (130.30999755859375).

    Args:
        rows: columns exchange, ticker, session, open..close, volume, dividend and split, in any order.
    """
    later = pl.col("split").shift(-1, fill_value=1.0).cum_prod(reverse=True).over(INSTRUMENT, order_by="session")
    return (
        rows.with_columns(_later=later)
        .with_columns(
            *((pl.col(name) * pl.col("_later")).round_sig_figs(_FLOAT_DIGITS) for name in (*OHLC, "dividend")),
            volume=(pl.col("volume") / pl.col("_later")).round(0),
        )
        .drop("_later")
    )


def _in_cents(dividend: pl.Expr) -> pl.Expr:
    """The amount as declared, when it is one of whole hundredths within the noise; else null."""
    return pl.when((dividend - dividend.round(2)).abs() <= pl.col("_noise") * pl.col("close")).then(dividend.round(2))


def _unit(values: pl.Series) -> float:
    """Half of the last decimal that the values are written with."""
    finite = values.drop_nulls().drop_nans()
    for decimals in range(9):
        if ((finite - finite.round(decimals)).abs() <= 1e-12 * finite.abs()).all():
            return float(0.5 * 10**-decimals)
    return 0.0
