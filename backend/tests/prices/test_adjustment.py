from collections.abc import Callable

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal
from stock_mlops.prices.actions import are_split_adjusted, undo_splits, with_implied_actions
from stock_mlops.prices.adjustment import adjust
from stock_mlops.prices.schema import CLEAN_SCHEMA
from stock_mlops.prices.sources.sample import _daily

Rows = Callable[..., pl.DataFrame]


def test_adjusting_the_sample_gives_the_sources_own_adjusted_close() -> None:
    """Up to one constant a ticker: the source also knows of dividends and splits after the sample's end."""
    ratios = (
        adjust(_daily())
        .join(_daily().select("ticker", "session", "adj_close"), on=["ticker", "session"])
        .group_by("ticker")
        .agg(pl.col("close") / pl.col("adj_close"))
    )
    for ticker, ratio in ratios.rows():
        assert np.ptp(ratio) / ratio[0] < 1e-12, ticker


def test_returns_of_adjusted_closes_are_total_returns(price_rows: Rows) -> None:
    clean = adjust(price_rows([100.0, 51.0, 50.0], split=[1.0, 2.0, 1.0], dividend=[0.0, 0.5, 1.0]))
    closes = clean["close"].to_list()
    np.testing.assert_allclose(closes[1] / closes[0], 2 * (51.0 + 0.5) / 100.0)
    np.testing.assert_allclose(closes[2] / closes[1], (50.0 + 1.0) / 51.0)


def test_the_newest_session_is_the_anchor(price_rows: Rows) -> None:
    clean = adjust(price_rows([100.0, 51.0, 50.0], split=[1.0, 2.0, 1.0]))
    assert clean["factor"].to_list() == [0.5, 1.0, 1.0]
    assert clean["raw_close"].to_list() == [100.0, 51.0, 50.0]
    assert clean["volume"].to_list() == [2000.0, 1000.0, 1000.0]
    assert clean.schema == CLEAN_SCHEMA


def test_a_new_session_without_corporate_action_changes_no_older_row(price_rows: Rows) -> None:
    rows = price_rows([100.0, 51.0, 50.0, 52.0], split=[1.0, 2.0, 1.0, 1.0])
    assert_frame_equal(adjust(rows).head(3), adjust(rows.head(3)), check_exact=True)


def test_order_and_company_do_not_matter(price_rows: Rows) -> None:
    one = price_rows([100.0, 51.0, 50.0], split=[1.0, 2.0, 1.0])
    other = price_rows([10.0, 11.0, 12.0], ticker="U", dividend=[0.0, 0.0, 1.0])
    together = adjust(pl.concat([other, one]).sample(fraction=1.0, shuffle=True, seed=3))
    assert_frame_equal(together, pl.concat([adjust(one), adjust(other)]), check_exact=True)


def test_dividends_and_splits_are_read_out_of_an_adjusted_close() -> None:
    sample = _daily()
    implied = with_implied_actions(sample.drop("dividend", "split"))
    assert_frame_equal(implied.select("split", "dividend"), sample.select("split", "dividend"))
    assert (implied["dividend"] > 0).sum() == 92


def test_rounding_of_an_adjusted_close_is_no_dividend() -> None:
    rounded = _daily().with_columns(pl.col("adj_close").round(4)).drop("dividend", "split")
    assert (with_implied_actions(rounded)["dividend"] > 0).sum() == 92


def test_splits_of_adjusted_prices_are_undone(price_rows: Rows) -> None:
    traded = price_rows([400.0, 404.0, 103.0, 100.0], split=[1.0, 1.0, 4.0, 1.0], dividend=[0.0, 0.8, 0.0, 0.1])
    adjusted = traded.with_columns(
        *(pl.Series(name, [100.0, 101.0, 103.0, 100.0]) for name in ("open", "high", "low", "close")),
        volume=pl.Series([4000.0, 4000.0, 1000.0, 1000.0]),
        dividend=pl.Series([0.0, 0.2, 0.0, 0.1]),
    )
    assert are_split_adjusted(adjusted)
    assert not are_split_adjusted(traded)
    assert_frame_equal(undo_splits(adjusted), traded)


def test_without_splits_nothing_says_that_prices_are_adjusted(price_rows: Rows) -> None:
    assert not are_split_adjusted(price_rows([100.0, 101.0]))
