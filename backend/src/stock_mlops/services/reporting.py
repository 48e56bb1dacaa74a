"""Full reports on the models that serve: written by a process of their own, kept in S3."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from stock_kit.clock import wall_now
from stock_kit.logging import get_logger
from stock_kit.settings import Settings

from stock_mlops.forecasting.estimators.base import Floats
from stock_mlops.instruments import Instrument
from stock_mlops.services.monitoring import open_served
from stock_mlops.services.watchers.base import History, Served
from stock_mlops.services.watchers.drift import drift_columns, drift_rows
from stock_mlops.stores.clickhouse import get_client
from stock_mlops.stores.reports import Reports
from stock_mlops.stores.warehouse import Warehouse

log = get_logger(__name__)

# Sessions that are compared with the training: a quarter, which a person can read a distribution from.
_CURRENT = 63
_FEWEST = 20


class Pages(Protocol):
    """``stores.reports.Reports``, or a dictionary in a test."""

    def put(self, instrument: Instrument, model_version: int, written_at: datetime, page: bytes) -> str: ...


class Renderer(Protocol):
    """``services.report_page.render_page``: training rows and newest rows, both (rows, columns), as a page."""

    def __call__(self, columns: Sequence[str], reference: Floats, current: Floats) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Written:
    instrument: Instrument
    name: str | None
    """None: there is nothing to compare; ``reason`` says why."""
    reason: str = ""


class Reporting:
    def __init__(
        self,
        history: History,
        served: Callable[[Instrument], Served | None],
        pages: Pages,
        render: Renderer,
        now: Callable[[], datetime] = wall_now,
    ) -> None:
        self._history = history
        self._served = served
        self._pages = pages
        self._render = render
        self._now = now

    def write(self, instruments: Collection[Instrument]) -> Iterator[Written]:
        """One after the other, as they are written.

        Raises:
            what the stores raise when a server does not answer.
        """
        for instrument in instruments:
            served = self._served(instrument)
            yield Written(instrument, None, "no model serves it") if served is None else self._one(instrument, served)

    def _one(self, instrument: Instrument, served: Served) -> Written:
        info = served.bundle.info
        reference = drift_rows(self._history, instrument, served, info.trained_from, info.trained_until)
        # Only what came after the training: the rest would be compared with itself.
        after = instrument.sessions.next(info.trained_until)
        current = drift_rows(self._history, instrument, served, after, date.max)[-_CURRENT:]
        if len(current) < _FEWEST:
            reason = f"{len(current)} sessions since its training, {_FEWEST} are needed"
            return Written(instrument, None, reason)
        page = self._render(drift_columns(served), reference, current)
        name = self._pages.put(instrument, served.champion.version, self._now(), page)
        log.info("report_written", instrument=instrument.key, name=name, bytes=len(page))
        return Written(instrument, name)


def open_reporting(settings: Settings) -> Reporting:
    """The use case over the servers of ``settings``."""
    from stock_mlops.services.report_page import render_page

    return Reporting(
        Warehouse(get_client(settings.clickhouse)), open_served(settings), Reports(settings.s3), render_page
    )
