"""What monitoring measured: drift, errors, coverage, parity, quality, freshness; and the full reports."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.responses import HTMLResponse
from stock_mlops.errors import NotFoundError
from stock_mlops.instruments import Instrument
from stock_mlops.services.monitoring_view import InstrumentState, MeasuredSeries
from stock_mlops.stores.monitoring import Measured
from stock_mlops.stores.read_cache import EVERYTHING

from api.caching import NOT_MODIFIED, tagged
from api.dependencies import Train
from api.errors import problems
from api.schemas.common import Exchange, Ticker
from api.schemas.monitoring import (
    MonitoredInstrument,
    MonitoredInstruments,
    MonitoredNumber,
    MonitoredPoint,
    MonitoredSeries,
    MonitoredState,
    MonitoringQuery,
    MonitoringReport,
    MonitoringReports,
    PageQuery,
    ReportQuery,
)

router = APIRouter(prefix="/api/monitoring", tags=["monitoring"])

# Numbers change when an instrument is looked at, which nothing in the cache is told of.
_KEPT = timedelta(seconds=5)
# The page draws itself by scripts of its own, in a sandbox: it is nobody's origin, so it reads no cookie and no store
# of ours and may call nothing; what it shows is all in it.
_PAGE_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline';"
    " img-src data: blob:; font-src data:; frame-ancestors 'self'"
)
PAGE_HEADERS = {
    "Content-Security-Policy": _PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # A report is written once.
    "Cache-Control": "private, max-age=3600",
}


@router.get(
    "",
    response_model=MonitoredInstruments,
    responses={**problems(503), **NOT_MODIFIED},
    summary="Newest numbers of all tickers",
)
def list_monitored(request: Request, resources: Train) -> Response:
    """What the newest look at each ticker in the warehouse measured, by exchange and ticker."""

    def make() -> bytes:
        items = [MonitoredInstrument(**_head(state)) for state in resources.monitoring.states()]
        return MonitoredInstruments(items=items).model_dump_json().encode()

    return tagged(request, resources.reads.fetch(EVERYTHING, "monitoring", make, _KEPT))


@router.get("/reports", responses=problems(503), summary="List the full reports")
def list_reports(query: Annotated[ReportQuery, Query()], resources: Train) -> MonitoringReports:
    """Newest first; of all tickers, or of one."""
    instrument = None if query.ticker is None else Instrument(query.exchange, query.ticker)
    page = resources.monitoring.reports(query.limit, query.cursor, instrument)
    return MonitoringReports(
        items=[
            MonitoringReport(
                name=report.name,
                exchange=report.instrument.exchange,
                ticker=report.instrument.ticker,
                written_at=report.written_at,
                model_version=report.model_version,
                size=report.size,
                url=f"/api/monitoring/reports/{report.name}",
                page_url=f"/api/monitoring/pages/{report.name}?{resources.monitoring.links.query(report.name)}",
            )
            for report in page.items
        ],
        next_cursor=page.next_cursor,
    )


@router.get(
    "/reports/{name}",
    response_class=HTMLResponse,
    responses=problems(404, 503),
    summary="A full report as a page",
)
def get_report(name: Annotated[str, Path(max_length=100)], resources: Train) -> HTMLResponse:
    """HTML that draws itself. A browser shows it at its `page_url`."""
    return HTMLResponse(resources.monitoring.report(name), headers=PAGE_HEADERS)


@router.get(
    "/pages/{name}",
    response_class=HTMLResponse,
    responses=problems(404, 503),
    summary="A full report in a frame or a tab",
)
def show_report(
    name: Annotated[str, Path(max_length=100)], query: Annotated[PageQuery, Query()], resources: Train
) -> HTMLResponse:
    """The same page at a signed address, which a list of reports gives and which is good for an hour: a frame cannot
    say who asks."""
    if not resources.monitoring.links.holds(name, query.expires, query.signature):
        raise NotFoundError(
            "expected an address that GET /api/monitoring/reports gave within the last hour; list the reports again"
        )
    return HTMLResponse(resources.monitoring.report(name), headers=PAGE_HEADERS)


@router.get(
    "/{exchange}/{ticker}",
    response_model=MonitoredState,
    responses={**problems(404, 503), **NOT_MODIFIED},
    summary="Drift, errors, coverage, parity and quality of a ticker",
)
def get_monitored(
    exchange: Annotated[Exchange, Path()],
    ticker: Annotated[Ticker, Path()],
    query: Annotated[MonitoringQuery, Query()],
    request: Request,
    resources: Train,
) -> Response:
    """The newest numbers, and each of them over the sessions."""
    instrument = Instrument(exchange, ticker)

    def make() -> bytes:
        state = resources.monitoring.state_of(instrument, query.sessions)
        return MonitoredState(**_head(state), series=list(map(_series, state.series))).model_dump_json().encode()

    return tagged(request, resources.reads.fetch(instrument.key, f"monitoring:{query.sessions}", make, _KEPT))


def _head(state: InstrumentState) -> dict[str, object]:
    return {
        "exchange": state.instrument.exchange,
        "ticker": state.instrument.ticker,
        "session": state.session,
        "measured_at": state.measured_at,
        "model_name": state.model_name,
        "model_version": state.model_version,
        "numbers": list(map(_number, state.numbers)),
    }


def _number(row: Measured) -> MonitoredNumber:
    return MonitoredNumber(
        monitor=row.monitor, part=row.part, measure=row.measure, value=row.value, threshold=row.threshold
    )


def _series(series: MeasuredSeries) -> MonitoredSeries:
    points = [
        MonitoredPoint(session=row.session, value=row.value, model_version=row.model_version) for row in series.points
    ]
    return MonitoredSeries(monitor=series.monitor, part=series.part, measure=series.measure, points=points)
