from collections.abc import Callable, Sequence
from datetime import date

import polars as pl
import pytest
from stock_mlops.instruments import sessions_of
from stock_mlops.prices.schema import SOURCE_SCHEMA


def build_rows(
    closes: Sequence[float | None],
    *,
    first: date = date(2020, 1, 2),
    exchange: str = "US",
    ticker: str = "T",
    **columns: object,
) -> pl.DataFrame:
    """One row per session from ``first`` on, all its prices equal; ``columns`` (values or lists) replace some."""
    sessions = sessions_of(exchange).array(first, date(2100, 1, 1))[: len(closes)]
    rows = pl.DataFrame({"session": sessions, "close": list(closes)}, schema_overrides={"close": pl.Float64})
    filled = {
        "exchange": exchange,
        "ticker": ticker,
        "open": rows["close"],
        "high": rows["close"],
        "low": rows["close"],
        "volume": 1000.0,
        "dividend": 0.0,
        "split": 1.0,
        "adj_close": None,
        "source": "test",
        "row_number": list(range(2, len(closes) + 2)),
        **columns,
    }
    literals = {
        name: pl.Series(value) if isinstance(value, list | pl.Series) else pl.lit(value)
        for name, value in filled.items()
    }
    return rows.with_columns(**literals).select(pl.col(name).cast(kind) for name, kind in SOURCE_SCHEMA.items())


@pytest.fixture
def price_rows() -> Callable[..., pl.DataFrame]:
    return build_rows
