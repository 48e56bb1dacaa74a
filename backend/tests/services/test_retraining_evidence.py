"""What the triggers are told: the newest measurements of the version that serves, as of a session."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from stock_kit.clock import FixedClock
from stock_mlops.instruments import Instrument
from stock_mlops.retraining.policy import Evidence
from stock_mlops.services.retraining_evidence import EvidenceDesk, Market, Moment, validated_rmse
from stock_mlops.stores.catalog import ModelVersion
from stock_mlops.stores.market_clock import MemoryClocks
from stock_mlops.stores.monitoring import Measured

AAPL, IBM = Instrument("US", "AAPL"), Instrument("US", "IBM")
UNTIL, SESSION = date(2012, 3, 30), date(2012, 6, 29)
AT = datetime(2026, 1, 1, tzinfo=UTC)


def champion(rmse: float | None = 0.01) -> ModelVersion:
    horizons = [{"horizon": 2, "rmse": 9.0}, {"horizon": 1, "rmse": rmse}]
    return ModelVersion(
        uuid4(), "stock-US-AAPL", 3, "run", "uri", "champion", "d", "f", 2, {"horizons": horizons}, UNTIL, None, AT
    )  # fmt: skip


def measured(
    monitor: str,
    part: str,
    measure: str,
    value: float,
    threshold: float | None = None,
    *,
    instrument: Instrument = AAPL,
    session: date = SESSION,
    version: str = "3",
) -> Measured:
    return Measured(
        instrument.exchange, instrument.ticker, monitor, part, measure, session, value, threshold, "stock-US-AAPL",
        version, AT,
    )  # fmt: skip


def errors(rmse: float, coverage: float, n: float = 60, **named: object) -> list[Measured]:
    return [
        measured("accuracy", "1", "rmse", rmse, **named),  # type: ignore[arg-type]
        measured("accuracy", "1", "n", n, **named),  # type: ignore[arg-type]
        measured("coverage", "1", "0.9", coverage, 0.9, **named),  # type: ignore[arg-type]
    ]


class Table:
    def __init__(self, rows: Sequence[Measured]) -> None:
        self._rows = rows
        self.reads = 0

    def newest(self, instruments: Collection[Instrument] | None = None) -> list[Measured]:
        self.reads += 1
        return [row for row in self._rows if instruments is None or Instrument(row.exchange, row.ticker) in instruments]


def evidence(*rows: Measured, of: ModelVersion | None = None, members: Sequence[Instrument] = (AAPL,)) -> Evidence:
    return EvidenceDesk(Table(rows)).of(of or champion(), members, Moment(SESSION, SESSION))


def test_numbers_of_the_version_that_serves_become_evidence() -> None:
    found = evidence(*errors(0.015, 0.8), measured("drift", "", "sessions", 4.0))
    assert found.error == pytest.approx(1.5)
    assert found.coverage == pytest.approx(-0.1)
    assert found.drift == 4.0
    assert found.age == found.new_sessions == float(AAPL.sessions.count(UNTIL, SESSION))


def test_prices_that_are_late_make_no_new_sessions_and_the_model_ages_all_the_same() -> None:
    moment = Moment(date(2012, 5, 31), SESSION)
    found = EvidenceDesk(Table([])).of(champion(), [AAPL], moment)
    assert (found.age, found.new_sessions) == (
        float(AAPL.sessions.count(UNTIL, SESSION)),
        float(AAPL.sessions.count(UNTIL, date(2012, 5, 31))),
    )


def test_what_was_measured_of_another_version_or_later_is_no_evidence() -> None:
    later = date(2012, 7, 2)
    unknown = Evidence(age=evidence().age, new_sessions=evidence().new_sessions)
    assert evidence(*errors(0.05, 0.2, version="2"), measured("drift", "", "sessions", 5.0, version="2")) == unknown
    assert evidence(*errors(0.05, 0.2, session=later), measured("drift", "", "sessions", 5.0, session=later)) == unknown


def test_few_settled_forecasts_and_a_version_without_a_validated_error_say_nothing() -> None:
    few = evidence(*errors(0.05, 0.2, n=19))
    assert (few.error, few.coverage) == (None, None)
    assert evidence(*errors(0.05, 0.9), of=champion(None)).error is None
    assert validated_rmse(champion(None)) == 0.0


def test_a_panels_members_count_together() -> None:
    rows = [*errors(0.01, 0.9), *errors(0.03, 0.7, instrument=IBM)]
    drifts = [measured("drift", "", "sessions", 0.0), measured("drift", "", "sessions", 5.0, instrument=IBM)]
    found = evidence(*rows, *drifts, members=(AAPL, IBM))
    assert found.error == pytest.approx((5.0) ** 0.5)
    assert found.coverage == pytest.approx(-0.1)
    assert found.drift == 2.5


def test_a_panels_numbers_are_read_at_once() -> None:
    table = Table(errors(0.01, 0.9))
    EvidenceDesk(table).of(champion(), [AAPL, IBM], Moment(SESSION, SESSION))
    assert table.reads == 1


class Stored:
    """Of each instrument the newest session; remembers what it was asked for."""

    def __init__(self, last: Mapping[Instrument, date]) -> None:
        self.last = last
        self.asked: list[Sequence[Instrument]] = []

    def __call__(self, instruments: Sequence[Instrument]) -> dict[Instrument, date]:
        self.asked.append(instruments)
        return {item: self.last[item] for item in instruments if item in self.last}


def test_the_moment_is_the_newest_session_that_has_closed_and_is_stored_of_all() -> None:
    noon = datetime(2012, 6, 29, 16, tzinfo=UTC)  # before the close in New York
    clocks = MemoryClocks(FixedClock(noon))
    stored = Stored({AAPL: date(2012, 7, 2), IBM: date(2012, 6, 27)})
    market = Market(clocks, lambda: {AAPL: "live", IBM: "live"}, stored)
    assert market.at([AAPL]) == Moment(date(2012, 6, 28), date(2012, 6, 28))
    assert market.at([AAPL, IBM]) == Moment(date(2012, 6, 27), date(2012, 6, 28))
    evening = AAPL.sessions.close_time(SESSION)
    assert market.at([AAPL], evening) == Moment(SESSION, SESSION)
    assert market.at([AAPL, Instrument("US", "MSFT")]) is None
    # Every model asks, every few minutes: nobody may read the whole warehouse for it.
    assert stored.asked[:2] == [[AAPL], [AAPL, IBM]]


def test_a_replayed_instrument_follows_the_replays_clock() -> None:
    clocks = MemoryClocks(FixedClock(AT))
    clocks.start_replay(SESSION, AAPL.sessions.close_time(SESSION), date(2013, 6, 28))
    market = Market(clocks, lambda: {AAPL: "replay"}, Stored({AAPL: date(2012, 7, 3)}))
    assert market.at([AAPL]) == Moment(SESSION, SESSION)
