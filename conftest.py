"""Imported before any test. Two workspace folders bear the name of the package inside them, and pytest's importlib mode
would take the folder for the package unless the package is there first."""

from __future__ import annotations

import gc

import structlog

import metrics_publisher
import ws_monitor

__all__ = ["metrics_publisher", "ws_monitor"]


def pytest_configure() -> None:
    """Where logging is not set up, a traceback would be drawn with every local variable: a second for each."""
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


def pytest_collection_finish() -> None:
    """What was imported stays to the end: a million objects that no collection need look at again. Those after the last
    test, which find what tests left open, took four seconds of some runs, and those in between a tenth of all."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
