from __future__ import annotations

import pytest
from redis.exceptions import ConnectionError as RedisDownError
from stock_kit.access import Scope
from stock_kit.service_settings import AccessSettings
from stock_mlops.services.guard import CallLimiter
from stock_mlops.stores.access_twins import MemoryCallBudget

pytestmark = pytest.mark.anyio


class CountingBudget(MemoryCallBudget):
    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    async def take(self, caller: str, per_minute: int, wanted: int) -> tuple[int, float]:
        self.asked += 1
        return await super().take(caller, per_minute, wanted)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("stock_mlops.services.guard.time.monotonic", lambda: now[0])
    return now


async def test_redis_is_asked_once_for_a_hundredth_of_a_minutes_calls() -> None:
    budget = CountingBudget()
    limiter = CallLimiter(budget, AccessSettings(predictions_per_minute=10_000))
    assert {await limiter.spend("ann", Scope.PREDICT) for _ in range(1000)} == {0.0}
    assert budget.asked == 10


async def test_what_was_refused_is_refused_until_its_time_without_asking_again(clock: list[float]) -> None:
    budget = CountingBudget()
    limiter = CallLimiter(budget, AccessSettings(reads_per_minute=60))
    for _ in range(60):
        assert await limiter.spend("ann", Scope.READ) == 0
    assert await limiter.spend("ann", Scope.READ) == 1.0
    asked = budget.asked
    clock[0] += 0.4
    assert await limiter.spend("ann", Scope.READ) == pytest.approx(0.6)
    assert budget.asked == asked
    assert await limiter.spend("bob", Scope.READ) == 0
    assert await limiter.spend("ann", Scope.WRITE) == 0


async def test_redis_is_left_alone_for_a_second_after_it_did_not_answer(clock: list[float]) -> None:
    budget = CountingBudget()
    budget.error = RedisDownError("refused")
    limiter = CallLimiter(budget, AccessSettings())
    assert [await limiter.spend("ann", Scope.READ) for _ in range(50)] == [0.0] * 50
    assert budget.asked == 1
    clock[0] += 1.1
    budget.error = None
    await limiter.spend("ann", Scope.READ)
    assert budget.asked == 2
