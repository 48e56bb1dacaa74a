"""What is in the warehouse, and its prices."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Query
from stock_mlops.instruments import Instrument
from stock_mlops.services.forecast_events import no_data

from api.dependencies import Train
from api.errors import problems
from api.schemas.common import Exchange, Ticker
from api.schemas.datasets import Dataset, DatasetList, PriceBar, PriceQuery, PriceSeries

router = APIRouter(prefix="/api/datasets", tags=["datasets"])


@router.get("", responses=problems(503), summary="Tickers in the warehouse")
def list_datasets(resources: Train) -> DatasetList:
    """With first and last session, rows and freshness, by exchange and ticker."""
    found = [Dataset(**asdict(item), fresh=item.fresh) for item in resources.datasets.datasets()]
    return DatasetList(items=found, total=len(found))


@router.get("/{exchange}/{ticker}/prices", responses=problems(404, 503), summary="Adjusted daily prices")
def list_prices(
    exchange: Annotated[Exchange, Path()],
    ticker: Annotated[Ticker, Path()],
    query: Annotated[PriceQuery, Query()],
    resources: Train,
) -> PriceSeries:
    """Oldest first; adjusted for splits and dividends up to the newest session."""
    instrument = Instrument(exchange, ticker)
    bars = resources.datasets.bars(instrument, query.start, query.end, query.limit)
    if not bars and not resources.datasets.bars(instrument, None, None, 1):
        raise no_data(instrument)
    return PriceSeries(exchange=exchange, ticker=ticker, items=[PriceBar(**bar) for bar in bars])
