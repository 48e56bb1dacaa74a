"""Keeps this process below the rate that a provider tolerates."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pace:
    """Lets requests through at a steady rate, whichever threads they come from."""

    def __init__(
        self,
        per_second: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._seconds = 1 / per_second
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()
        self._free_at = 0.0

    def wait(self, requests: int = 1) -> None:
        """Return when the next ``requests`` may be sent."""
        with self._lock:
            now = self._monotonic()
            start = max(now, self._free_at)
            self._free_at = start + requests * self._seconds
        if start > now:
            self._sleep(start - now)
