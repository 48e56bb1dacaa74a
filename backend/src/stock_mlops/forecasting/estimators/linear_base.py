"""What linear models share: standardised features, and a penalty that is given or chosen inside the training window."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from stock_mlops.forecasting.estimators.base import (
    Estimator,
    Floats,
    LinearForm,
    Positions,
    location_and_scale,
    logistic,
)
from stock_mlops.forecasting.estimators.inner_validation import most_restrained, purged_blocks

PenaltyPath = Callable[[Floats, Floats, Floats], Floats]
"""Coefficients (features, penalties) from the features' covariance (features, features), theirs with the target
(features,), and penalties."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over rows that a squared-error fit needs: of a subset, they are the whole's less the rest's."""

    sums: Floats
    """(features + 2, features + 2): products of (1, features, target)."""

    @classmethod
    def of(cls, z: Floats, target: Floats) -> Moments:
        rows = np.column_stack([np.ones(len(z)), z, target])
        return cls(rows.T @ rows)

    def without(self, z: Floats, target: Floats) -> Moments:
        return Moments(self.sums - Moments.of(z, target).sums)

    @property
    def means(self) -> Floats:
        """(features + 1,): of the features and of the target."""
        means: Floats = self.sums[0, 1:] / self.sums[0, 0]
        return means

    @property
    def covariance(self) -> Floats:
        """(features + 1, features + 1): of the features and of the target."""
        covariance: Floats = self.sums[1:, 1:] / self.sums[0, 0] - np.outer(self.means, self.means)
        return covariance

    def coefficients(self, path: PenaltyPath, penalties: Floats) -> Floats:
        covariance = self.covariance
        return path(covariance[:-1, :-1], covariance[:-1, -1], penalties)


class LinearEstimator(Estimator):
    """A fitted model that is nothing but its :class:`LinearForm`; needs numpy alone to answer."""

    _form: LinearForm

    def _learn(self, x: Floats, target: Floats, t: Positions) -> None:
        mean, scale = location_and_scale(x)
        coefficients, intercept = self._solve((x - mean) / scale, target, t)
        self._form = LinearForm(coefficients / scale, float(intercept - mean @ (coefficients / scale)))

    @abstractmethod
    def _solve(self, z: Floats, target: Floats, t: Positions) -> tuple[Floats, float]:
        """Coefficients (features,) and intercept for standardised features ``z``, where constant ones are zero."""

    def predict(self, x: Floats) -> Floats:
        score: Floats = x @ self._form.coefficients + self._form.intercept
        return logistic(score) if self.task == "direction" else score

    def linear_form(self) -> LinearForm:
        return self._form

    def save(self, file: Path) -> None:
        with file.open("wb") as out:
            np.savez(out, coefficients=self._form.coefficients, intercept=self._form.intercept)

    def load(self, file: Path) -> Self:
        with np.load(file, allow_pickle=False) as arrays:
            self._form = LinearForm(arrays["coefficients"], float(arrays["intercept"]))
        return self


def choose_penalty(
    z: Floats, target: Floats, t: Positions, horizon: int, penalties: Floats, path: PenaltyPath
) -> float:
    """The strongest of ``penalties`` (strongest first) that is as good as the best, by purged cross-validation.

    ``z`` and ``target`` are standardised. Each block's fit takes its moments from the window's, less those of the rows
    that it leaves out.
    """
    moments = Moments.of(z, target)
    losses = []
    for block in purged_blocks(t, horizon):
        rest = moments.without(z[block.left_out], target[block.left_out])
        forecast = (z[block.rows] - rest.means[:-1]) @ rest.coefficients(path, penalties) + rest.means[-1]
        losses.append(((target[block.rows, np.newaxis] - forecast) ** 2).mean(axis=0))
    return float(penalties[most_restrained(np.array(losses)) if losses else 0])


class PenalisedRegression(LinearEstimator):
    """Least squares with a penalty on the coefficients of standardised features and target: a subclass gives its path.

    Penalties are per row and relative to the target's variance, so that one means the same whatever the window's length
    and the horizon.
    """

    @abstractmethod
    def _given(self, rows: int) -> float | None:
        """The penalty that the parameters name; None: to be chosen."""

    @abstractmethod
    def _candidates(self, correlations: Floats) -> Floats:
        """Penalties to choose from, strongest first; the first leaves next to nothing but the mean."""

    @abstractmethod
    def _path(self, covariance: Floats, correlations: Floats, penalties: Floats) -> Floats:
        """See :data:`PenaltyPath`."""

    def _solve(self, z: Floats, target: Floats, t: Positions) -> tuple[Floats, float]:
        mean, deviation = float(target.mean()), float(target.std()) or 1.0
        scaled = (target - mean) / deviation
        moments = Moments.of(z, scaled)
        penalty = self._given(len(z))
        if penalty is None:
            candidates = self._candidates(moments.covariance[:-1, -1])
            penalty = choose_penalty(z, scaled, t, self.horizon, candidates, self._path)
        return moments.coefficients(self._path, np.array([penalty]))[:, 0] * deviation, mean
