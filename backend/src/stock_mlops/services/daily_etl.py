"""What is loaded by itself after the close of an exchange."""

from __future__ import annotations

from stock_kit.clock import SystemClock
from stock_kit.settings import Settings

from stock_mlops.instruments import Instrument
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.raw_prices import RawPrices


def daily_exchanges(settings: Settings) -> list[str]:
    """Market codes of the instruments that come from the daily source; the replayed sample is none of them."""
    return sorted({instrument.exchange for instrument in _daily(settings)})


def daily_instruments(settings: Settings, exchange: str) -> list[Instrument]:
    """Those of an exchange that lack a session that has closed."""
    mine = [instrument for instrument in _daily(settings) if instrument.exchange == exchange]
    states = RawPrices(get_engine(settings.raw_db)).states(mine) if mine else {}
    now = SystemClock().now()
    return [
        instrument
        for instrument in mine
        if instrument not in states or states[instrument].last_session < instrument.sessions.last_closed(now)
    ]


def _daily(settings: Settings) -> list[Instrument]:
    source = settings.etl.daily_source
    stored = RawPrices(get_engine(settings.raw_db)).instruments("live") if source else []
    return [item.instrument for item in stored if item.source == source]
