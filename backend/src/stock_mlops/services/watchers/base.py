"""What a watcher is given, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Protocol

from stock_kit.events import Severity

from stock_mlops.instruments import Instrument
from stock_mlops.services.alerting import Condition
from stock_mlops.stores.catalog import Champion
from stock_mlops.stores.warehouse import TrainingFrame

if TYPE_CHECKING:
    import polars as pl

    from stock_mlops.forecasting.bundle import ForecastBundle


@dataclass(frozen=True, slots=True)
class Served:
    """The model that serves an instrument."""

    champion: Champion
    bundle: ForecastBundle


@dataclass(frozen=True, slots=True)
class Subject:
    """One instrument, as it stands when it is looked at."""

    instrument: Instrument
    last_session: date
    """Newest one in the warehouse when the pass began; what is loaded meanwhile, the next one looks at."""
    timeline: str = "live"
    """The market clock that it follows."""
    source: str = "yfinance"
    """Where its newest prices come from."""
    served: Served | None = field(default=None, kw_only=True)
    """None: the random walk serves it."""


@dataclass(frozen=True, slots=True)
class Number:
    """One measured number; see the table ``monitoring``."""

    monitor: str
    part: str
    measure: str
    value: float
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What a watcher saw of one instrument."""

    numbers: Sequence[Number] = ()
    conditions: Sequence[Condition] = field(default=())


class Watcher(Protocol):
    """Looks at one thing. It raises what its stores raise; the alerts about what it could not see stay as they are."""

    @property
    def detector(self) -> str:
        """Under which its conditions are reported."""
        ...

    def observe(self, subject: Subject) -> Observation: ...


class History(Protocol):
    """What watchers read of an instrument; ``stores.warehouse.Warehouse``, or frames in a test."""

    def training_frame(
        self, instrument: Instrument, names: Sequence[str], start: date | None, end: date | None
    ) -> TrainingFrame: ...

    def prices(self, instrument: Instrument, start: date | None = None, end: date | None = None) -> pl.DataFrame: ...

    def features(
        self, instrument: Instrument, names: Sequence[str], start: date | None = None, end: date | None = None
    ) -> pl.DataFrame: ...


def condition(
    subject: Subject,
    fingerprint: str,
    severity: Severity,
    title: str,
    detail: str,
    value: float | None = None,
    threshold: float | None = None,
) -> Condition:
    """About ``subject``; ``fingerprint`` names what it is, without whose."""
    instrument = subject.instrument
    return Condition(
        fingerprint=f"{fingerprint}:{instrument.key}",
        subject=instrument.key,
        severity=severity,
        title=f"{instrument.key}: {title}",
        detail=detail,
        exchange=instrument.exchange,
        ticker=instrument.ticker,
        value=value,
        threshold=threshold,
    )
