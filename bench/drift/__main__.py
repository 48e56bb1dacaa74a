"""``python -m bench.drift``: false alarms of drift on real prices, and the delay after a break. Needs no server.

A model is trained every 63 sessions on all that came before, five years at least; the sessions between are watched as
the platform watches them. An alarm is a stretch of sessions at which drift is persistent.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from statistics import median

import numpy as np
from stock_kit.model_settings import MonitoringSettings
from stock_mlops.monitoring.columns import RETURN_COLUMNS
from stock_mlops.monitoring.drift import DriftReference, watch_drift

from bench.drift.history import COLUMNS, TICKERS, Rows, louder, prices, rows

_TRAINED_ON = 1250
_RETRAINED_EVERY = 63
# A year is quiet whose moves are no larger than nine of ten years' before it in the same share's history.
_YEAR = 250
_QUIET = 0.9
_FAMILIES = (range(len(RETURN_COLUMNS)), range(len(RETURN_COLUMNS), len(RETURN_COLUMNS) + len(COLUMNS)))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.drift", description=__doc__)
    own = MonitoringSettings()
    parser.add_argument("--window", type=int, default=own.window)
    parser.add_argument("--rate", type=float, default=own.false_discovery_rate)
    parser.add_argument("--persistence", type=int, default=own.persistence)
    parser.add_argument("--of", type=int, default=own.persistence_of)
    parser.add_argument("--factor", type=float, default=3.0, help="of the moves after the injected break")
    options = parser.parse_args()
    settings = own.model_copy(
        update={
            "window": options.window,
            "false_discovery_rate": options.rate,
            "persistence": options.persistence,
            "persistence_of": options.of,
        }
    )
    quiet_sessions = quiet_alarms = 0
    print("| share | quiet years | sessions | alarms | other years | sessions | alarms |")
    print("|---|---|--:|--:|---|--:|--:|")
    for ticker in TICKERS:
        history = rows(prices(ticker))
        counts = by_year(history, settings)
        quiet = quiet_years(history)
        inside = [year for year in counts if year in quiet]
        outside = [year for year in counts if year not in quiet]
        print(f"| {ticker} | {_cells(inside, counts)} | {_cells(outside, counts)} |", flush=True)
        quiet_sessions += sum(counts[year][0] for year in inside)
        quiet_alarms += sum(counts[year][1] for year in inside)
    print(
        f"\nQuiet years: {quiet_alarms} alarms in {quiet_sessions} sessions,"
        f" {quiet_alarms / quiet_sessions * _YEAR:.2f} per share and year."
    )
    delays, missed = injected(settings, options.factor)
    print(
        f"Moves times {options.factor:g}: {len(delays) + missed} breaks, {missed} not found within"
        f" {_RETRAINED_EVERY} sessions; delay in sessions: median {median(delays):g}, 90 %"
        f" {np.quantile(delays, 0.9):g}, longest {max(delays)}."
    )


def _cells(years: list[int], counts: dict[int, tuple[int, int]]) -> str:
    sessions, alarms = (sum(counts[year][position] for year in years) for position in (0, 1))
    return f"{', '.join(map(str, years)) or '-'} | {sessions} | {alarms}"


def quiet_years(history: Rows) -> set[int]:
    returns = history.x[:, 0]
    years = np.array([day.year for day in history.sessions])
    found = set()
    for year in sorted(set(years)):
        first = int(np.argmax(years == year))
        if first < _TRAINED_ON:
            continue
        before = [returns[end - _YEAR : end].std() for end in range(_YEAR, first + 1, 21)]
        if returns[years == year].std() <= np.quantile(before, _QUIET):
            found.add(int(year))
    return found


def by_year(history: Rows, settings: MonitoringSettings) -> dict[int, tuple[int, int]]:
    """Sessions watched and alarms, by year."""
    sessions: Counter[int] = Counter()
    alarms: Counter[int] = Counter()
    for begin in range(_TRAINED_ON, len(history.x), _RETRAINED_EVERY):
        before = False
        for day, alarm in watched(history, begin, settings):
            sessions[day.year] += 1
            alarms[day.year] += alarm and not before
            before = alarm
    return {year: (sessions[year], alarms[year]) for year in sorted(sessions)}


def watched(history: Rows, trained: int, settings: MonitoringSettings) -> Iterator[tuple[date, bool]]:
    """Each session after the first ``trained`` rows until the next training, and whether it is an alarm."""
    reference = DriftReference.of((*RETURN_COLUMNS, *COLUMNS), history.x[:trained], settings.window)
    rows_back = settings.window + settings.persistence_of - 1
    for row in range(trained, min(trained + _RETRAINED_EVERY, len(history.x))):
        found = watch_drift(
            reference,
            history.x[max(0, row + 1 - rows_back) : row + 1],
            _FAMILIES,
            settings.false_discovery_rate,
            settings.persistence,
            settings.persistence_of,
        )
        yield history.sessions[row], found is not None and found.persistent


def injected(settings: MonitoringSettings, factor: float) -> tuple[list[int], int]:
    """Delays in sessions after breaks in quiet years, and how many were not found before the next training."""
    delays: list[int] = []
    missed = 0
    for ticker in TICKERS:
        clean = prices(ticker)
        plain = rows(clean)
        quiet = quiet_years(plain)
        starts: dict[int, int] = defaultdict(int)
        for row, day in enumerate(plain.sessions[:-_RETRAINED_EVERY]):
            if day.year in quiet and not starts[day.year]:
                starts[day.year] = row
        for row in starts.values():
            broken = rows(louder(clean, plain.sessions[row], factor))
            found = [number for number, (_, alarm) in enumerate(watched(broken, row, settings), 1) if alarm]
            delays, missed = ([*delays, found[0]], missed) if found else (delays, missed + 1)
    return delays, missed


if __name__ == "__main__":
    main()
