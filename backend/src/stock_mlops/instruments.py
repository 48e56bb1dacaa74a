"""Instruments, the markets they trade on, and the sessions of those markets.

Light on purpose: the prediction path imports it, so it knows numpy and the standard library only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from stock_mlops.calendars import CalendarData, load_calendar

_TICKER = re.compile(r"[A-Z0-9.^=-]{1,20}")
_EPOCH = date(1970, 1, 1)
# Outside what the calendar records, weekdays count as sessions, within these bounds.
_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(2100, 12, 31)


@dataclass(frozen=True)
class Market:
    """A market code's name, its calendar (an exchange_calendars name) and Yahoo's suffix of its symbols."""

    name: str
    calendar: str
    yahoo_suffix: str = ""


MARKETS: dict[str, Market] = {
    "US": Market("NYSE and Nasdaq", "XNYS"),
    "TW": Market("Taiwan Stock Exchange", "XTAI", "TW"),
    "TWO": Market("Taipei Exchange", "XTAI", "TWO"),
    "HK": Market("Hong Kong Exchanges", "XHKG", "HK"),
    "JP": Market("Tokyo Stock Exchange", "XTKS", "T"),
    "KR": Market("Korea Exchange", "XKRX", "KS"),
    "CN": Market("Shanghai Stock Exchange", "XSHG", "SS"),
    "SG": Market("Singapore Exchange", "XSES", "SI"),
    "IN": Market("BSE, Mumbai", "XBOM", "BO"),
    "AU": Market("Australian Securities Exchange", "XASX", "AX"),
    "UK": Market("London Stock Exchange", "XLON", "L"),
    "DE": Market("Xetra, Frankfurt", "XETR", "DE"),
    "FR": Market("Euronext Paris", "XPAR", "PA"),
    "NL": Market("Euronext Amsterdam", "XAMS", "AS"),
    "CH": Market("SIX Swiss Exchange", "XSWX", "SW"),
    "IT": Market("Borsa Italiana, Milan", "XMIL", "MI"),
    "ES": Market("Bolsa de Madrid", "XMAD", "MC"),
    "SE": Market("Nasdaq Stockholm", "XSTO", "ST"),
    "CA": Market("Toronto Stock Exchange", "XTSE", "TO"),
    "BR": Market("B3, São Paulo", "BVMF", "SA"),
    "CRYPTO": Market("Crypto markets", "24/7"),
}
_BY_SUFFIX = {market.yahoo_suffix: code for code, market in MARKETS.items() if market.yahoo_suffix}


@dataclass(frozen=True, order=True)
class Instrument:
    """One ticker of one market.

    Raises:
        ValueError: the market code is unknown or the ticker holds characters no exchange uses.
    """

    exchange: str
    ticker: str

    def __post_init__(self) -> None:
        if self.exchange not in MARKETS:
            raise ValueError(f"exchange: expected one of {', '.join(MARKETS)}, got {self.exchange!r}")
        if not _TICKER.fullmatch(self.ticker):
            raise ValueError(f"ticker: expected 1 to 20 of A-Z 0-9 . ^ = -, got {self.ticker!r}")

    def __hash__(self) -> int:
        return hash(self.key)

    def __str__(self) -> str:
        return self.key

    @cached_property
    def key(self) -> str:
        """``US:AAPL``: the key of Kafka events, caches and reports."""
        return f"{self.exchange}:{self.ticker}"

    @cached_property
    def registered_model(self) -> str:
        return f"stock-{self.exchange}-{self.ticker}"

    @property
    def yahoo_symbol(self) -> str:
        """Yahoo's symbol: ``2330.TW``; share classes of the US are written with a dash there (``BRK-B``)."""
        suffix = MARKETS[self.exchange].yahoo_suffix
        return f"{self.ticker}.{suffix}" if suffix else self.ticker.replace(".", "-")

    @property
    def sessions(self) -> Sessions:
        return sessions_of(self.exchange)


@lru_cache(4096)
def instrument_of(exchange: str, ticker: str) -> Instrument:
    """As :class:`Instrument`, but those that are asked for again and again are checked once."""
    return Instrument(exchange, ticker)


def parse_symbol(text: str, default_exchange: str = "US") -> Instrument:
    """Read ``US:AAPL``, Yahoo's ``2330.TW``, or a bare ticker of the default market; case does not matter."""
    symbol = text.strip().upper()
    exchange, colon, ticker = symbol.partition(":")
    if colon:
        return Instrument(exchange, ticker)
    head, dot, suffix = symbol.rpartition(".")
    if dot and suffix in _BY_SUFFIX and default_exchange == "US":
        return Instrument(_BY_SUFFIX[suffix], head)
    if dot and suffix == MARKETS.get(default_exchange, Market("", "")).yahoo_suffix:
        return Instrument(default_exchange, head)
    return Instrument(default_exchange, symbol)


