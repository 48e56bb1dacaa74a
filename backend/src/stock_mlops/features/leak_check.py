"""Whether features know the future: each is computed again from a history that was cut, changed or begun later.

Three properties, tested on real prices. Truncation: rows before the cut keep their values, to the last bit, when what
comes later is taken away. Perturbation: they keep them when what comes later is changed. Warm-up: a history that begins
later gives the same values after the feature's lookback, within a tolerance (a recursive average never quite forgets).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from stock_mlops.features.compute import KEYS, Plan, evaluate
from stock_mlops.features.registry import Feature

TOLERANCE = 1e-9
"""Of the warm-up: relative to a stationary feature's largest value (1 at least), to a level's largest input."""

# The first rows, where windows fill, and then through the history. What is filled in backwards shows at the first ones.
_EARLY_CUTS = (1, 2, 3, 5, 8, 13, 21, 34, 55)
_SHARES = (0.05, 0.3, 0.6, 0.95)
_STARTS = (0.05, 0.2, 0.5)


@dataclass(slots=True)
class Verdict:
    """What the tests found of one feature. Each number is the largest change that was seen of a value that should not
    have changed; infinite when a value appeared or disappeared."""

    feature: str
    group: str
    lookback: int
    truncation: float = 0.0
    perturbation: float = 0.0
    warm_up: float = 0.0
    """Relative, as ``TOLERANCE`` says."""
    past_values: int = 0
    """Values compared after truncation and perturbation."""
    warm_values: int = 0
    """Values compared after a later start: none where the history is not longer than the lookback."""

    @property
    def problems(self) -> list[str]:
        found = []
        if self.truncation:
            found.append(f"past values change by up to {self.truncation:.3g} when the future is cut off")
        if self.perturbation:
            found.append(f"past values change by up to {self.perturbation:.3g} when the future is changed")
        if self.warm_up > TOLERANCE:
            found.append(f"{self.lookback} sessions of lookback are too few: a later start shows by {self.warm_up:.3g}")
        return found

    @property
    def untested(self) -> list[str]:
        """Tests that had nothing to compare."""
        counts = {"truncation and perturbation": self.past_values, "warm-up": self.warm_values}
        return [test for test, count in counts.items() if count == 0]


def check_leaks(clean: pl.DataFrame, features: Sequence[Feature], *, seed: int = 0) -> list[Verdict]:
    """Test ``features`` on every ticker of ``clean``.

    Args:
        clean: adjusted prices of one or many tickers (columns of ``prices.schema.CLEAN_SCHEMA``), in any order.
        seed: of the changes that the perturbation makes.

    Returns:
        a verdict for each feature, in their order.
    """
    verdicts = [Verdict(feature.name, feature.group, feature.lookback) for feature in features]
    plan = Plan(features)
    for frame in clean.sort(KEYS).partition_by("exchange", "ticker", maintain_order=True):
        whole = evaluate(frame, plan)
        for cut in _cuts(len(frame)):
            truncated = evaluate(frame.head(cut), plan)
            for verdict in verdicts:
                known = whole[verdict.feature].head(cut)
                verdict.past_values += known.count()
                verdict.truncation = max(verdict.truncation, _change(truncated[verdict.feature], known))
        for cut in _parts(len(frame), _SHARES):
            perturbed = evaluate(_perturb(frame, cut, seed), plan)
            for verdict in verdicts:
                name = verdict.feature
                change = _change(perturbed[name].head(cut), whole[name].head(cut))
                verdict.perturbation = max(verdict.perturbation, change)
        scales = [_scale(feature, frame, whole) for feature in features]
        for start in _parts(len(frame), _STARTS):
            later = evaluate(frame.slice(start), plan)
            for verdict, scale in zip(verdicts, scales, strict=True):
                known = whole[verdict.feature].slice(start + verdict.lookback)
                verdict.warm_values += known.count()
                change = _change(later[verdict.feature].slice(verdict.lookback), known)
                verdict.warm_up = max(verdict.warm_up, change / scale)
    return verdicts


def _cuts(rows: int) -> list[int]:
    early = [cut for cut in _EARLY_CUTS if cut < rows]
    return early + [cut for cut in _parts(rows, _SHARES) if cut > _EARLY_CUTS[-1]]


def _parts(rows: int, shares: tuple[float, ...]) -> list[int]:
    return [part for share in shares if (part := int(rows * share)) > 0]


def _perturb(frame: pl.DataFrame, cut: int, seed: int) -> pl.DataFrame:
    """Other prices and volumes from row ``cut`` on, which could be true: high and low enclose open and close."""
    rng = np.random.default_rng(seed + cut)
    past, future = frame.head(cut), frame.slice(cut)
    factors = {name: pl.Series(name, np.exp(rng.normal(0.5, 1.0, len(future)))) for name in ("open", "close", "volume")}
    changed = future.with_columns(pl.col(name) * factor for name, factor in factors.items())
    stretch = pl.Series("stretch", 1 + rng.random(len(future)))
    return pl.concat(
        [
            past,
            changed.with_columns(
                high=pl.max_horizontal("open", "close") * stretch, low=pl.min_horizontal("open", "close") / stretch
            ),
        ]
    )


def _change(values: pl.Series, known: pl.Series) -> float:
    """The largest difference; infinite where only one of the two has a value."""
    if not values.is_null().equals(known.is_null()):
        return math.inf
    largest = (values - known).abs().max()
    return float(largest) if isinstance(largest, float) else 0.0


def _scale(feature: Feature, frame: pl.DataFrame, whole: pl.DataFrame) -> float:
    """What a rounding error is small against."""
    columns = [whole[feature.name]] if feature.stationary else [frame[name] for name in feature.inputs]
    values = [value for column in columns for value in (column.min(), column.max()) if isinstance(value, float)]
    largest = max(map(abs, values), default=1.0)
    return max(1.0, largest) if feature.stationary else largest
