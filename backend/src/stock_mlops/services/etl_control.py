"""ETL runs for people: started on the Prefect server, told about with their report, cancelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol
from uuid import UUID

from stock_kit.model_settings import EtlSettings

from stock_mlops.errors import ConflictError, DependencyUnavailableError, FieldError, InvalidRequestError, NotFoundError
from stock_mlops.instruments import Instrument
from stock_mlops.stores.etl_runs import EtlRun
from stock_mlops.stores.prefect_server import RunState

DEPLOYMENT = "etl/etl"
# An answer is read by people; a file whose every row is wrong is wrong in one way.
_SHOWN_ROWS = 50

State = Literal["pending", "running", "completed", "failed", "cancelled"]

STATES: Mapping[str, State] = {
    "SCHEDULED": "pending",
    "PENDING": "pending",
    "RUNNING": "running",
    "PAUSED": "running",
    "CANCELLING": "running",
    "COMPLETED": "completed",
    "FAILED": "failed",
    "CRASHED": "failed",
    "CANCELLED": "cancelled",
}
"""Ours, by Prefect's."""


class FlowRuns(Protocol):
    """``stores.prefect_server.PrefectServer``, or a dictionary in a test."""

    def start(self, deployment: str, parameters: Mapping[str, Any]) -> str: ...

    def state(self, run_id: str) -> RunState: ...

    def cancel(self, run_id: str) -> None: ...


class Reports(Protocol):
    """``stores.etl_runs.EtlRuns``."""

    def of_flow_run(self, flow_run_id: str) -> EtlRun | None: ...

    def list(self, limit: int = 50) -> list[EtlRun]: ...


class FileStore(Protocol):
    """``stores.uploads.Uploads``."""

    def put(self, file: Path) -> str: ...


@dataclass(frozen=True, slots=True)
class EtlOrder:
    """What to load; see ``services.etl.EtlRequest``."""

    source: str
    tickers: Sequence[str] = ()
    exchange: str = "US"
    full: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    """Of a file: its names of our columns, where they are not the usual ones."""


@dataclass(frozen=True, slots=True)
class EtlStatus:
    id: UUID
    state: State
    source: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    report: Mapping[str, Any]
    """As ``RunReport.to_dict``; empty before the run began."""
    message: str = ""


class EtlControl:
    def __init__(self, flows: FlowRuns, reports: Reports, files: FileStore, settings: EtlSettings) -> None:
        self._flows = flows
        self._reports = reports
        self._files = files
        self._settings = settings

    def start(self, order: EtlOrder, upload: str | None = None) -> EtlStatus:
        """
        Raises:
            DependencyUnavailableError: the Prefect server does not answer, or nobody serves the flow.
        """
        parameters = {
            "source": order.source,
            "tickers": list(order.tickers),
            "exchange": order.exchange,
            "full": order.full,
            "upload": upload,
            "columns": dict(order.columns),
        }
        try:
            run_id = self._flows.start(DEPLOYMENT, parameters)
        except NotFoundError as error:
            raise DependencyUnavailableError("the workflows service", "it has not registered its flows yet") from error
        return self.status(UUID(run_id))

    def upload(self, file: Path, order: EtlOrder, *, skip_bad_rows: bool) -> EtlStatus:
        """Load a file of prices, once it has been seen that it can be read.

        Raises:
            InvalidRequestError: it is no file of prices, or rows of it are not, which are named.
            DependencyUnavailableError: S3 or the Prefect server does not answer.
        """
        check_file(file, order, self._settings, skip_bad_rows=skip_bad_rows)
        return self.start(order, self._files.put(file))

    def status(self, run_id: UUID) -> EtlStatus:
        """
        Raises:
            NotFoundError: there is no such run.
            DependencyUnavailableError: the Prefect server does not answer, and the run is not known to have ended.
        """
        run = self._reports.of_flow_run(str(run_id))
        try:
            flow = self._flows.state(str(run_id))
        except (NotFoundError, DependencyUnavailableError):
            if run is None or run.state == "running":
                raise
            return _ended(run_id, run)
        if "source" not in flow.parameters:
            raise NotFoundError(f"there is no ETL run {run_id}; GET /api/datasets/etl lists what there is")
        return EtlStatus(
            run_id,
            STATES.get(flow.type, "running"),
            flow.parameters["source"],
            flow.created_at,
            None if run is None else run.started_at,
            None if run is None else run.finished_at,
            {} if run is None else run.report,
            flow.message,
        )

    def cancel(self, run_id: UUID) -> EtlStatus:
        """What was loaded stays; the run ends within seconds.

        Raises:
            NotFoundError, DependencyUnavailableError: see :meth:`status`.
            ConflictError: it has ended already.
        """
        status = self.status(run_id)
        if status.state not in ("pending", "running"):
            raise ConflictError(f"expected an open run, got ETL run {run_id}, which is {status.state} already")
        self._flows.cancel(str(run_id))
        return self.status(run_id)

    def newest(self, limit: int) -> list[EtlStatus]:
        """Runs that began, newest first, those of the command line included."""
        return [_ended(UUID(run.flow_run_id) if run.flow_run_id else run.id, run) for run in self._reports.list(limit)]


def _ended(run_id: UUID, run: EtlRun) -> EtlStatus:
    """From the run's own record."""
    return EtlStatus(run_id, run.state, run.source, run.started_at, run.started_at, run.finished_at, run.report)


def check_file(file: Path, order: EtlOrder, settings: EtlSettings, *, skip_bad_rows: bool) -> None:
    """See that a file holds prices in columns that can be read.

    Raises:
        InvalidRequestError: it does not, or a row has something else in one of them; the rows are named.
    """
    from stock_kit.clock import wall_now

    from stock_mlops.prices.sources import FetchRequest, SourceError, open_source

    named = tuple(Instrument(order.exchange, ticker) for ticker in order.tickers)
    errors: list[FieldError] = []
    rejected = good = 0
    try:
        source = open_source(
            "file",
            settings,
            file=file,
            instrument=named[0] if len(named) == 1 else None,
            exchange=order.exchange,
            columns=order.columns,
        )
        for fetched in source.fetch(FetchRequest(until=wall_now(), instruments=named or None)):
            if fetched.error is not None:
                raise _refused("ticker", fetched.error, file)
            good += len(fetched.rows)
            rejected += len(fetched.rejected)
            for number, reason in fetched.rejected.select("row_number", "reason").head(_SHOWN_ROWS).rows():
                errors.append({"field": f"row {number}", "message": reason})
    except SourceError as error:
        raise _refused(error.about, str(error), file) from error
    if rejected and (not skip_bad_rows or not good):
        raise InvalidRequestError(
            f"{file.name}: {rejected} of {rejected + good} rows cannot be read, the first is {errors[0]['field']}"
            f" ({errors[0]['message']}); correct them, name the columns in another way, or send skip_bad_rows=true",
            errors=errors[:_SHOWN_ROWS],
        )


def _refused(field: str, text: str, file: Path) -> InvalidRequestError:
    # The file lies in a temporary folder, which says nothing to its owner.
    text = text.replace(str(file), file.name)
    return InvalidRequestError(text, errors=[{"field": f"body.{field}", "message": text}])