class Sessions:
    """The sessions of one market.

    Within :attr:`known_from` to :attr:`known_until` they are the exchange's own, holidays and early closes included.
    Outside, where no holidays are recorded (decades ago, or years ahead), every weekday counts as a session.
    """

    def __init__(self, calendar: CalendarData) -> None:
        known = calendar.days
        self.known_from = _to_date(int(known[0]))
        self.known_until = _to_date(int(known[-1]))
        before = _plain_days(_FIRST_DAY, self.known_from, every_day=calendar.every_day)
        after = _plain_days(
            self.known_until + timedelta(days=1), _LAST_DAY + timedelta(days=1), every_day=calendar.every_day
        )
        self._days = np.concatenate([before, known, after])
        self._offset = len(before)
        self._opens, self._closes = calendar.opens, calendar.closes
        self.timezone = calendar.timezone
        self.lunch = calendar.lunch
        """Minutes since local midnight at which the break of a session begins and ends; None: there is none."""
        self._zone = ZoneInfo(calendar.timezone)
        self.every_day = calendar.every_day
        """The exchange trades on weekends as well."""
        self.usual_close = _usual_close(calendar, self._zone)
        """When a session closes that does not close early, counted from its local midnight."""

    def is_session(self, day: date) -> bool:
        number = _to_number(day)
        index = self._after(number - 1)
        return bool(self._days[index] == number)

    def next(self, day: date, n: int = 1) -> date:
        """The ``n``-th session after ``day``, which need not be a session itself."""
        return self._at(self._after(_to_number(day)) + n - 1)

    def previous(self, day: date, n: int = 1) -> date:
        """The ``n``-th session before ``day``, which need not be a session itself."""
        return self._at(self._after(_to_number(day) - 1) - n)

    def between(self, start: date, end: date) -> list[date]:
        """All sessions from ``start`` to ``end``, both inclusive."""
        return [_to_date(number) for number in self.array(start, end).astype(np.int32).tolist()]

    def array(self, start: date, end: date) -> NDArray[np.datetime64]:
        """As :meth:`between`, as ``datetime64[D]``."""
        low, high = self._after(_to_number(start) - 1), self._after(_to_number(end))
        return self._days[low:high].astype("datetime64[D]")

    def count(self, after: date, until: date) -> int:
        """Sessions later than ``after``, up to and including ``until``: the horizon between two sessions."""
        return max(0, self._after(_to_number(until)) - self._after(_to_number(after)))

    def close_time(self, day: date) -> datetime:
        """When the session ``day`` closes, in UTC; early closes count.

        Raises:
            ValueError: ``day`` is not a session.
        """
        number = _to_number(day)
        index = self._after(number - 1)
        if self._days[index] != number:
            raise ValueError(f"{day} is not a session; the next one is {self.next(day)}")
        return self._close_at(index)

    def open_time(self, day: date) -> datetime | None:
        """When the session ``day`` opens, in UTC; None where the calendar does not record it.

        Raises:
            ValueError: ``day`` is not a session.
        """
        self.close_time(day)
        known = self._after(_to_number(day) - 1) - self._offset
        return datetime.fromtimestamp(int(self._opens[known]) * 60, UTC) if 0 <= known < len(self._opens) else None

    def last_closed(self, now: datetime) -> date:
        """The newest session whose close is not later than ``now`` (aware)."""
        # A session of the other side of the date line may close a calendar day later or earlier in UTC.
        index = self._after(_to_number(now.astimezone(UTC).date()) + 1) - 1
        while self._close_at(index) > now:
            index -= 1
        return self._at(index)

    def local_date(self, now: datetime) -> date:
        """The day that the exchange's own calendar shows at ``now`` (aware)."""
        return now.astimezone(self._zone).date()

    def local_time(self, now: datetime) -> time:
        """What the clocks at the exchange show at ``now`` (aware)."""
        return now.astimezone(self._zone).time()

    def _after(self, number: int) -> int:
        """Index of the first session later than the day ``number``."""
        return int(self._days.searchsorted(np.int32(number), side="right"))

    def _at(self, index: int) -> date:
        if not 0 <= index < len(self._days):
            raise ValueError(f"sessions are known from {_FIRST_DAY} to {_LAST_DAY}; this one lies outside")
        return _to_date(int(self._days[index]))

    def _close_at(self, index: int) -> datetime:
        known = index - self._offset
        if 0 <= known < len(self._closes):
            return datetime.fromtimestamp(int(self._closes[known]) * 60, UTC)
        midnight = datetime.combine(self._at(index), datetime.min.time(), self._zone)
        return (midnight + self.usual_close).astimezone(UTC)


@lru_cache(maxsize=len(MARKETS))
def sessions_of(exchange: str) -> Sessions:
    """The sessions of a market code.

    Raises:
        ValueError: the market code is unknown.
    """
    if exchange not in MARKETS:
        raise ValueError(f"exchange: expected one of {', '.join(MARKETS)}, got {exchange!r}")
    return Sessions(load_calendar(MARKETS[exchange].calendar))


def _to_number(day: date) -> int:
    return (day - _EPOCH).days


def _to_date(number: int) -> date:
    return _EPOCH + timedelta(days=number)


def _plain_days(start: date, end: date, *, every_day: bool) -> NDArray[np.int32]:
    """All weekdays, or all days, from ``start`` up to but not including ``end``."""
    days = np.arange(np.datetime64(start), np.datetime64(end), dtype="datetime64[D]")
    return (days if every_day else days[np.is_busday(days)]).astype(np.int32)


def _usual_close(calendar: CalendarData, zone: ZoneInfo) -> timedelta:
    """Local closing time most seen among the newest sessions, counted from midnight of the session."""
    recent = range(max(0, len(calendar.days) - 250), len(calendar.days))
    times = [
        datetime.fromtimestamp(int(calendar.closes[index]) * 60, UTC).astimezone(zone).replace(tzinfo=None)
        - datetime.combine(_to_date(int(calendar.days[index])), datetime.min.time())
        for index in recent
    ]
    return max(sorted(set(times)), key=times.count)
