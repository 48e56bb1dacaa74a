"""What backend1's monitoring routes ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from clickhouse_connect.driver.client import Client
from stock_kit.access import access_secrets
from stock_kit.links import SignedLinks
from stock_kit.settings import Settings
from stock_mlops.instruments import Instrument
from stock_mlops.services.monitoring_view import InstrumentState, state_of, states
from stock_mlops.stores.monitoring import MonitoringTable
from stock_mlops.stores.reports import ReportPage, Reports

_LINKS_LAST = timedelta(hours=1)


class MonitoringDesk(Protocol):
    @property
    def links(self) -> SignedLinks: ...

    def states(self) -> Sequence[InstrumentState]: ...

    def state_of(self, instrument: Instrument, sessions: int) -> InstrumentState: ...

    def reports(self, limit: int, cursor: str | None, instrument: Instrument | None) -> ReportPage: ...

    def report(self, name: str) -> bytes: ...


@dataclass(slots=True)
class MonitoringOffice:
    """What was measured, from ClickHouse, and the reports, from S3."""

    table: MonitoringTable
    pages: Reports
    links: SignedLinks

    def states(self) -> Sequence[InstrumentState]:
        return states(self.table)

    def state_of(self, instrument: Instrument, sessions: int) -> InstrumentState:
        return state_of(self.table, instrument, sessions)

    def reports(self, limit: int, cursor: str | None, instrument: Instrument | None) -> ReportPage:
        return self.pages.page(limit, cursor, instrument)

    def report(self, name: str) -> bytes:
        return self.pages.get(name)


def open_monitoring_office(settings: Settings, client: Callable[[], Client]) -> MonitoringOffice:
    # With access off everything is open anyway, and nobody has made a secret.
    own = access_secrets(settings).signing_key if settings.access.enabled else settings.access.secret.get_secret_value()
    return MonitoringOffice(MonitoringTable(client), Reports(settings.s3), SignedLinks(own, _LINKS_LAST))
