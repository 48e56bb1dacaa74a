from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from redis.exceptions import ConnectionError as RedisDownError
from stock_kit.access import Role
from stock_kit.service_settings import AccessSettings
from stock_kit.tokens import AccessTokens
from stock_mlops.errors import InvalidRequestError, TooManyRequestsError, UnauthenticatedError
from stock_mlops.services.accounts import AccountDesk, FirstStart, SessionDesk, create_administrator
from stock_mlops.services.passwords import check_password, hash_password, is_outdated, verify_password
from stock_mlops.stores.access_twins import MemoryAccounts, MemoryRefreshTokens
from stock_mlops.stores.throttles import MemoryLoginThrottle

PASSWORD = "correct horse battery"


class DownThrottle:
    def attempt(self, account: str, address: str) -> float:
        raise RedisDownError("refused")

    def succeeded(self, account: str, address: str) -> None:
        raise RedisDownError("refused")


def test_a_password_is_known_by_its_hash_alone() -> None:
    known = hash_password(PASSWORD)
    assert PASSWORD not in known
    assert known.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert verify_password(known, PASSWORD)
    assert not verify_password(known, PASSWORD + " ")
    assert hash_password(PASSWORD) != known


@pytest.mark.parametrize("known", [None, "", "plain text", "$argon2id$broken"])
def test_what_is_no_hash_lets_nobody_in(known: str | None) -> None:
    assert not verify_password(known, PASSWORD)


def test_a_hash_with_weaker_parameters_is_outdated() -> None:
    weak = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$K9bJ4v1mFkGnZ7tVQk0b8A"
    assert is_outdated(weak)
    assert not is_outdated(hash_password(PASSWORD))


@pytest.mark.parametrize("password", ["", "ninechars", "x" * 257, "I am Olga, hello"])
def test_a_weak_password_is_refused_without_being_repeated(password: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        check_password(password, "olga")
    assert not password or password not in refused.value.detail


def test_the_first_start_makes_an_operator_and_shows_a_made_up_password_once() -> None:
    accounts = MemoryAccounts()
    shown: list[str] = []
    assert create_administrator(accounts, "root", "", shown.append)
    assert not create_administrator(accounts, "root", "", shown.append)
    (message,) = shown
    (account,) = accounts.all()
    password = message.split("password '")[1].split("'")[0]
    assert (account.name, account.role) == ("root", Role.OPERATOR)
    assert verify_password(account.password_hash, password)


def test_a_given_password_is_not_shown() -> None:
    accounts = MemoryAccounts()
    shown: list[str] = []
    create_administrator(accounts, "admin", PASSWORD, shown.append)
    assert shown == []
    assert verify_password(accounts.all()[0].password_hash, PASSWORD)


def test_the_first_start_waits_for_its_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stock_mlops.services.accounts._RETRY_SECONDS", 0.001)
    tries: list[int] = []
    done = threading.Event()

    def work() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionError("not yet")
        done.set()

    first = FirstStart(work)
    first.start()
    assert done.wait(10)
    first.close()
    assert len(tries) == 3


def test_without_redis_a_process_throttles_log_ins_by_itself() -> None:
    accounts = MemoryAccounts()
    AccountDesk(accounts).create("ann", PASSWORD, Role.VIEWER)
    settings = AccessSettings(login_attempts=2)
    tokens = AccessTokens("k" * 40, timedelta(minutes=1))
    desk = SessionDesk(accounts, MemoryRefreshTokens(), tokens, DownThrottle(), settings)
    assert desk.login("ann", PASSWORD, "1.1.1.1").account.name == "ann"
    for _ in range(2):
        with pytest.raises(UnauthenticatedError):
            desk.login("ann", "a guess", "1.1.1.1")
    with pytest.raises(TooManyRequestsError):
        desk.login("ann", PASSWORD, "1.1.1.1")


def test_an_outdated_hash_is_replaced_at_the_next_log_in() -> None:
    accounts = MemoryAccounts()
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    account = accounts.create("ann", weak, Role.VIEWER)
    settings = AccessSettings()
    throttle = MemoryLoginThrottle(settings.login_attempts, settings.login_window)
    tokens = AccessTokens("k" * 40, timedelta(minutes=1))
    SessionDesk(accounts, MemoryRefreshTokens(), tokens, throttle, settings).login("ann", PASSWORD, "1.1.1.1")
    assert not is_outdated(accounts.rows[account.id].password_hash)


def test_an_address_may_fail_three_times_as_often_as_an_account() -> None:
    throttle = MemoryLoginThrottle(2, timedelta(minutes=5))
    assert [throttle.attempt(f"account{number}", "1.1.1.1") > 0 for number in range(7)] == [False] * 6 + [True]
    assert throttle.attempt("account0", "2.2.2.2") == 0


def test_failures_count_for_the_window_only(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("stock_mlops.stores.throttles.time.monotonic", lambda: now[0])
    throttle = MemoryLoginThrottle(1, timedelta(seconds=60))
    assert throttle.attempt("ann", "1.1.1.1") == 0
    now[0] = 20
    assert throttle.attempt("ANN", "2.2.2.2") == 40
    now[0] = 61
    assert throttle.attempt("ann", "1.1.1.1") == 0
