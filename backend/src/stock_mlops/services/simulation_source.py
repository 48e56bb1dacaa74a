"""Where a simulation's history comes from: the shipped sample, or the prices that the platform holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

import polars as pl
from stock_kit.settings import Settings

from stock_mlops.errors import InvalidRequestError
from stock_mlops.instruments import Instrument
from stock_mlops.prices.schema import RAW_SCHEMA, ROW_NUMBER, SOURCE_SCHEMA
from stock_mlops.prices.sources import Fetched, FetchRequest, PriceSource, SourceError
from stock_mlops.prices.sources.base import Timeline
from stock_mlops.prices.sources.sample import SampleSource
from stock_mlops.simulation.plan import Plan
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.raw_prices import RawPrices

# A model needs some years before the first day that it forecasts from.
_FEWEST_BEFORE = 500


class StoredHistory:
    """Rows that were read once, released as their sessions close.

    Args:
        rows: columns of ``RAW_SCHEMA``, of some instruments.
    """

    name = "stored"
    timeline: Timeline = "replay"

    def __init__(self, rows: pl.DataFrame) -> None:
        # A provider's own adjusted close knows of later dividends: nothing may look at it here.
        known = rows.select(*RAW_SCHEMA).with_columns(adj_close=pl.lit(None, pl.Float64))
        numbered = known.with_row_index(ROW_NUMBER, offset=1)
        self._rows: Mapping[tuple[object, ...], pl.DataFrame] = numbered.select(
            pl.col(name).cast(kind) for name, kind in SOURCE_SCHEMA.items()
        ).partition_by("exchange", "ticker", as_dict=True)

    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(Instrument(str(exchange), str(ticker)) for exchange, ticker in self._rows)

    def sessions(self, instrument: Instrument) -> pl.Series:
        """The days that it has of an instrument, the oldest first; none of an unknown one."""
        rows = self._rows.get((instrument.exchange, instrument.ticker))
        return pl.Series("session", [], pl.Date) if rows is None else rows["session"].sort()

    def until(self, day: date) -> pl.DataFrame:
        """The rows of all instruments until a day; columns of ``RAW_SCHEMA``."""
        return pl.concat(self._rows.values()).filter(pl.col("session") <= day).select(*RAW_SCHEMA)

    def fetch(self, request: FetchRequest) -> Iterator[Fetched]:
        for instrument in self.instruments() if request.instruments is None else request.instruments:
            yield self._of(instrument, request)

    def _of(self, instrument: Instrument, request: FetchRequest) -> Fetched:
        rows = self._rows.get((instrument.exchange, instrument.ticker))
        if rows is None:
            return Fetched(instrument, error=f"the simulation was not given {instrument}")
        rows = rows.filter(pl.col("session") <= instrument.sessions.last_closed(request.until))
        stored = request.stored.get(instrument)
        if stored is not None and not request.full:
            rows = rows.filter(pl.col("session") > stored["session"].max())
        # They have passed the quality gate before: a move that was taken to be real then is so now.
        return Fetched(instrument, rows, vouched=frozenset(rows["session"]))


def open_history(settings: Settings, plan: Plan) -> StoredHistory:
    """All rows of the plan's tickers until its last day; later ones are not even read.

    Raises:
        InvalidRequestError: there is not enough of a ticker to train on and to replay; the text says what there is.
    """
    rows = (
        _sample(plan) if plan.source == "sample" else RawPrices(get_engine(settings.raw_db)).current(plan.instruments)
    )
    history = StoredHistory(rows.filter(pl.col("session") <= plan.last))
    for instrument in plan.instruments:
        _check(plan, instrument, history.sessions(instrument))
    return history


def _sample(plan: Plan) -> pl.DataFrame:
    source: PriceSource = SampleSource()
    days = plan.sessions()
    if not days:
        raise InvalidRequestError(f"the exchange {plan.exchange} has no session from {plan.first} to {plan.last}")
    after = plan.instruments[0].sessions.close_time(days[-1])
    try:
        fetched = list(source.fetch(FetchRequest(until=after, instruments=plan.instruments)))
    except SourceError as error:
        raise InvalidRequestError(str(error)) from error
    problems = [item.error for item in fetched if item.error is not None]
    if problems:
        raise InvalidRequestError(
            f"{problems[0]}; load what you want to simulate and ask for the source stored",
            errors=[{"field": "body.tickers", "message": problems[0]}],
        )
    return pl.concat([item.rows for item in fetched])


def _check(plan: Plan, instrument: Instrument, days: pl.Series) -> None:
    if days.is_empty():
        message = f"no prices of {instrument} are stored; load them (POST /api/datasets/etl), or take the sample"
        raise InvalidRequestError(message, errors=[{"field": "body.tickers", "message": message}])
    earlier = int((days < plan.first).sum())
    if earlier < _FEWEST_BEFORE:
        first = days[min(_FEWEST_BEFORE, len(days) - 1)]
        message = (
            f"expected {_FEWEST_BEFORE} sessions of {instrument} before the first day, to train on, got {earlier};"
            f" begin at {first} or later"
        )
        raise InvalidRequestError(message, errors=[{"field": "body.first", "message": message}])
    if not (days >= plan.first).any():
        message = f"prices of {instrument} end on {_day(days[-1])}, before the first day {plan.first}"
        raise InvalidRequestError(message, errors=[{"field": "body.first", "message": message}])


def _day(value: object) -> date:
    if not isinstance(value, date):
        raise TypeError(f"expected a day, got {value!r}")
    return value


def clipped(plan: Plan, history: StoredHistory) -> Plan:
    """The plan with its last day where every ticker still has prices."""
    ends = [_day(history.sessions(instrument)[-1]) for instrument in plan.instruments]
    return plan.model_copy(update={"last": min(plan.last, *ends)})
