"""The interpreter of a process that answers requests: its garbage collector, and how its threads take turns."""

from __future__ import annotations

import gc
import sys

# A request makes about a thousand objects, so the default of 700 would collect during each one. What it leaves in
# cycles is small, and is freed some tens of requests later.
_YOUNG = 20_000
# A thread that computes keeps the interpreter for so long before another gets it; by default 5 ms. An answer gives it
# away at each of its system calls, so that beside a busy thread it would wait for many such turns.
_TURN_SECONDS = 0.0005


def tune_for_requests() -> None:
    """Call once a service has started: modules, routes and schemas, a million objects, are never looked at again."""
    gc.collect()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
    gc.freeze()
    sys.setswitchinterval(_TURN_SECONDS)


def keep_for_good() -> None:
    """Let the collector forget what was made until now, such as a model that stays in memory. Takes no time."""
    gc.freeze()
