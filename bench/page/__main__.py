"""``python -m bench.page``: the dashboard in Chromium, over a demo of its own: first load, paint, shifts, and a chart
of 5,000 sessions that is panned."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from bench.etl.synthetic import write_file
from bench.page.loading import first_load, paint
from bench.page.panning import pan
from tests.e2e.demo import cli, demo_environment, running_browser, running_demo
from tests.e2e.pages import all_pages

_SESSIONS = 5_000
_WIDTHS = (1440, 390)
_MOST_KB = 250.0
_MOST_LCP_MS = 1_500.0
_MOST_SHIFT = 0.1
_MOST_SCRIPT_MS = 20.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=__doc__)
    parser.add_argument("--url", help="of a stack that runs already; without panning")
    options = parser.parse_args()
    with running_browser() as browser:
        if options.url:
            return 0 if measure_loading(browser, options.url) else 1
        with tempfile.TemporaryDirectory(prefix="bench-page-") as name:
            folder = Path(name)
            env = demo_environment(folder, seconds_per_session=3)
            with running_demo(env, folder) as url:
                ticker = load_long_history(env, folder)
                met = measure_loading(browser, url)
                return 0 if measure_panning(browser, url, ticker) and met else 1


def load_long_history(env: dict[str, str], folder: Path) -> str:
    """Load a ticker of 5,000 sessions by file; its name."""
    file = folder / "long.parquet"
    write_file(file, tickers=1, sessions=_SESSIONS)
    done = cli(env, "etl", "--source", "file", str(file), cwd=folder)
    if done.returncode != 0:
        raise RuntimeError(f"the long history was not loaded:\n{done.stdout}{done.stderr}")
    return "S00000"


def measure_loading(browser: Browser, url: str) -> bool:
    load = first_load(browser, url)
    print(f"first load: {load}")
    print(f"\n{'page':<16}{'width':>6}{'paint ms':>10}{'largest ms':>12}{'shift':>8}  what is largest / what shifted")
    met = load.kilobytes <= _MOST_KB
    for width in _WIDTHS:
        for page, path in all_pages(url).items():
            found = paint(browser, url, path, width)
            good = found.largest_ms < _MOST_LCP_MS and found.shift <= _MOST_SHIFT
            met &= good
            print(f"{page:<16}{width:>6}{found}{'' if good else '  MISSED'}", flush=True)
    return met


def measure_panning(browser: Browser, url: str, ticker: str) -> bool:
    met = True
    print(f"\npanning {_SESSIONS:,} sessions: scripting per frame")
    for width in _WIDTHS:
        for shown in ("1y", "5y", "all"):
            found = pan(browser, url, f"/stock/US/{ticker}?range={shown}&indicators=ma,volume", width)
            good = found.p95_ms <= _MOST_SCRIPT_MS
            met &= good
            print(f"{width:>6} {shown:>4}: {found}{'' if good else '  MISSED'}", flush=True)
    return met


if __name__ == "__main__":
    sys.exit(main())
