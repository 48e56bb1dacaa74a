"""What the browser fetches at first, when it has painted the most of a page, and how far things moved meanwhile."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser

from tests.e2e.pages import open_page, when_settled

# What comes later on its own (a session of the replay, an alert) shifts things as well, or must not.
_WATCHED_MS = 2_500
# Largest contentful paint and layout shifts as web.dev/vitals defines them: shifts within half a second of an input do
# not count, and the worst burst does (gaps under 1 s, 5 s at most).
_OBSERVE = """
window.seen = { largest: [], shifts: [] };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries())
    window.seen.largest.push([entry.startTime, entry.element ? entry.element.outerHTML.slice(0, 90) : entry.url]);
}).observe({ type: 'largest-contentful-paint', buffered: true });
new PerformanceObserver((list) => {
  for (const entry of list.getEntries())
    if (!entry.hadRecentInput)
      window.seen.shifts.push([entry.startTime, entry.value,
        entry.sources.map(({ node }) => node && node.outerHTML ? node.outerHTML.slice(0, 90) : '').join(' | ')]);
}).observe({ type: 'layout-shift', buffered: true });
"""
_FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"


@dataclass(frozen=True, slots=True)
class FirstLoad:
    """Compressed bytes of the overview's files, without headers, on the first visit."""

    scripts: int
    styles: int
    fonts: int
    files: int

    @property
    def kilobytes(self) -> float:
        """Scripts and styles."""
        return (self.scripts + self.styles) / 1000

    def __str__(self) -> str:
        return (
            f"{self.kilobytes:.1f} kB (scripts {self.scripts / 1000:.1f}, styles {self.styles / 1000:.1f}) in"
            f" {self.files} files, and fonts {self.fonts / 1000:.1f} kB"
        )


@dataclass(frozen=True, slots=True)
class Paint:
    """Milliseconds since the page was asked for; ``shift`` is the cumulative layout shift."""

    first_ms: float
    largest_ms: float
    shift: float
    largest: str
    shifted: str

    def __str__(self) -> str:
        cause = f" / {self.shift:.3f} {self.shifted}" if self.shift >= 0.02 else ""
        return f"{self.first_ms:>10.0f}{self.largest_ms:>12.0f}{self.shift:>8.3f}  {self.largest[:60]!r}{cause}"


def first_load(browser: Browser, url: str) -> FirstLoad:
    sizes = {"Script": 0, "Stylesheet": 0, "Font": 0}
    kinds: dict[str, str] = {}

    def on_data(event: dict[str, Any]) -> None:
        kind = kinds.get(event["requestId"], "")
        if kind in sizes:
            sizes[kind] += event["encodedDataLength"]

    with open_page(browser, url) as page:
        network = page.context.new_cdp_session(page)
        network.send("Network.enable")
        network.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
        network.on("Network.dataReceived", on_data)
        page.goto("/")
        when_settled(page)
        page.wait_for_timeout(1_000)
    files = sum(kind in ("Script", "Stylesheet") for kind in kinds.values())
    return FirstLoad(sizes["Script"], sizes["Stylesheet"], sizes["Font"], files)


def paint(browser: Browser, url: str, path: str, width: int) -> Paint:
    """Of a page on the first visit: nothing is in the browser's cache."""
    with open_page(browser, url, width=width) as page:
        page.add_init_script(_OBSERVE)
        page.goto(path)
        when_settled(page)
        page.wait_for_timeout(_WATCHED_MS)
        seen = json.loads(page.evaluate("JSON.stringify(window.seen)"))
        first = float(page.evaluate(_FIRST_PAINT))
    shifts = [(float(at), float(value), str(what)) for at, value, what in seen["shifts"]]
    at, element = seen["largest"][-1]
    worst = max(shifts, key=lambda shift: shift[1], default=(0.0, 0.0, ""))
    return Paint(first, float(at), worst_burst(shifts), str(element), worst[2])


def worst_burst(shifts: list[tuple[float, float, str]]) -> float:
    """The largest sum of shifts less than a second apart, within five seconds; ``shifts`` in the order of time."""
    worst = total = begun = last = 0.0
    for at, value, _ in shifts:
        if total == 0.0 or at - last >= 1_000 or at - begun >= 5_000:
            begun, total = at, 0.0
        total, last = total + value, at
        worst = max(worst, total)
    return worst
