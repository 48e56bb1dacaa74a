"""Arrays that are used again: fresh memory costs more than what is computed in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Buffers:
    """Hands out arrays of ``length`` values, of memory that it keeps."""

    def __init__(self) -> None:
        self.length = 0
        self._all: list[Array] = []
        self._free: list[Array] = []

    def begin(self, length: int) -> None:
        """Take all arrays back; from now on they have ``length`` values."""
        if self._all and len(self._all[0]) < length:
            self._all.clear()
        self.length = length
        self._free = list(self._all)

    def take(self) -> Array:
        """An array with any values."""
        if not self._free:
            self._all.append(np.empty(max(self.length, len(self._all[0]) if self._all else 0)))
            return self._all[-1][: self.length]
        return self._free.pop()[: self.length]

    def give_back(self, array: Array) -> None:
        """Let ``array``, which ``take`` gave and nobody reads any more, be used again."""
        self._free.append(array if array.base is None else array.base)
