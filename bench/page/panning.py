"""How long scripts hold up each frame while a chart is dragged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
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
    frames: int
    """In which scripts ran at all."""

    def __str__(self) -> str:
        return f"p50 {self.p50_ms:.1f}, p95 {self.p95_ms:.1f}, worst {self.worst_ms:.1f} ms over {self.frames} frames"


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
    p50, p95 = np.percentile(times, [50, 95])
    return Panning(float(p50), float(p95), max(times), len(times))


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


def scripting_by_frame(events: Sequence[dict[str, Any]]) -> list[float]:
    """Milliseconds of scripting between the beginnings of two frames, of each pair that has any.

    Raises:
        ValueError: the trace has no frames.
    """
    frames = sorted((event for event in events if event["name"] == "BeginMainThreadFrame"), key=lambda item: item["ts"])
    if not frames:
        raise ValueError("expected a trace with BeginMainThreadFrame events, got none")
    # The page's own process and main thread: the one with the most frames.
    threads = [(event["pid"], event["tid"]) for event in frames]
    thread = max(set(threads), key=threads.count)
    starts = [event["ts"] for event in frames if (event["pid"], event["tid"]) == thread]
    spans = merged(
        (event["ts"], event["ts"] + event["dur"])
        for event in events
        if event["name"] in _SCRIPTING and "dur" in event and (event["pid"], event["tid"]) == thread
    )
    edges = np.array([*starts, np.inf])
    totals = np.zeros(len(starts))
    for begin, end in spans:
        frame = int(np.searchsorted(edges, begin, side="right")) - 1
        if frame >= 0:
            totals[frame] += (end - begin) / 1000
    return [float(total) for total in totals if total > 0]


def merged(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans without overlaps: a function that is called inside another one counts once."""
    found: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found
