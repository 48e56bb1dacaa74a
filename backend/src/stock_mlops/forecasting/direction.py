"""From a classifier's output to a probability that can be believed, and to the return it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from stock_mlops.forecasting.estimators.base import Floats, logistic

# A probability outside is more than daily prices can tell; it also keeps logarithms finite.
_RAREST = 1e-4


@dataclass(frozen=True, slots=True)
class DirectionReadout:
    """How one horizon's raw probability of a rise is read.

    Calibrated by Platt's sigmoid (1999) on forecasts for rows that were not trained on. The expected return is made of
    the mean returns of rises and of falls: ``p * mean_rise + (1 - p) * mean_fall``.
    """

    slope: float
    intercept: float
    mean_rise: float
    mean_fall: float
    """Of all returns that are no rises; below or equal to zero."""

    def probability(self, raw: Floats) -> Floats:
        """Calibrated probabilities (n,) of raw ones (n,)."""
        return np.clip(logistic(self.slope * _logit(raw) + self.intercept), _RAREST, 1.0 - _RAREST)

    def expected_return(self, probability: Floats) -> Floats:
        return probability * self.mean_rise + (1.0 - probability) * self.mean_fall


def fit_readout(raw: Floats, y_held_out: Floats, y_train: Floats) -> DirectionReadout:
    """From raw probabilities and returns of rows that were held out (n,), both empty when there were none, and the
    returns that were trained on."""
    slope, intercept = _platt(raw, y_held_out > 0) if len(raw) else (1.0, 0.0)
    rose = y_train > 0
    return DirectionReadout(slope, intercept, _mean(y_train[rose]), _mean(y_train[~rose]))


def base_rate_readout(y_train: Floats) -> DirectionReadout:
    """Before anything was held out to calibrate on: the share of rises that was trained on, whatever the classifier
    says. Its own probabilities may be far too sure, and none like them is ever served."""
    readout = fit_readout(np.empty(0), np.empty(0), y_train)
    rises = np.array((y_train > 0).mean())
    return replace(readout, slope=0.0, intercept=float(_logit(rises)))


def save_readouts(readouts: Sequence[DirectionReadout], file: Path) -> None:
    np.savez(file, readouts=np.array([[r.slope, r.intercept, r.mean_rise, r.mean_fall] for r in readouts]))


def load_readouts(file: Path) -> list[DirectionReadout]:
    with np.load(file, allow_pickle=False) as arrays:
        return [DirectionReadout(*row) for row in arrays["readouts"].tolist()]


def _platt(raw: Floats, rose: np.typing.NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and intercept of the sigmoid by maximum likelihood, with Platt's targets, which keep it off 0 and 1.

    A slope below zero would turn the classifier around on the word of noise; then it says nothing, and the base rate
    is what is left.
    """
    from scipy.optimize import minimize

    score = _logit(raw)
    rises, falls = int(rose.sum()), int((~rose).sum())
    target = np.where(rose, (rises + 1) / (rises + 2), 1 / (falls + 2))

    def loss(values: Floats) -> tuple[float, Floats]:
        logit = values[0] * score + values[1]
        residual = logistic(logit) - target
        return float(np.sum(np.logaddexp(0.0, logit) - target * logit)), np.array([residual @ score, residual.sum()])

    base_rate = float(np.log((rises + 1) / (falls + 1)))
    found = minimize(loss, np.array([0.5, base_rate]), jac=True, method="L-BFGS-B", bounds=((0.0, None), (None, None)))
    return float(found.x[0]), float(found.x[1])


def _logit(probability: Floats) -> Floats:
    kept = np.clip(probability, _RAREST, 1.0 - _RAREST)
    odds: Floats = np.log(kept / (1.0 - kept))
    return odds


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0
