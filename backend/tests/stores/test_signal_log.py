from __future__ import annotations

from datetime import UTC, datetime, timedelta

from stock_mlops.stores.signal_log import Heard

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOON + timedelta(seconds=5)


def test_a_moment_counts_once_all_that_was_said_until_then_is_read() -> None:
    heard: Heard[str] = Heard()
    heard.ends(NOON, {"a": 10, "b": 3})
    heard.read({"a": 10, "b": 2}.__getitem__)
    assert heard.until is None
    heard.read({"a": 10, "b": 3}.__getitem__)
    assert heard.until == NOON


def test_a_reader_that_is_always_a_little_behind_is_not_behind_for_ever() -> None:
    heard: Heard[str] = Heard()
    known = []
    for second in range(20):
        at = NOON + timedelta(seconds=second)
        heard.ends(at, {"a": 100 * second})
        heard.read({"a": 100 * (second - 3)}.__getitem__)
        known.append(heard.until)
    assert known[-1] is not None
    assert known[-1] >= NOON + timedelta(seconds=12)


def test_a_log_that_began_anew_is_read_to_its_new_end() -> None:
    heard: Heard[str] = Heard()
    heard.ends(NOON, {"a": 1000})
    heard.restart()
    heard.ends(LATER, {"a": 2})
    heard.read({"a": 2}.__getitem__)
    assert heard.until == LATER
