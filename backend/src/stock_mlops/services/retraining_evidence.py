"""What the triggers look at: the newest measurements of a model that serves, as of a session."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Any, Protocol

from stock_mlops.instruments import Instrument
from stock_mlops.retraining.policy import Evidence
from stock_mlops.stores.catalog import ModelVersion
from stock_mlops.stores.market_clock import Clocks
from stock_mlops.stores.monitoring import Measured

# With fewer settled forecasts their errors and coverage say nothing yet.
_FEWEST = 20


class Measurements(Protocol):
    """``stores.monitoring.MonitoringTable``, or a list in a test."""

    def newest(self, instruments: Collection[Instrument] | None = None) -> Sequence[Measured]: ...


@dataclass(frozen=True, slots=True)
class Moment:
    """Where the market stands for some instruments of one exchange."""

    session: date
    """The newest session that has closed and is stored of each of them."""
    closed: date
    """The newest session that has closed; a later one when prices are late."""


@dataclass(frozen=True, slots=True)
class Market:
    """Where each instrument's market clock stands, and how far its prices are loaded."""

    clocks: Clocks
    timelines: Callable[[], Mapping[Instrument, str]]
    last_sessions: Callable[[Sequence[Instrument]], Mapping[Instrument, date]]
    """The newest stored session of each of them that has any."""

    def at(self, instruments: Sequence[Instrument], as_of: datetime | None = None) -> Moment | None:
        """By each instrument's market clock, or at ``as_of`` (aware); None while one of them has no prices."""
        stored = self.last_sessions(instruments)
        timelines = self.timelines() if as_of is None else {}
        if not all(instrument in stored for instrument in instruments):
            return None
        closed = {
            item: item.sessions.last_closed(as_of or self.clocks.clock(timelines.get(item, "live")).now())
            for item in instruments
        }
        return Moment(min(min(stored[item], day) for item, day in closed.items()), min(closed.values()))


@dataclass(frozen=True, slots=True)
class Standing:
    """What the triggers of a model would look at now."""

    serving: int | None
    """The version that serves under the model's name; None: none does."""
    counts: bool
    """Whether that is a version of this very definition: only then its policy counts."""
    session: date | None
    """The newest session that has closed and is stored; None: prices are missing."""
    evidence: Evidence
    watched: int | None
    """Sessions that the shadow or the probation of the open retraining has lasted; None: neither is under way."""


class Findings(Protocol):
    """:class:`EvidenceDesk`, or numbers in a test."""

    def of(self, champion: ModelVersion, instruments: Sequence[Instrument], moment: Moment) -> Evidence: ...


class EvidenceDesk:
    """Reads what ``services.monitoring`` measured.

    Raises:
        clickhouse_connect.driver.exceptions.ClickHouseError: the server does not answer.
    """

    def __init__(self, measurements: Measurements) -> None:
        self._measurements = measurements

    def of(self, champion: ModelVersion, instruments: Sequence[Instrument], moment: Moment) -> Evidence:
        """What is known of a version that serves at ``moment``."""
        by_ticker = self._numbers(champion, instruments, moment.session)
        sessions = instruments[0].sessions
        return Evidence(
            age=float(sessions.count(champion.trained_until, moment.closed)),
            new_sessions=float(sessions.count(champion.trained_until, moment.session)),
            error=_error(by_ticker, validated_rmse(champion)),
            coverage=_mean(_coverage(numbers) for numbers in by_ticker),
            drift=_median(numbers.get(("drift", "", "sessions")) for numbers in by_ticker),
        )

    def _numbers(
        self, champion: ModelVersion, instruments: Sequence[Instrument], session: date
    ) -> list[dict[tuple[str, str, str], Measured]]:
        """Of each instrument of which anything is known."""
        found: dict[str, dict[tuple[str, str, str], Measured]] = defaultdict(dict)
        version = (champion.registered_name, str(champion.version))
        for row in self._measurements.newest(instruments):
            if row.session <= session and (row.model_name, row.model_version) == version:
                found[row.ticker][row.monitor, row.part, row.measure] = row
        return list(found.values())


def validated_rmse(version: ModelVersion) -> float:
    """One session ahead, out of fold; 0 when its training did not tell."""
    horizons: Sequence[dict[str, Any]] = version.metrics.get("horizons", ())
    return float(next((row.get("rmse") or 0.0 for row in horizons if row.get("horizon") == 1), 0.0))


def _error(by_ticker: Sequence[dict[tuple[str, str, str], Measured]], validated: float) -> float | None:
    """Over the members of a panel as over its rows: the root of the mean square."""
    squares = [
        numbers[key].value ** 2
        for numbers in by_ticker
        if (key := ("accuracy", "1", "rmse")) in numbers and _told(numbers)
    ]
    return math.sqrt(sum(squares) / len(squares)) / validated if squares and validated > 0 else None


def _coverage(numbers: dict[tuple[str, str, str], Measured]) -> float | None:
    found = next((row for (monitor, part, _), row in numbers.items() if (monitor, part) == ("coverage", "1")), None)
    if found is None or found.threshold is None or not _told(numbers):
        return None
    return found.value - found.threshold


def _told(numbers: dict[tuple[str, str, str], Measured]) -> bool:
    count = numbers.get(("accuracy", "1", "n"))
    return count is not None and count.value >= _FEWEST


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _median(rows: Iterable[Measured | None]) -> float | None:
    """Of a panel's many members one drifts always."""
    known = [row.value for row in rows if row is not None]
    return median(known) if known else None
