"""How long scripts hold up each frame while a chart is dragged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page

from tests.e2e.pages import open_page, when_settled

_CATEGORIES = [
    "devtools.timeline",
    "disabled-by-default-devtools.timeline",
    "disabled-by-default-devtools.timeline.frame",
]
# What Chromium's own performance panel counts as scripting.
_SCRIPTING = frozenset(
    ("EvaluateScript", "EventDispatch", "FireAnimationFrame", "FunctionCall", "MajorGC", "MinorGC", "RunMicrotasks",
     "TimerFire", "V8.GCFinalizeMC", "v8.compile")
)  # fmt: skip
_DRAGS = 4
_STEPS = 60


@dataclass(frozen=True, slots=True)
class Panning:
    p50_ms: float
    p95_ms: float
    worst_ms: float
    cpu_p95_ms: float
    """The same without what the thread waited for its turn, on a machine that others use as well."""
    frames: int
    """In which scripts ran at all."""

    def __str__(self) -> str:
        return (
            f"p50 {self.p50_ms:.1f}, p95 {self.p95_ms:.1f}, worst {self.worst_ms:.1f} ms; p95 of its CPU time"
            f" {self.cpu_p95_ms:.1f} ms; {self.frames} frames"
        )


def pan(browser: Browser, url: str, path: str, width: int) -> Panning:
    with open_page(browser, url, width=width) as page:
        page.goto(path)
        chart = page.get_by_test_id("price-chart")
        chart.locator("canvas").first.wait_for()
        when_settled(page)
        chart.scroll_into_view_if_needed()
        page.wait_for_timeout(2_000)
        browser.start_tracing(page=page, categories=_CATEGORIES)
        _drag(page, chart.bounding_box())
        trace = json.loads(browser.stop_tracing())
    times = scripting_by_frame(trace["traceEvents"])
    p50, p95 = np.percentile(times[:, 0], [50, 95])
    return Panning(float(p50), float(p95), float(times[:, 0].max()), float(np.percentile(times[:, 1], 95)), len(times))


def _drag(page: Page, box: Any) -> None:
    """To and fro, with a step for every frame."""
    middle = box["y"] + box["height"] * 0.4
    left, right = box["x"] + box["width"] * 0.15, box["x"] + box["width"] * 0.75
    for drag in range(_DRAGS):
        start, end = (left, right) if drag % 2 == 0 else (right, left)
        page.mouse.move(start, middle)
        page.mouse.down()
        for step in range(_STEPS):
            page.mouse.move(start + (end - start) * step / _STEPS, middle)
            page.wait_for_timeout(8)
        page.mouse.up()


def scripting_by_frame(events: Sequence[dict[str, Any]]) -> np.ndarray:
    """Milliseconds of scripting between the beginnings of two frames, of each pair that has any: (frames, 2), by the
    wall's clock and by the thread's.

    Raises:
        ValueError: the trace has no frames.
    """
    frames = sorted((event for event in events if event["name"] == "BeginMainThreadFrame"), key=lambda item: item["ts"])
    if not frames:
        raise ValueError("expected a trace with BeginMainThreadFrame events, got none")
    # The page's own process and main thread: the one with the most frames.
    threads = [(event["pid"], event["tid"]) for event in frames]
    thread = max(set(threads), key=threads.count)
    starts = np.array([event["ts"] for event in frames if (event["pid"], event["tid"]) == thread])
    totals = np.zeros((len(starts), 2))
    end = 0.0
    for event in sorted(events, key=lambda item: item.get("ts", 0)):
        # A function that is called inside of another one counts once.
        if event["name"] not in _SCRIPTING or "dur" not in event or event["ts"] < end:
            continue
        if (event["pid"], event["tid"]) == thread:
            end = event["ts"] + event["dur"]
            frame = int(np.searchsorted(starts, event["ts"], side="right")) - 1
            if frame >= 0:
                totals[frame] += event["dur"] / 1000, event.get("tdur", event["dur"]) / 1000
    return totals[totals[:, 0] > 0]
