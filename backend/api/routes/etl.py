"""Loading prices: from a source or from a file of one's own, as a run on the Prefect server."""

from __future__ import annotations

import re
import shutil
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, File, Form, Query, Response, UploadFile
from pydantic import Field, TypeAdapter, ValidationError
from stock_mlops.errors import InvalidRequestError
from stock_mlops.services.etl_control import EtlOrder, EtlStatus

from api.dependencies import Train
from api.errors import problems
from api.schemas.common import Exchange, Limit, Ticker
from api.schemas.datasets import EtlAccepted, EtlRequest, EtlRun, EtlRuns

router = APIRouter(prefix="/api/datasets", tags=["datasets"])

_ColumnName = Annotated[str, Field(min_length=1, max_length=200)]
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_COLUMNS = TypeAdapter(dict[_ColumnName, _ColumnName])


@router.post("/etl", status_code=202, responses=problems(413, 503), summary="Load prices from a source")
def start_etl(body: EtlRequest, resources: Train, response: Response) -> EtlAccepted:
    """Fetches, checks and stores prices, computes features. Running it again loads only what is new."""
    order = EtlOrder(body.source, tuple(body.tickers), body.exchange, body.full)
    return _accepted(resources.etl.start(order), response)


@router.post("/upload", status_code=202, responses=problems(413, 415, 503), summary="Load prices from a file")
def upload_prices(
    resources: Train,
    response: Response,
    file: Annotated[UploadFile, File(description="CSV or Parquet; needs a column of dates and one of closes")],
    ticker: Annotated[Ticker | None, Form(description="whose prices they are, without a ticker column")] = None,
    exchange: Annotated[Exchange, Form()] = "US",
    columns: Annotated[
        str,
        Form(
            max_length=4000,
            description='JSON object with the file\'s names of our columns, where they are unusual: {"close": "Px"}',
        ),
    ] = "",
    skip_bad_rows: Annotated[bool, Form(description="load the others when some rows cannot be read")] = False,
) -> EtlAccepted:
    """Answers once every row was read; the quality gate, which knows the exchange's sessions, judges them in the run.
    422 names the rows (of a CSV file: lines, the header is line 1) that cannot be read."""
    order = EtlOrder("file", () if ticker is None else (ticker,), exchange, columns=_columns(columns))
    with TemporaryDirectory(prefix="stock-upload-") as folder:
        path = FilePath(folder) / _file_name(file.filename)
        with path.open("wb") as target:
            shutil.copyfileobj(file.file, target)
        return _accepted(resources.etl.upload(path, order, skip_bad_rows=skip_bad_rows), response)


@router.get("/etl", responses=problems(503), summary="List the loads")
def list_etl_runs(resources: Train, limit: Annotated[Limit, Query()] = 50) -> EtlRuns:
    """Newest first, those of the command line and of schedules included."""
    return EtlRuns(items=[_run(status) for status in resources.etl.newest(limit)])


@router.get("/etl/{run_id}", responses=problems(404, 503), summary="State of a load, and what became of each ticker")
def get_etl_run(run_id: UUID, resources: Train) -> EtlRun:
    return _run(resources.etl.status(run_id))


@router.delete("/etl/{run_id}", responses=problems(404, 409, 503), summary="Cancel a load")
def cancel_etl_run(run_id: UUID, resources: Train) -> EtlRun:
    """Tickers that were loaded stay; the run ends within seconds."""
    return _run(resources.etl.cancel(run_id))


def _file_name(given: str | None) -> str:
    """The caller's name of the file, as far as it is one on any system."""
    last = (given or "").replace("\\", "/").rpartition("/")[2]
    return _UNSAFE.sub("-", last)[-100:].strip(".-") or "prices"


def _columns(text: str) -> dict[str, str]:
    if not text.strip():
        return {}
    try:
        return _COLUMNS.validate_python(orjson.loads(text), strict=True)
    except (orjson.JSONDecodeError, ValidationError):
        message = 'expected a JSON object of texts like {"close": "Px Last"}'
        raise InvalidRequestError(
            f"columns: {message}, got {text[:100]!r}", errors=[{"field": "body.columns", "message": message}]
        ) from None


def _accepted(status: EtlStatus, response: Response) -> EtlAccepted:
    status_url = f"/api/datasets/etl/{status.id}"
    response.headers["Location"] = status_url
    return EtlAccepted(run_id=status.id, state=status.state, status_url=status_url)


def _run(status: EtlStatus) -> EtlRun:
    tickers = status.report.get("tickers", [])
    return EtlRun(
        run_id=status.id,
        source=status.source,
        state=status.state,
        created_at=status.created_at,
        started_at=status.started_at,
        finished_at=status.finished_at,
        tickers_total=status.report.get("total"),
        tickers_done=len(tickers),
        tickers=tickers,
        error=status.report.get("error"),
        message=status.message,
    )
