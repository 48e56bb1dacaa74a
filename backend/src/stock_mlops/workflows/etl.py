"""The flow ``etl``: one Prefect task per ticker, each a thin door onto ``services.etl``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.concurrency.sync import concurrency
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.tasks import Task
from pydantic import Field
from stock_kit.settings import Settings, get_settings

from stock_mlops.errors import DependencyUnavailableError, InvalidRequestError
from stock_mlops.instruments import Instrument
from stock_mlops.prices.sources import SourceError
from stock_mlops.services.daily_etl import daily_instruments
from stock_mlops.services.etl import EtlRequest, EtlRun, begin_etl
from stock_mlops.services.etl_report import RunReport
from stock_mlops.stores.instrument_locks import loading
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.uploads import Uploads
from stock_mlops.workflows.runner import check_cancelled

# Each task costs the server a row and this process some milliseconds; a file of a thousand tickers needs no thousand.
_MOST_TASKS = 32
_RETRY_SECONDS = [2.0, 10.0, 30.0]


class EtlFailedError(Exception):
    """Nothing was loaded; the report says why."""


def _is_transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Retry when a database did not answer; another try of a wrong file gives the same error."""
    return isinstance(state.result(raise_on_failure=False), DependencyUnavailableError)


@task(
    name="load",
    task_run_name="load {names}",
    retries=len(_RETRY_SECONDS),
    retry_delay_seconds=_RETRY_SECONDS,
    retry_jitter_factor=0.5,
    retry_condition_fn=_is_transient,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def load(names: str, run: EtlRun, instruments: Sequence[Instrument]) -> None:  # noqa: ARG001  the task's name
    """Load some instruments (one, unless there are very many) and tell the run's report."""
    check_cancelled()
    logger = get_run_logger()
    with _turn(run.request.source), loading(get_engine(get_settings().raw_db), instruments, check_cancelled):
        reports = run.load(instruments, on_report=lambda _: check_cancelled())
    for report in reports:
        if report.error is None:
            counts = f"{report.rows_read} rows read, {report.new} new, {report.changed} changed"
            logger.info("%s: %s, %s rejected", report.instrument, counts, report.rejected)
        else:
            logger.error("%s: %s", report.instrument, report.error)


@flow(name="etl", flow_run_name="etl {source}", persist_result=False)
def etl(
    source: Literal["sample", "file", "yfinance"],
    tickers: Annotated[list[str], Field(description="symbols; none: all that the source has")] = [],  # noqa: B006
    exchange: Annotated[str, Field(description="market code of symbols that name none")] = "US",
    full: Annotated[bool, Field(description="load all history again")] = False,
    upload: Annotated[str | None, Field(description="with source file: key of the uploaded file")] = None,
    columns: Annotated[dict[str, str], Field(description="with source file: its names of our columns")] = {},  # noqa: B006
) -> None:
    """Fetch prices, check them, store them in PostgreSQL, and write adjusted prices and features to ClickHouse.

    Running it again loads only what is new. It fails when nothing could be loaded; tickers that failed and rows that
    were rejected are in the report.
    """
    settings = get_settings()
    with _uploaded_file(settings, source, upload) as file:
        request = EtlRequest(
            source=source, tickers=tickers, exchange=exchange.upper(), full=full, file=file, columns=columns
        )
        report = _run(settings, request)
    create_markdown_artifact(key="etl-report", markdown=report.markdown(source), description=f"ETL from {source}")
    if report.failed:
        raise EtlFailedError(report.error or "every ticker failed; see the report")


@flow(name="etl-after-close", flow_run_name="load {exchange} after its close", persist_result=False)
def etl_after_close(
    exchange: Annotated[str, Field(description="market code: US, TW, HK, ...")],
) -> None:
    """Fetch the sessions of an exchange that have closed, of all its instruments that come from the daily source and
    are behind. On a holiday, or when all is there, it does nothing."""
    settings = get_settings()
    behind = daily_instruments(settings, exchange.upper())
    if not behind:
        get_run_logger().info("nothing of %s is behind", exchange)
        return
    source = settings.etl.daily_source
    report = _run(settings, EtlRequest(source=source, tickers=[item.key for item in behind], exchange=exchange.upper()))
    create_markdown_artifact(key="etl-report", markdown=report.markdown(source), description=f"{exchange}, {source}")
    if report.failed:
        raise EtlFailedError(report.error or "every ticker failed; see the report")


@contextmanager
def _turn(source: str) -> Iterator[None]:
    """Wait for one of the slots of a source that somebody else's server gives."""
    name = source_limit(source)
    if name is None:
        yield
        return
    with concurrency(name):
        yield


def source_limit(source: str) -> str | None:
    """Name of the Prefect server's concurrency limit of a source; None: it is read from a disk of ours."""
    return f"etl-{source}" if source == "yfinance" else None


def _run(settings: Settings, request: EtlRequest) -> RunReport:
    run = begin_etl(settings, request, flow_run_id=flow_run.get_id())
    try:
        instruments = run.open(settings)
    except (SourceError, InvalidRequestError) as error:
        return run.finish(error=str(error))
    for batch, future in [(batch, load.submit(_names(batch), run, batch)) for batch in _batches(instruments)]:
        future.wait()
        if not future.state.is_completed():
            run.give_up(batch, str(future.result(raise_on_failure=False)))
    return run.finish()


@contextmanager
def _uploaded_file(settings: Settings, source: str, key: str | None) -> Iterator[Path | None]:
    """The uploaded file in a folder that goes away with the run."""
    if key is None:
        yield None
        return
    with TemporaryDirectory(prefix=f"stock-etl-{source}-") as folder:
        yield Uploads(settings.s3).get(key, Path(folder))


def _batches(instruments: Sequence[Instrument]) -> list[Sequence[Instrument]]:
    size = -(-len(instruments) // _MOST_TASKS)
    return [instruments[start : start + size] for start in range(0, len(instruments), size)]


def _names(batch: Sequence[Instrument]) -> str:
    return str(batch[0]) if len(batch) == 1 else f"{batch[0]} to {batch[-1]}"
