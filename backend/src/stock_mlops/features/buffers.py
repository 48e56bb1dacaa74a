"""Arrays that are used again: fresh memory takes longer to get than most of what is computed in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Arrays that are allocated together: large blocks come in large pages, which cost less.
_TOGETHER = 16


class Buffers:
    """Hands out arrays of equal length, of memory that it keeps."""

    def __init__(self) -> None:
        self.length = 0
        self._capacity = 0
        self._all: list[Array] = []
        self._free: list[Array] = []

    def begin(self, length: int) -> None:
        """Take all arrays back; from now on they have ``length`` values."""
        if length > self._capacity:
            self._capacity = length
            self._all = []
        self.length = length
        self._free = [array[:length] for array in self._all]

    def take(self) -> Array:
        """An array with any values."""
        if not self._free:
            more = list(np.empty((_TOGETHER, self._capacity)))
            self._all += more
            self._free = [array[: self.length] for array in more]
        return self._free.pop()

    def give_back(self, array: Array) -> None:
        """Let ``array``, which ``take`` gave and nobody reads any more, be used again."""
        self._free.append(array)


def kept_ready(length: int) -> Array:
    """An array to give away, with any values, in Arrow's memory: Arrow keeps what it gets back, NumPy returns it."""
    import pyarrow as pa

    return np.frombuffer(pa.allocate_buffer(8 * length), dtype=np.float64) if length else np.empty(0)
