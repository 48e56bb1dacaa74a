"""Session days and closing times of an exchange, computed once and kept on disk.

exchange_calendars needs pandas: 130 MB and a second of CPU that a serving process should not pay to learn what
tomorrow's session is. A child process computes a calendar, every other process of the machine reads a file of 200 kB.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from stock_kit.clock import wall_now
from stock_kit.logging import get_logger

log = get_logger(__name__)

FIRST_YEAR = 1960
"""Yahoo's oldest prices are of 1962; a calendar whose holidays are not recorded so far back starts where they do."""

_BUILD_SECONDS = 120
# Of the files; one that an older release wrote has another.
_LAYOUT = 2
_RECENT = 20


@dataclass(frozen=True)
class CalendarData:
    """What exchange_calendars knows about one calendar."""

    days: NDArray[np.int32]
    """Sessions, ascending, in days since 1970-01-01."""
    opens: NDArray[np.int64]
    """Opening time of each, in minutes since the epoch (UTC)."""
    closes: NDArray[np.int64]
    """Closing time of each, in the same unit."""
    timezone: str
    every_day: bool
    """The exchange trades on weekends as well."""
    lunch: tuple[int, int] | None = None
    """When the newest sessions' break begins and ends, in minutes since their local midnight; None: they have none."""

    def to_bytes(self) -> bytes:
        buffer = BytesIO()
        np.savez_compressed(
            buffer,
            days=self.days,
            opens=self.opens,
            closes=self.closes,
            timezone=self.timezone,
            every_day=self.every_day,
            lunch=self.lunch or (),
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> CalendarData:
        with np.load(BytesIO(content), allow_pickle=False) as file:
            return cls(
                days=file["days"],
                opens=file["opens"],
                closes=file["closes"],
                timezone=str(file["timezone"]),
                every_day=bool(file["every_day"]),
                lunch=tuple(file["lunch"].astype(int).tolist()) or None,
            )


def load_calendar(name: str) -> CalendarData:
    """The calendar ``name`` (XNYS, XTAI, ...) from 1960, or from where its records begin, to the end of next year."""
    last_year = wall_now().year + 1
    file = _cache_file(name, last_year)
    known = _read(file)
    if known is not None:
        return known
    # When a stack starts, many processes want the same calendar: one computes it, the others wait for its file.
    with _one_at_a_time(file.with_suffix(".lock")):
        known = _read(file)
        if known is not None:
            return known
        content = _build_in_child(name, last_year)
        _keep(file, content)
        return CalendarData.from_bytes(content)


def prefetch_calendars(names: Iterable[str]) -> None:
    """Have these calendars on disk. One child computes all that are missing: importing pandas takes longer than a
    calendar. Who finds no writable folder computes each one when it is loaded."""
    last_year = wall_now().year + 1
    missing = sorted(name for name in set(names) if not _cache_file(name, last_year).exists())
    if missing:
        command = [sys.executable, "-m", "stock_mlops.calendars", "--keep", *missing, str(last_year)]
        subprocess.run(command, timeout=_BUILD_SECONDS, check=False)  # noqa: S603


def build_calendar(name: str, last_year: int) -> CalendarData:
    """Compute a calendar with exchange_calendars; imports pandas."""
    import exchange_calendars
    import pandas as pd
    from exchange_calendars.calendar_utils import global_calendar_dispatcher as dispatcher

    factory = dispatcher._calendar_factories[dispatcher.resolve_alias(name)]
    first, last = pd.Timestamp(FIRST_YEAR, 1, 1), pd.Timestamp(last_year, 12, 31)
    first = max(first, factory.bound_min() or first)
    last = min(last, factory.bound_max() or last)
    calendar = exchange_calendars.get_calendar(name, start=first, end=last)
    return CalendarData(
        days=calendar.sessions.to_numpy().astype("datetime64[D]").astype(np.int32),
        opens=calendar.opens.dt.tz_localize(None).to_numpy().astype("datetime64[m]").astype(np.int64),
        closes=calendar.closes.dt.tz_localize(None).to_numpy().astype("datetime64[m]").astype(np.int64),
        timezone=str(calendar.tz),
        every_day=calendar.weekmask == "1111111",
        lunch=_lunch(calendar),
    )


def _lunch(calendar: Any) -> tuple[int, int] | None:
    # The newest one may be a half day, which has no break.
    with_break = [day for day in calendar.sessions[-_RECENT:] if calendar.session_has_break(day)]
    if not with_break:
        return None
    start, end = (
        moment.tz_convert(calendar.tz)
        for moment in (calendar.session_break_start(with_break[-1]), calendar.session_break_end(with_break[-1]))
    )
    return start.hour * 60 + start.minute, end.hour * 60 + end.minute


def _build_in_child(name: str, last_year: int) -> bytes:
    command = [sys.executable, "-m", "stock_mlops.calendars", name, str(last_year)]
    result = subprocess.run(command, capture_output=True, timeout=_BUILD_SECONDS, check=False)  # noqa: S603
    if result.returncode:
        reason = result.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise RuntimeError(f"the calendar {name} could not be computed by exchange_calendars: {' '.join(reason)}")
    return result.stdout


def _read(file: Path) -> CalendarData | None:
    try:
        return CalendarData.from_bytes(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        log.warning("calendar_cache_unreadable", file=str(file), error=str(error))
        return None


@contextmanager
def _one_at_a_time(lock: Path) -> Iterator[None]:
    """Hold a lock that the system takes back from a process that dies; without a writable folder there is none."""
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        stream = lock.open("w")
    except OSError:
        yield
        return
    with stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _cache_file(name: str, last_year: int) -> Path:
    return _cache_folder() / f"{name.replace('/', '-')}-{last_year}-{version('exchange-calendars')}-{_LAYOUT}.npz"


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "stock-mlops" / "calendars"


def _keep(file: Path, content: bytes) -> None:
    """Write the cache; without a writable home every process computes its own, which is slower and not wrong."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=file.parent, suffix=".tmp", delete=False) as temporary:
            temporary.write(content)
        Path(temporary.name).replace(file)
    except OSError as error:
        log.warning("calendar_cache_unwritable", file=str(file), error=str(error))


def _main(arguments: list[str]) -> None:
    """``NAME YEAR`` writes a calendar to standard output, ``--keep NAME... YEAR`` several into the cache."""
    *names, last_year = arguments
    if names[0] != "--keep":
        sys.stdout.buffer.write(build_calendar(names[0], int(last_year)).to_bytes())
        return
    for name in names[1:]:
        _keep(_cache_file(name, int(last_year)), build_calendar(name, int(last_year)).to_bytes())


if __name__ == "__main__":
    _main(sys.argv[1:])
