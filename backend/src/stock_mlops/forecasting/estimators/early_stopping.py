"""Where boosting stops: the number of trees that did best on the newest rows of the training window."""

from __future__ import annotations

from collections.abc import Sequence

from stock_mlops.forecasting.estimators.base import Positions, newest_held_out

# The share of the sessions that is held out: enough for a mean loss to tell, few enough to leave a fit's worth.
HELD_OUT = 0.2
# Fewer rows on either side tell nothing.
_FEWEST_ROWS = 20


def held_out(t: Positions, horizon: int) -> tuple[Positions, Positions] | None:
    """Rows to fit on and to stop by; None when they are too few, so that nothing can be validated."""
    fitted, validated = newest_held_out(t, horizon, HELD_OUT)
    return (fitted, validated) if min(len(fitted), len(validated)) >= _FEWEST_ROWS else None


def best_iteration(validation_loss: Sequence[float]) -> int:
    """Iterations (1 or more) after which the loss was lowest."""
    return 1 + min(range(len(validation_loss)), key=validation_loss.__getitem__)
