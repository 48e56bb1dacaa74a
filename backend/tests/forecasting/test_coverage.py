"""The promise of the intervals, held against real prices: five years that the model was not trained on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from stock_mlops.features import compute_features
from stock_mlops.forecasting.adaptation import AdaptiveState, adapt
from stock_mlops.forecasting.spec import parse_spec
from stock_mlops.forecasting.trainer import train
from stock_mlops.instruments import Instrument
from stock_mlops.prices.adjustment import adjust
from stock_mlops.prices.sources.sample import FILE
from stock_mlops.services.adaptation import outcome_errors

HORIZON = 5
FIVE_YEARS = timedelta(days=5 * 365)


@pytest.mark.parametrize("ticker", ["AAPL", "MSFT", "IBM", "GOOG"])
def test_ninety_per_cent_intervals_cover_ninety_per_cent_out_of_sample(ticker: str) -> None:
    raw = pl.read_parquet(FILE).filter(pl.col("ticker") == ticker)
    loaded = pl.lit(datetime(2026, 1, 1, tzinfo=UTC))
    clean = adjust(raw.with_columns(exchange=pl.lit("US"), source=pl.lit("sample"), ingested_at=loaded))
    split: date = clean["session"][-1] - FIVE_YEARS
    spec = parse_spec({"ticker": ticker, "horizon": HORIZON, "end": split.isoformat(), "params": {"alpha": 1000.0}})
    frame = clean.select("session", "open", "close").join(
        compute_features(clean, spec.features).select("session", *spec.features), on="session"
    )
    bundle = train(spec, frame, data_version="d", feature_version="f").bundle
    since = bundle.info.trained_until
    lately = frame.filter(pl.col("session") > split - timedelta(days=30))
    errors = outcome_errors(bundle, Instrument("US", ticker), lately, since)
    sessions = len(errors[0])
    # At each session first the forecasts are made, then the outcomes of earlier ones come in.
    widths = np.full((sessions, HORIZON), np.nan)
    state = AdaptiveState.start(HORIZON)
    for position in range(sessions):
        state = adapt(state, bundle.intervals, [values[position : position + 1] for values in errors], since)
        intervals = bundle.intervals.scaled(state.scales)
        widths[position] = [intervals.half_width(horizon) for horizon in range(1, HORIZON + 1)]
    for horizon in range(1, HORIZON + 1):
        # The error at a position is of the forecast that was made `horizon` sessions before.
        judged = np.abs(errors[horizon - 1][horizon:]) <= widths[:-horizon, horizon - 1]
        assert 0.88 <= judged.mean() <= 0.92, (ticker, horizon, judged.mean())
