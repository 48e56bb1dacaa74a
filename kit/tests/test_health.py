import threading
import time

from stock_kit.health import Readiness


def test_every_failing_check_is_reported_with_its_reason() -> None:
    def refused() -> None:
        raise ConnectionError("connection\nrefused")

    report = Readiness({"redis": lambda: None, "postgres": refused}).report()

    assert not report.ok
    assert report.status == 503
    assert report.checks["redis"].ok
    assert report.checks["postgres"].error == "ConnectionError: connection refused"


def test_no_checks_means_ready() -> None:
    assert Readiness({}).report().status == 200


def test_checks_run_at_once() -> None:
    barrier = threading.Barrier(3, timeout=2)
    report = Readiness(dict.fromkeys("abc", barrier.wait)).report()
    assert report.ok


def test_a_hanging_check_fails_within_the_limit_and_is_not_started_twice() -> None:
    release, starts = threading.Event(), []

    def hang() -> None:
        starts.append(1)
        release.wait(10)

    readiness = Readiness({"slow": hang, "fast": lambda: None}, timeout=0.1, cache_seconds=0)
    began = time.monotonic()
    first, second = readiness.report(), readiness.report()
    release.set()

    assert time.monotonic() - began < 2
    assert first.checks["slow"].error == "no answer within 0.1 s"
    assert not second.checks["slow"].ok
    assert second.checks["fast"].ok
    assert len(starts) == 1


def test_a_report_is_remembered_for_a_moment_and_then_made_again() -> None:
    calls: list[int] = []
    readiness = Readiness({"counted": lambda: calls.append(1)}, cache_seconds=0.2)
    readiness.report()
    readiness.report()
    assert len(calls) == 1
    time.sleep(0.25)
    readiness.report()
    assert len(calls) == 2
