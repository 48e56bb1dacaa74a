import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from stock_mlops import calendars
from stock_mlops.calendars import CalendarData, load_calendar

SMALL = CalendarData(
    days=np.array([0, 1, 4], dtype=np.int32),
    opens=np.array([0, 1440, 5760], dtype=np.int64),
    closes=np.array([60, 1500, 5820], dtype=np.int64),
    timezone="Europe/Berlin",
    every_day=False,
)


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An empty cache, and the names of the calendars computed meanwhile; computing itself takes seconds."""
    names: list[str] = []

    def build(name: str, _last_year: int) -> bytes:
        names.append(name)
        return SMALL.to_bytes()

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(calendars, "_build_in_child", build)
    return names


def cache_file(folder: Path) -> Path:
    [file] = (folder / "stock-mlops" / "calendars").glob("*.npz")
    return file


def test_a_calendar_is_computed_once_and_then_read(builds: list[str]) -> None:
    for _ in range(2):
        loaded = load_calendar("XETR")
        assert np.array_equal(loaded.days, SMALL.days)
        assert np.array_equal(loaded.closes, SMALL.closes)
        assert np.array_equal(loaded.opens, SMALL.opens)
        assert (loaded.timezone, loaded.every_day, loaded.lunch) == ("Europe/Berlin", False, None)
    assert builds == ["XETR"]


def test_processes_that_start_together_compute_it_once(builds: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    quick = calendars._build_in_child

    def slow(name: str, last_year: int) -> bytes:
        time.sleep(0.2)
        return quick(name, last_year)

    monkeypatch.setattr(calendars, "_build_in_child", slow)
    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(load_calendar, ["XETR"] * 4))) == 4
    assert builds == ["XETR"]


@pytest.mark.parametrize("damage", [lambda file: file.write_bytes(b"half a file"), lambda file: file.write_bytes(b"")])
def test_a_broken_cache_is_replaced(builds: list[str], tmp_path: Path, damage: Callable[[Path], object]) -> None:
    load_calendar("XETR")
    damage(cache_file(tmp_path))
    assert np.array_equal(load_calendar("XETR").days, SMALL.days)
    assert np.array_equal(CalendarData.from_bytes(cache_file(tmp_path).read_bytes()).days, SMALL.days)
    assert builds == ["XETR", "XETR"]


def test_a_place_that_cannot_be_written_costs_time_only(
    builds: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way of the folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert np.array_equal(load_calendar("24/7").days, SMALL.days)
    assert builds == ["24/7"]


def test_an_unknown_calendar_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"calendar NOWHERE could not be computed.*InvalidCalendarName"):
        load_calendar("NOWHERE")
