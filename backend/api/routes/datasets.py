"""What is in the warehouse: prices, features, their quality; and deleting a ticker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, cast

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from stock_mlops.errors import InvalidRequestError
from stock_mlops.instruments import Instrument
from stock_mlops.stores.read_cache import EVERYTHING

from api.caching import NOT_MODIFIED, tagged
from api.dependencies import Train, TrainResources
from api.errors import problems
from api.schemas.common import Exchange, Ticker
from api.schemas.datasets import (
    Dataset,
    DatasetDeleted,
    DatasetList,
    DatasetQuality,
    FeatureQuery,
    FeatureSeries,
    Format,
    PriceQuery,
    PriceSeries,
    QuarantinedRow,
    SpanQuery,
)

if TYPE_CHECKING:
    import polars as pl

router = APIRouter(prefix="/api/datasets", tags=["datasets"])

PathExchange = Annotated[Exchange, Path()]
PathTicker = Annotated[Ticker, Path()]

# A load ends what is cached of its tickers at once; this only bounds how long unused answers stay.
_KEPT = timedelta(minutes=10)
# Freshness follows the clock, not the loads.
_LIST_KEPT = timedelta(seconds=2)
# 40 features of twenty years are 200,000.
_MOST_CELLS = 2_000_000

MEDIA_TYPES: dict[Format, str] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "arrow": "application/vnd.apache.arrow.file",
    "parquet": "application/vnd.apache.parquet",
}
_TABLES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "JSON, or a file when format or Accept asks for one",
        "content": {
            kind.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
            for name, kind in MEDIA_TYPES.items()
            if name != "json"
        },
    }
}


@router.get(
    "", response_model=DatasetList, responses={**problems(503), **NOT_MODIFIED}, summary="Tickers in the warehouse"
)
def list_datasets(request: Request, resources: Train) -> Response:
    """With first and last session, rows, freshness and quality, by exchange and ticker."""

    def make() -> bytes:
        found = [Dataset(**asdict(item), fresh=item.fresh) for item in resources.datasets.datasets()]
        return DatasetList(items=found, total=len(found)).model_dump_json().encode()

    return tagged(request, resources.reads.fetch(EVERYTHING, "datasets", make, _LIST_KEPT))


@router.get(
    "/{exchange}/{ticker}/prices",
    response_model=PriceSeries,
    responses={**problems(404, 503), **NOT_MODIFIED, **_TABLES},
    summary="Daily prices of a ticker",
)
def list_prices(
    exchange: PathExchange,
    ticker: PathTicker,
    query: Annotated[PriceQuery, Query()],
    request: Request,
    resources: Train,
) -> Response:
    """Oldest first; as JSON, CSV, Arrow or Parquet."""
    instrument, form = Instrument(exchange, ticker), _format(query, request)
    if form == "json" and query.columns:
        message = "expected format csv, arrow or parquet with columns; JSON has all of them"
        raise InvalidRequestError(message, errors=[{"field": "query.columns", "message": message}])

    def make() -> bytes:
        frame = resources.datasets.prices(instrument, query)
        if form != "json":
            return _table(frame.select(query.columns or frame.columns), form)
        head = {"exchange": exchange, "ticker": ticker, "adjusted": query.adjusted}
        return orjson.dumps({**head, "items": frame.to_dicts()})

    return _answer(request, resources, instrument, query, form, make)


@router.get(
    "/{exchange}/{ticker}/features",
    response_model=FeatureSeries,
    responses={**problems(404, 503), **NOT_MODIFIED, **_TABLES},
    summary="Features of a ticker",
)
def list_dataset_features(
    exchange: PathExchange,
    ticker: PathTicker,
    query: Annotated[FeatureQuery, Query()],
    request: Request,
    resources: Train,
) -> Response:
    """What models are trained on and asked with, oldest first; as JSON, CSV, Arrow or Parquet."""
    instrument, form = Instrument(exchange, ticker), _format(query, request)

    def make() -> bytes:
        frame = resources.datasets.features(instrument, query)
        if frame.width * frame.height > _MOST_CELLS:
            raise InvalidRequestError(
                f"expected at most {_MOST_CELLS:,} values at once, got {frame.height:,} sessions of {frame.width:,}"
                " columns; ask for fewer features or sessions"
            )
        if form != "json":
            return _table(frame, form)
        sessions = frame["session"].to_list()
        features = {name: frame[name].to_list() for name in frame.columns if name != "session"}
        return orjson.dumps({"exchange": exchange, "ticker": ticker, "sessions": sessions, "features": features})

    return _answer(request, resources, instrument, query, form, make)


@router.get("/{exchange}/{ticker}/quality", responses=problems(404, 503), summary="Gaps and refused rows of a ticker")
def get_quality(exchange: PathExchange, ticker: PathTicker, resources: Train) -> DatasetQuality:
    """Sessions of the exchange without a row, and rows that the quality gate refused, with the reason."""
    report = resources.datasets.quality(Instrument(exchange, ticker))
    return DatasetQuality(
        exchange=exchange,
        ticker=ticker,
        first_session=report.first_session,
        last_session=report.last_session,
        sessions_stored=report.sessions_stored,
        sessions_expected=report.sessions_expected,
        sessions_missing=report.sessions_missing,
        missing=list(report.missing),
        rows_refused=report.rejected.open,
        rows_resolved=report.rejected.resolved,
        refused=[QuarantinedRow(**asdict(entry)) for entry in report.entries],
    )


@router.delete("/{exchange}/{ticker}", responses=problems(404, 409, 503), summary="Delete a ticker's data")
def delete_dataset(exchange: PathExchange, ticker: PathTicker, resources: Train) -> DatasetDeleted:
    """Raw prices, what was refused of them, warehouse and Parquet export. Predictions and their outcomes are kept. 409
    while a model is being trained on it."""
    rows = resources.datasets.delete(Instrument(exchange, ticker))
    return DatasetDeleted(exchange=exchange, ticker=ticker, rows=rows)


def _format(query: SpanQuery, request: Request) -> Format:
    """What ``format`` says, else the first of the Accept header that there is, else JSON."""
    if query.format is not None:
        return query.format
    by_type = {kind.partition(";")[0]: name for name, kind in MEDIA_TYPES.items()}
    given = (item.partition(";")[0].strip().lower() for item in request.headers.get("accept", "").split(","))
    return next((by_type[kind] for kind in given if kind in by_type), "json")


def _table(frame: pl.DataFrame, form: Format) -> bytes:
    # Polars takes a moment to import, and most answers are cached.
    from stock_mlops.services.series import TableFormat, encode_table

    return encode_table(frame, cast(TableFormat, form))


def _answer(
    request: Request,
    resources: TrainResources,
    instrument: Instrument,
    query: SpanQuery,
    form: Format,
    make: Callable[[], bytes],
) -> Response:
    name = f"{type(query).__name__}:{form}:{query.model_dump_json(exclude={'format'})}"
    body = resources.reads.fetch(instrument.key, name, make, _KEPT)
    headers = {}
    if form != "json":
        what = type(query).__name__.removesuffix("Query").lower()
        file = f"{instrument.exchange}-{instrument.ticker}-{what}s.{form}"
        headers = {"Content-Disposition": f'attachment; filename="{file}"'}
    return tagged(request, body, MEDIA_TYPES[form], **headers)
