"""The exchanges with their sessions and opening hours, as of a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from stock_mlops.calendars import prefetch_calendars
from stock_mlops.instruments import MARKETS, Sessions, sessions_of


@dataclass(frozen=True, slots=True)
class SessionHours:
    session: date
    opens_at: datetime | None
    """UTC; None where the calendar does not record it."""
    closes_at: datetime


@dataclass(frozen=True, slots=True)
class ExchangeState:
    exchange: str
    name: str
    calendar: str
    timezone: str
    yahoo_suffix: str
    is_open: bool
    """Breaks count as closed."""
    today: SessionHours | None
    """Of the exchange's own date; None: it has no session."""
    next: SessionHours
    """The first session after today."""
    lunch: tuple[time, time] | None
    """Local times of the break."""


def describe_exchanges(now: datetime) -> list[ExchangeState]:
    """All of them, at ``now`` (aware). The first call on a machine computes their calendars, some five seconds."""
    prefetch_calendars(market.calendar for market in MARKETS.values())
    return [_describe(exchange, now) for exchange in MARKETS]


def _describe(exchange: str, now: datetime) -> ExchangeState:
    market, sessions = MARKETS[exchange], sessions_of(exchange)
    today = sessions.local_date(now)
    hours = _hours(sessions, today) if sessions.is_session(today) else None
    lunch = None if sessions.lunch is None else (_clock(sessions.lunch[0]), _clock(sessions.lunch[1]))
    return ExchangeState(
        exchange=exchange,
        name=market.name,
        calendar=market.calendar,
        timezone=sessions.timezone,
        yahoo_suffix=market.yahoo_suffix,
        is_open=hours is not None and _is_open(hours, lunch, now, sessions.local_time(now)),
        today=hours,
        next=_hours(sessions, sessions.next(today)),
        lunch=lunch,
    )


def _is_open(hours: SessionHours, lunch: tuple[time, time] | None, now: datetime, local: time) -> bool:
    if hours.opens_at is None or not hours.opens_at <= now < hours.closes_at:
        return False
    return lunch is None or not lunch[0] <= local < lunch[1]


def _hours(sessions: Sessions, day: date) -> SessionHours:
    return SessionHours(day, sessions.open_time(day), sessions.close_time(day))


def _clock(minutes: int) -> time:
    return time(*divmod(minutes, 60))
