"""Which instruments there are, where they trade, and which of them somebody watches."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from stock_kit.clock import wall_now
from stock_mlops.errors import NotFoundError
from stock_mlops.instruments import Instrument
from stock_mlops.services.exchanges import ExchangeState as State
from stock_mlops.services.exchanges import describe_exchanges
from stock_mlops.stores.watchlists import Watchlist as Stored

from api.dependencies import Owner, Train
from api.errors import problems
from api.schemas.instruments import (
    ExchangeList,
    ExchangeState,
    InstrumentFound,
    InstrumentList,
    InstrumentQuery,
    LunchBreak,
    SessionHours,
    Watchlist,
    WatchlistItem,
    WatchlistList,
    WatchlistRequest,
)

router = APIRouter(prefix="/api", tags=["instruments"])


@router.get("/instruments", responses=problems(503), summary="Find instruments by ticker or name")
def find_instruments(query: Annotated[InstrumentQuery, Query()], resources: Train) -> InstrumentList:
    """Among those whose prices were loaded."""
    found = resources.instruments.search(query.q.strip(), query.exchange, query.limit)
    return InstrumentList(
        items=[
            InstrumentFound(
                exchange=item.instrument.exchange,
                ticker=item.instrument.ticker,
                name=item.name,
                timeline=item.timeline,
                yahoo_symbol=item.instrument.yahoo_symbol,
            )
            for item in found
        ]
    )


@router.get("/exchanges", responses=problems(), summary="The exchanges, their sessions and opening hours")
def list_exchanges() -> ExchangeList:
    """By the machine's clock; the replayed timeline has its own (`GET /api/system/clock`)."""
    now = wall_now()
    return ExchangeList(now=now, items=[_exchange(state) for state in describe_exchanges(now)])


@router.get("/watchlists", responses=problems(503), summary="Your watchlists")
def list_watchlists(resources: Train, owner: Owner) -> WatchlistList:
    """Of the account that asks; while access is off, everybody's."""
    return WatchlistList(items=[_watchlist(item) for item in resources.watchlists.of(owner)])


@router.post("/watchlists", status_code=201, responses=problems(409, 503), summary="Make a watchlist")
def create_watchlist(body: WatchlistRequest, resources: Train, owner: Owner, response: Response) -> Watchlist:
    """Its instruments need not be loaded yet."""
    created = resources.watchlists.create(owner, body.name, _instruments(body))
    response.headers["Location"] = f"/api/watchlists/{created.id}"
    return _watchlist(created)


@router.get("/watchlists/{watchlist_id}", responses=problems(404, 503), summary="One watchlist")
def get_watchlist(watchlist_id: UUID, resources: Train, owner: Owner) -> Watchlist:
    found = resources.watchlists.get(owner, watchlist_id)
    if found is None:
        raise _unknown(watchlist_id)
    return _watchlist(found)


@router.put("/watchlists/{watchlist_id}", responses=problems(404, 409, 503), summary="Replace a watchlist")
def replace_watchlist(watchlist_id: UUID, body: WatchlistRequest, resources: Train, owner: Owner) -> Watchlist:
    """Its name and all its instruments."""
    changed = resources.watchlists.replace(owner, watchlist_id, body.name, _instruments(body))
    if changed is None:
        raise _unknown(watchlist_id)
    return _watchlist(changed)


@router.delete(
    "/watchlists/{watchlist_id}", status_code=204, responses=problems(404, 503), summary="Delete a watchlist"
)
def delete_watchlist(watchlist_id: UUID, resources: Train, owner: Owner) -> None:
    if not resources.watchlists.delete(owner, watchlist_id):
        raise _unknown(watchlist_id)


def _unknown(watchlist_id: UUID) -> NotFoundError:
    return NotFoundError(f"you have no watchlist {watchlist_id}; GET /api/watchlists lists yours")


def _instruments(body: WatchlistRequest) -> list[Instrument]:
    return [Instrument(item.exchange, item.ticker) for item in body.instruments]


def _watchlist(stored: Stored) -> Watchlist:
    return Watchlist(
        watchlist_id=stored.id,
        name=stored.name,
        instruments=[WatchlistItem(exchange=item.exchange, ticker=item.ticker) for item in stored.instruments],
        created_at=stored.created_at,
        updated_at=stored.updated_at,
    )


def _exchange(state: State) -> ExchangeState:
    return ExchangeState(
        exchange=state.exchange,
        name=state.name,
        calendar=state.calendar,
        timezone=state.timezone,
        yahoo_suffix=state.yahoo_suffix,
        is_open=state.is_open,
        today=state.today and SessionHours.model_validate(state.today, from_attributes=True),
        next=SessionHours.model_validate(state.next, from_attributes=True),
        lunch_break=state.lunch and LunchBreak(starts=f"{state.lunch[0]:%H:%M}", ends=f"{state.lunch[1]:%H:%M}"),
    )
