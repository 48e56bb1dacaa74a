from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from stock_mlops.instruments import Instrument, sessions_of
from stock_mlops.services.replay import Replay, StepOutcome
from stock_mlops.stores.market_clock import MemoryClocks, ReplayState

AAPL, IBM = Instrument("US", "AAPL"), Instrument("US", "IBM")
SESSIONS = sessions_of("US")
FRIDAY, MONDAY, TUESDAY = date(2012, 6, 29), date(2012, 7, 2), date(2012, 7, 3)


class World:
    """What a replay acts on: notes what was asked of it, fails where told to."""

    def __init__(self) -> None:
        self.clocks = MemoryClocks()
        self.tickers = 5
        self.loaded_at: list[datetime] = []
        self.asked: list[Instrument] = []
        self.ingest_error: Exception | None = None
        self.failing: set[Instrument] = set()

    def start(self, session: date = FRIDAY, ends_at: date = TUESDAY) -> None:
        self.clocks.start_replay(session, SESSIONS.close_time(session), ends_at)

    def ingest(self) -> int:
        if self.ingest_error is not None:
            raise self.ingest_error
        if self.tickers:
            self.loaded_at.append(self.clocks.clock("replay").now())
        return self.tickers

    def predict(self, instrument: Instrument) -> None:
        if instrument in self.failing:
            raise ConnectionError("backend2 is down")
        self.asked.append(instrument)

    def replay(self) -> Replay:
        return Replay(self.clocks, SESSIONS, ingest=self.ingest, instruments=lambda: [AAPL, IBM], predict=self.predict)

    @property
    def session(self) -> date:
        state = self.clocks.replay()
        assert state is not None
        return state.session


@pytest.fixture
def world() -> World:
    return World()


def test_nothing_happens_before_the_sample_is_loaded(world: World) -> None:
    assert world.replay().step() is StepOutcome.IDLE
    assert world.loaded_at == []


def test_the_clock_stands_while_no_instrument_is_replayed(world: World) -> None:
    world.start()
    world.tickers = 0
    replay = world.replay()
    assert [replay.step(), replay.step()] == ["idle", "idle"]
    assert world.session == FRIDAY


def test_the_first_step_finishes_the_session_at_which_the_replay_stands(world: World) -> None:
    world.start()
    assert world.replay().step() is StepOutcome.RELEASED
    assert world.session == FRIDAY
    assert world.asked == [AAPL, IBM]


def test_each_step_releases_the_next_session_shortly_after_its_close(world: World) -> None:
    world.start()
    replay = world.replay()
    replay.step()
    assert replay.step() is StepOutcome.RELEASED
    assert world.session == MONDAY
    assert world.loaded_at[-1] == datetime(2012, 7, 2, 20, 1, tzinfo=UTC)
    # The eve of Independence Day closes early, at 13:00 in New York.
    replay.step()
    assert world.loaded_at[-1] == datetime(2012, 7, 3, 17, 1, tzinfo=UTC)


def test_the_replay_stops_at_the_end_of_the_sample(world: World) -> None:
    world.start(MONDAY, ends_at=TUESDAY)
    replay = world.replay()
    assert [replay.step() for _ in range(4)] == ["released", "released", "ended", "ended"]
    assert world.session == TUESDAY
    assert len(world.loaded_at) == 2


def test_the_clock_waits_for_a_session_that_could_not_be_loaded(world: World) -> None:
    world.start()
    replay = world.replay()
    replay.step()
    world.ingest_error = ConnectionError("ClickHouse is down")
    assert [replay.step(), replay.step()] == ["failed", "failed"]
    assert world.session == MONDAY
    world.ingest_error = None
    assert replay.step() is StepOutcome.RELEASED
    assert world.session == MONDAY


def test_a_session_left_unloaded_by_a_crash_is_loaded_by_the_next_process(world: World) -> None:
    world.start()
    world.ingest_error = SystemError("killed between the clock and the load")
    world.replay().step()
    world.ingest_error = None
    assert world.replay().step() is StepOutcome.RELEASED
    assert world.loaded_at == [SESSIONS.close_time(FRIDAY)]


def test_a_forecast_that_fails_stops_neither_the_others_nor_the_clock(world: World) -> None:
    world.start()
    world.failing = {AAPL}
    replay = world.replay()
    assert replay.step() is StepOutcome.RELEASED
    assert world.asked == [IBM]
    assert replay.step() is StepOutcome.RELEASED
    assert world.session == MONDAY


def test_of_two_processes_at_the_same_session_one_moves_the_clock(world: World) -> None:
    world.start()
    seen = world.clocks.replay()
    assert seen is not None
    assert world.clocks.advance(seen, MONDAY, SESSIONS.close_time(MONDAY)) is not None
    assert world.clocks.advance(seen, MONDAY, SESSIONS.close_time(MONDAY)) is None


class OvertakenClocks(MemoryClocks):
    """Another process always is a moment quicker."""

    def advance(self, seen: ReplayState, session: date, market_now: datetime) -> ReplayState | None:
        super().advance(seen, session, market_now)
        return super().advance(seen, session, market_now)


def test_a_replay_gives_way_when_another_process_moves_the_clock(world: World) -> None:
    world.clocks = OvertakenClocks()
    world.start()
    replay = world.replay()
    replay.step()
    assert replay.step() is StepOutcome.LOST
    assert len(world.loaded_at) == 1
