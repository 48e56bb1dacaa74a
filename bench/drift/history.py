"""The sample's prices with a break put into them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from stock_mlops.features import compute_features, default_features, registry
from stock_mlops.forecasting.estimators.base import Floats
from stock_mlops.instruments import Instrument, sessions_of
from stock_mlops.monitoring.columns import RETURN_COLUMNS, return_columns
from stock_mlops.prices.adjustment import adjust
from stock_mlops.prices.schema import OHLC
from stock_mlops.prices.sources import FetchRequest
from stock_mlops.prices.sources.sample import SampleSource

TICKERS = ("AAPL", "GOOG", "IBM", "MSFT")
COLUMNS = tuple(name for name in default_features() if registry()[name].group != "calendar")


@dataclass(frozen=True)
class Rows:
    """Sessions of which all features are known."""

    sessions: list[date]
    x: Floats
    """(sessions, returns and features)"""


def prices(ticker: str) -> pl.DataFrame:
    source = SampleSource()
    until = sessions_of("US").close_time(source.last_session)
    (fetched,) = source.fetch(FetchRequest(until=until, instruments=(Instrument("US", ticker),)))
    return adjust(fetched.rows)


def rows(clean: pl.DataFrame) -> Rows:
    features = compute_features(clean, COLUMNS).drop_nulls()
    log_range = (clean["high"] / clean["low"]).log().to_numpy()
    returns = return_columns(clean["close"].to_numpy(), log_range)
    columns = clean.select("session").with_columns(
        pl.Series(name, returns[:, column], nan_to_null=True) for column, name in enumerate(RETURN_COLUMNS)
    )
    frame = features.join(columns, on="session", maintain_order="left").drop_nulls()
    return Rows(frame["session"].to_list(), frame.select(*RETURN_COLUMNS, *COLUMNS).to_numpy())


def louder(clean: pl.DataFrame, start: date, factor: float) -> pl.DataFrame:
    """The same prices with all moves from ``start`` on, within and between sessions, ``factor`` times as large."""
    logs = np.log(clean.select(OHLC).to_numpy())
    before = np.concatenate([logs[:1, 3], logs[:-1, 3]])
    moves = logs - before[:, np.newaxis]
    changed = np.array([day >= start for day in clean["session"]])
    moves[changed] *= factor
    closes = logs[0, 3] + np.concatenate([[0.0], moves[1:, 3].cumsum()])
    again = np.exp(np.concatenate([closes[:1], closes[:-1]])[:, np.newaxis] + moves)
    return clean.with_columns(pl.Series(name, again[:, column]) for column, name in enumerate(OHLC))
