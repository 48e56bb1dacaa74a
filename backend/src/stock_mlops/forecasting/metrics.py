"""How good a forecast was: pure functions of arrays.

``y`` are realised log returns, ``y_hat`` forecasts made before they were known, both (n,), in the order of time.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from stock_mlops.forecasting.estimators.base import Floats


@dataclass(frozen=True, slots=True)
class Scores:
    """Metrics of one horizon on log returns; None where the sample does not define them."""

    n: int
    rmse: float
    mae: float
    r2: float | None
    """Against the mean of ``y``."""
    bias: float
    """Mean of forecast minus realised: above zero is too optimistic."""
    direction_accuracy: float | None
    """Share of non-zero moves whose sign was forecast."""
    auc: float | None
    skill: float | None
    """``1 - MSE / MSE of the random walk``: above zero beats it."""

    def to_dict(self) -> dict[str, float | int | None]:
        return asdict(self)


def score(y: Floats, y_hat: Floats) -> Scores:
    """All metrics of one sample.

    Raises:
        ValueError: the arrays are empty, of different lengths, or hold NaN.
    """
    if len(y) != len(y_hat) or len(y) == 0:
        raise ValueError(f"expected two arrays of one length above 0, got {len(y)} and {len(y_hat)}")
    if not (np.isfinite(y).all() and np.isfinite(y_hat).all()):
        raise ValueError("expected finite values, got NaN or infinity")
    error = y_hat - y
    mse = float(np.mean(error**2))
    return Scores(
        n=len(y),
        rmse=float(np.sqrt(mse)),
        mae=float(np.mean(np.abs(error))),
        r2=_share_explained(mse, float(np.var(y))),
        bias=float(np.mean(error)),
        direction_accuracy=direction_accuracy(y, y_hat),
        auc=roc_auc(y > 0, y_hat),
        skill=_share_explained(mse, float(np.mean(y**2))),
    )


def _share_explained(mse: float, reference: float) -> float | None:
    return 1.0 - mse / reference if reference > 0 else None


def direction_accuracy(y: Floats, y_hat: Floats) -> float | None:
    """Share of moves whose sign was right; rows where either is exactly zero say nothing. None when no row is left."""
    told = (y != 0) & (y_hat != 0)
    return float(np.mean(np.sign(y[told]) == np.sign(y_hat[told]))) if told.any() else None


def roc_auc(positive: np.typing.NDArray[np.bool_], scores: Floats) -> float | None:
    """Probability that a positive's score is above a negative's (ties count half); None with one class only.

    The Mann-Whitney form: (rank sum of the positives - its minimum) / (positives x negatives).
    """
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if n_positive == 0 or n_negative == 0:
        return None
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last_rank = np.cumsum(counts)
    mean_rank = last_rank - (counts - 1) / 2
    rank_sum = float(mean_rank[inverse][positive].sum())
    return (rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)


@dataclass(frozen=True, slots=True)
class DieboldMariano:
    statistic: float
    """Above zero: the forecast's squared errors are smaller than the random walk's."""
    p_value: float
    """One-sided: how likely a statistic so high is when the forecast is no better than the random walk."""


def diebold_mariano(y: Floats, y_hat: Floats, horizon: int) -> DieboldMariano | None:
    """Is the forecast better than the random walk (a return of zero)? None when both forecast the same.

    Diebold and Mariano (1995) on squared errors. Errors of h-step forecasts overlap, so the variance is a HAC estimate
    over h - 1 lags with Bartlett weights (Newey and West 1987), which cannot turn negative. Small samples: the factor
    and the t distribution of Harvey, Leybourne and Newbold (1997).
    """
    from scipy.special import stdtr

    gain = y**2 - (y - y_hat) ** 2
    n = len(gain)
    lags = min(horizon - 1, n - 1)
    centred = gain - gain.mean()
    variance = float(centred @ centred) / n
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / horizon) * float(centred[lag:] @ centred[:-lag]) / n
    if n < 2 or variance <= 0:
        return None
    correction = (n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n
    statistic = float(gain.mean() / np.sqrt(variance / n) * np.sqrt(max(correction, 0.0)))
    return DieboldMariano(statistic, float(1 - stdtr(n - 1, statistic)))
