"""How forecasts become positions, and what trading costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Mode = Literal["long_flat", "long_short"]
MODES: tuple[Mode, ...] = ("long_flat", "long_short")

BASIS_POINT = 1e-4
_HIGHEST_BPS = 1000.0


@dataclass(frozen=True, slots=True)
class BacktestSettings:
    mode: Mode = "long_flat"
    """What a forecast of a fall means: to stay out, or to sell short."""
    threshold: float = 0.0
    """A forecast must lie farther than this from ``neutral`` to be acted upon."""
    neutral: float = 0.0
    """The forecast that says nothing: 0 of returns, 0.5 of probabilities of a rise."""
    cost_bps: float = 5.0
    """Commission and half the spread per side, in basis points of what is bought or sold."""
    slippage_bps: float = 0.0
    """How much worse than the open one is filled, in the same unit."""

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode: expected one of {', '.join(MODES)}, got {self.mode!r}")
        if not (math.isfinite(self.threshold) and self.threshold >= 0 and math.isfinite(self.neutral)):
            raise ValueError(
                f"expected a threshold of 0 or more and a finite neutral forecast, got {self.threshold}, {self.neutral}"
            )
        check_bps("cost_bps", self.cost_bps)
        check_bps("slippage_bps", self.slippage_bps)

    @property
    def total_bps(self) -> float:
        return self.cost_bps + self.slippage_bps


def check_bps(name: str, bps: float) -> None:
    """Raise ``ValueError`` for what is no cost."""
    if not 0 <= bps <= _HIGHEST_BPS:
        raise ValueError(f"{name}: expected 0 to {_HIGHEST_BPS:g} basis points, got {bps}")
