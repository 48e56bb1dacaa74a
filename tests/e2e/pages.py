"""The dashboard's pages, and a browser's page to look at them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from playwright.sync_api import Browser, Page, expect

PAGES = {
    "overview": "/",
    "stock": "/stock/US/AAPL?indicators=ma,rsi",
    "predict": "/predict",
    "models": "/models",
    "retrainings": "/models?tab=retraining",
    "new-model": "/models/new",
    "simulations": "/simulations",
    "new-simulation": "/simulations?start=true",
    "datasets": "/datasets",
    "dataset": "/datasets?dataset=US:AAPL",
    "load": "/datasets?load=file",
    "loads": "/datasets?tab=loads",
    "monitoring": "/monitoring",
    "admin": "/admin",
    "admin-keys": "/admin?tab=keys",
    "admin-audit": "/admin?tab=audit",
    "admin-system": "/admin?tab=system",
}
"""Addresses by name that are the same everywhere; what the demo loads and trains is on them."""

_HEIGHTS = {1440: 900, 390: 844}
_PATIENCE = 30_000


def all_pages(url: str) -> dict[str, str]:
    """These, and the pages of a model and of a prediction that are there."""
    model = httpx.get(f"{url}/api/models/", params={"ticker": "AAPL"}).raise_for_status().json()["items"][0]
    newest = httpx.get(f"{url}/api/predict/", params={"ticker": "AAPL", "limit": 1}).raise_for_status().json()["items"]
    return PAGES | {
        "model": f"/models/{model['model_id']}",
        "model-retraining": f"/models/{model['model_id']}?tab=retraining",
        "prediction": f"/predict/{newest[0]['prediction_id']}",
    }


@contextmanager
def open_page(
    browser: Browser, url: str, *, scheme: str = "light", width: int = 1440, language: str = "en", zone: str = "UTC"
) -> Iterator[Page]:
    """A page in one theme (``light``, ``dark``), one language (``en``, ``zh-TW``), as wide as a laptop or a phone."""
    context = browser.new_context(
        base_url=url,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": _HEIGHTS[width]},
        device_scale_factor=1 if width == 1440 else 2,
        timezone_id=zone,
        reduced_motion="reduce",
    )
    context.add_init_script(f"localStorage.setItem('stock-mlops-language', '{language}')")
    try:
        yield context.new_page()
    finally:
        context.close()


def when_settled(page: Page) -> None:
    """Wait until nothing on the page is still to come."""
    page.wait_for_selector("h1")
    expect(page.locator(".mantine-Skeleton-root")).to_have_count(0, timeout=_PATIENCE)
    # Charts draw, and panels slide in.
    page.wait_for_timeout(600)
