"""Adjusted prices out of raw ones."""

from __future__ import annotations

import polars as pl

from stock_mlops.prices.schema import CLEAN_SCHEMA, INSTRUMENT, KEYS, OHLC


def adjust(raw: pl.DataFrame) -> pl.DataFrame:
    """Prices whose returns are total returns: splits and dividends no longer show as moves.

    The factor of a session is the product, over all later sessions s, of ``1 / (split_s * (1 + dividend_s / close_s))``
    (the rule of CRSP's total return: a dividend is reinvested at the close of its ex-date). It is 1 at the newest
    session, so a new session without dividend or split changes no older row; one with either changes all of them.

    Args:
        raw: rows of one or many tickers, columns of ``RAW_SCHEMA``, in any order.

    Returns:
        columns of ``CLEAN_SCHEMA``, sorted by exchange, ticker and session.
    """
    return (
        raw.lazy()
        .sort(KEYS)
        .with_columns(
            _share=(1 / pl.col("split")),
            _step=1 / (pl.col("split") * (1 + pl.col("dividend") / pl.col("close"))),
        )
        .with_columns(
            _shares=_of_later_sessions("_share").over(INSTRUMENT),
            factor=_of_later_sessions("_step").over(INSTRUMENT),
        )
        .with_columns(
            *(pl.col(name) * pl.col("factor") for name in OHLC),
            volume=pl.col("volume") / pl.col("_shares"),
            raw_close=pl.col("close"),
        )
        .select(*CLEAN_SCHEMA)
        .collect()
    )


def _of_later_sessions(step: str) -> pl.Expr:
    """Product of ``step`` over the sessions after each one."""
    return pl.col(step).shift(-1, fill_value=1.0).cum_prod(reverse=True)
