"""Real prices and features of one share, as the warehouse would give them, which tests break in known ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from stock_kit.model_settings import MonitoringSettings
from stock_mlops.features import FEATURE_VERSION, compute_features
from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.forecasting.spec import parse_spec
from stock_mlops.forecasting.trainer import train
from stock_mlops.instruments import Instrument, sessions_of
from stock_mlops.prices.adjustment import adjust
from stock_mlops.prices.schema import OHLC
from stock_mlops.prices.sources import FetchRequest
from stock_mlops.prices.sources.sample import SampleSource
from stock_mlops.services.watchers.base import Served, Subject
from stock_mlops.stores.catalog import Champion
from stock_mlops.stores.warehouse import TrainingFrame

if TYPE_CHECKING:
    from collections.abc import Iterable

IBM = Instrument("US", "IBM")
FEATURES = ("return_1", "gap", "rsi_14", "volatility_20", "range_1", "volume_zscore_20", "weekday_sin")
TRAINED_FROM, TRAINED_UNTIL, LAST = date(2003, 1, 2), date(2011, 12, 30), date(2012, 6, 29)


class Frames:
    """A warehouse of frames."""

    def __init__(self, clean: pl.DataFrame) -> None:
        self.clean = clean.with_columns(version=pl.lit(7, dtype=pl.UInt64))
        self.stored = compute_features(clean, FEATURES).with_columns(
            version=pl.lit(7, dtype=pl.UInt64), feature_version=pl.lit(FEATURE_VERSION)
        )

    def prices(self, instrument: Instrument, start: date | None = None, end: date | None = None) -> pl.DataFrame:
        return _between(self.clean, start, end)

    def features(
        self, instrument: Instrument, names: Iterable[str], start: date | None = None, end: date | None = None
    ) -> pl.DataFrame:
        return _between(self.stored, start, end).select("session", "feature_version", "version", *names)

    def training_frame(
        self, instrument: Instrument, names: Sequence[str], start: date | None, end: date | None
    ) -> TrainingFrame:
        prices = _between(self.clean, start, end).select("session", "open", "close")
        frame = prices.join(self.stored.select("session", *names), on="session", maintain_order="left")
        return TrainingFrame(frame, "data", datetime(2026, 1, 1, tzinfo=UTC))


def louder(clean: pl.DataFrame, sessions: int, factor: float) -> pl.DataFrame:
    """The same prices with the moves of the newest ``sessions``, within and between them, ``factor`` times as large."""
    logs = clean.select(pl.col(OHLC).log()).to_numpy()
    moves = logs[1:] - logs[:-1, 3:]
    moves[-sessions:] *= factor
    closes = np.concatenate([[logs[0, 3]], logs[0, 3] + moves[:, 3].cumsum()])
    again = np.exp(np.vstack([logs[:1], closes[:-1, np.newaxis] + moves]))
    return clean.with_columns(pl.Series(name, again[:, column]) for column, name in enumerate(OHLC))


def _between(frame: pl.DataFrame, start: date | None, end: date | None) -> pl.DataFrame:
    return frame.filter(pl.col("session").is_between(start or date.min, end or date.max))


@pytest.fixture(scope="session")
def clean() -> pl.DataFrame:
    until = sessions_of("US").close_time(LAST)
    (fetched,) = SampleSource().fetch(FetchRequest(until=until, instruments=(IBM,)))
    return adjust(fetched.rows.filter(pl.col("session") >= date(2002, 6, 3)))


@pytest.fixture(scope="session")
def bundle(clean: pl.DataFrame) -> ForecastBundle:
    spec = parse_spec(
        {"ticker": "IBM", "features": FEATURES, "horizon": 1, "start": TRAINED_FROM, "end": TRAINED_UNTIL}
    )
    frame = Frames(clean).training_frame(IBM, FEATURES, TRAINED_FROM, TRAINED_UNTIL).frame
    return train(spec, frame, data_version="data", feature_version=FEATURE_VERSION).bundle


@pytest.fixture
def loud_frames(clean: pl.DataFrame) -> Frames:
    """The last forty sessions are five times as lively as they were."""
    return Frames(louder(clean, 40, 5.0))


@pytest.fixture
def frames(clean: pl.DataFrame) -> Frames:
    return Frames(clean)


@pytest.fixture
def subject(bundle: ForecastBundle) -> Subject:
    champion = Champion(IBM.registered_model, 3, "run", "uri", (IBM.key,))
    return Subject(IBM, LAST, "replay", "sample", served=Served(champion, bundle))


@pytest.fixture
def unserved(subject: Subject) -> Subject:
    return replace(subject, served=None)


@pytest.fixture
def settings() -> MonitoringSettings:
    return MonitoringSettings()
