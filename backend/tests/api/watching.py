"""Twins of what the routes of monitoring and flows ask."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from stock_kit.links import SignedLinks
from stock_mlops.errors import InvalidRequestError, NotFoundError
from stock_mlops.instruments import Instrument
from stock_mlops.services.monitoring_view import InstrumentState, state_of, states
from stock_mlops.stores.monitoring import Measured
from stock_mlops.stores.prefect_server import DeploymentState, RunState
from stock_mlops.stores.reports import ReportPage, report_page, stored_report

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
RUN = "6f0e2c5e-3b1f-4f57-9d0c-2f8f5f1d7a11"
NUMBERS = (
    ("drift", "volatility", "statistic", 1.7, None),
    ("drift", "", "sessions", 5.0, 4.0),
    ("coverage", "1", "0.9", 0.88, 0.9),
)
DAYS = (date(2012, 6, 28), date(2012, 6, 29))


@dataclass
class Watched:
    """What was measured of AAPL, and one report; ``error``, when set, is what it raises."""

    error: Exception | None = None
    links: SignedLinks = field(default_factory=lambda: SignedLinks("k" * 40, timedelta(hours=1)))
    pages: dict[str, bytes] = field(default_factory=lambda: {"US_AAPL_20261122T050000Z_v3": b"<html>all of it</html>"})

    def newest(self, instruments: Collection[Instrument] | None = None) -> Sequence[Measured]:
        if self.error is not None:
            raise self.error
        if instruments is not None and Instrument("US", "AAPL") not in instruments:
            return []
        return [_measured(DAYS[-1], *number) for number in NUMBERS]

    def series(self, instrument: Instrument, after: date) -> Sequence[Measured]:
        return [_measured(day, *number) for number in NUMBERS for day in DAYS if day > after]

    def states(self) -> Sequence[InstrumentState]:
        return states(self)

    def state_of(self, instrument: Instrument, sessions: int) -> InstrumentState:
        return state_of(self, instrument, sessions)

    def reports(self, limit: int, cursor: str | None, instrument: Instrument | None) -> ReportPage:
        apple = Instrument("US", "AAPL")
        found = [report for name, page in self.pages.items() if (report := stored_report(name, len(page)))]
        return report_page(found if instrument in (None, apple) else [], limit, cursor)

    def report(self, name: str) -> bytes:
        if name not in self.pages:
            raise NotFoundError(f"there is no report {name}")
        return self.pages[name]


def _measured(day: date, monitor: str, part: str, measure: str, value: float, threshold: float | None) -> Measured:
    return Measured("US", "AAPL", monitor, part, measure, day, value, threshold, "stock-US-AAPL", "3", NOW)


@dataclass
class Flows:
    """A Prefect server with two flows of ours."""

    served: bool = True
    started: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def deployments(self) -> Sequence[DeploymentState]:
        if not self.served:
            return []
        return [
            DeploymentState("monitoring", "Look.", (), ("every 3600 s",), ("tickers", "exchange"), RUN, "COMPLETED",
                            NOW, NOW),
            DeploymentState("etl", "Load.", (), (), ("source",), None, None, None, None),
        ]  # fmt: skip

    def start(self, deployment: str, parameters: Mapping[str, Any]) -> str:
        if "colour" in parameters:
            raise InvalidRequestError(f"{deployment} refuses these parameters")
        self.started.append((deployment, parameters))
        return RUN

    def state(self, run_id: str) -> RunState:
        if UUID(run_id) != UUID(RUN):
            raise NotFoundError(f"there is no flow run {run_id}")
        return RunState("SCHEDULED", "Scheduled", "", NOW, {})
