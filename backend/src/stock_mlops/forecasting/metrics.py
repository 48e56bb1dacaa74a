"""How good a forecast was: pure functions of arrays.

``y`` are realised log returns, ``y_hat`` forecasts made before they were known, both (n,), in the order of time. Of a
panel, ``t`` (n,) says to which session a row belongs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from stock_mlops.forecasting.estimators.base import Floats, Positions

Flags = NDArray[np.bool_]

# With fewer members a session's correlation is mostly chance.
_MIN_CROSS_SECTION = 3


@dataclass(frozen=True, slots=True)
class Scores:
    """Metrics of one horizon; None where the sample does not define them."""

    n: int
    mse: float
    rmse: float
    mae: float
    r2: float | None
    """Against the mean of ``y``."""
    adjusted_r2: float | None
    """Less what so many inputs explain by chance."""
    bias: float
    """Mean of forecast minus realised: above zero is too optimistic."""
    skill: float | None
    """``1 - MSE / MSE of the random walk``: above zero beats it."""
    random_walk_rmse: float
    random_walk_mae: float
    price_rmse: float
    """As ``rmse``, on the forecast close."""
    price_mae: float
    price_r2: float | None
    """Near 1 for every forecast that stays near the last close, the random walk included: no evidence by itself."""
    price_adjusted_r2: float | None
    price_random_walk_rmse: float
    direction_accuracy: float | None
    """Share of non-zero moves whose sign was forecast."""
    precision: float | None
    """Share of forecast rises that came."""
    recall: float | None
    """Share of rises that were forecast."""
    f1: float | None
    auc: float | None
    brier: float | None
    """Mean squared error of the probability of a rise; 0.25 is what a coin gets."""
    ic: float | None
    """Information coefficient: correlation of forecasts and returns across a panel's members, mean over sessions."""
    rank_ic: float | None

    def to_dict(self) -> dict[str, float | int | None]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Sample:
    """What is scored; all (n,)."""

    y: Floats
    y_hat: Floats
    close: Floats
    """The close that each forecast starts from."""
    probability: Floats | None = None
    """Of a rise; NaN where it is not known."""
    call: Floats | None = None
    """What the direction is read from, above zero for a rise; None: ``y_hat``."""
    t: Positions | None = None
    """Of a panel: each row's session."""


def score(sample: Sample, inputs: int = 0) -> Scores:
    """All metrics of one sample, forecast from ``inputs`` features.

    Raises:
        ValueError: the arrays are empty, of different lengths, or hold NaN.
    """
    y, y_hat = sample.y, sample.y_hat
    call = y_hat if sample.call is None else sample.call
    if not len(y) == len(y_hat) == len(sample.close) or len(y) == 0:
        raise ValueError(f"expected arrays of one length above 0, got {len(y)}, {len(y_hat)} and {len(sample.close)}")
    if not (np.isfinite(y).all() and np.isfinite(y_hat).all() and np.isfinite(sample.close).all()):
        raise ValueError("expected finite values, got NaN or infinity")
    error = y_hat - y
    mse, rw_mse = _mean_square(error), _mean_square(y)
    price, forecast = sample.close * np.exp(y), sample.close * np.exp(y_hat)
    r2 = _share_explained(mse, float(np.var(y)))
    price_r2 = _share_explained(_mean_square(forecast - price), float(np.var(price)))
    precision, recall, f1 = _rises(y, call)
    ic, rank_ic = (None, None) if sample.t is None else information_coefficients(y, y_hat, sample.t)
    return Scores(
        n=len(y),
        mse=mse,
        rmse=float(np.sqrt(mse)),
        mae=float(np.mean(np.abs(error))),
        r2=r2,
        adjusted_r2=_adjusted(r2, len(y), inputs),
        bias=float(np.mean(error)),
        skill=_share_explained(mse, rw_mse),
        random_walk_rmse=float(np.sqrt(rw_mse)),
        random_walk_mae=float(np.mean(np.abs(y))),
        price_rmse=float(np.sqrt(_mean_square(forecast - price))),
        price_mae=float(np.mean(np.abs(forecast - price))),
        price_r2=price_r2,
        price_adjusted_r2=_adjusted(price_r2, len(y), inputs),
        price_random_walk_rmse=float(np.sqrt(_mean_square(sample.close - price))),
        direction_accuracy=direction_accuracy(y, call),
        precision=precision,
        recall=recall,
        f1=f1,
        auc=roc_auc(y > 0, call),
        brier=_brier(y, sample.probability),
        ic=ic,
        rank_ic=rank_ic,
    )


def cumulative_skill(y: Floats, y_hat: Floats) -> Floats:
    """(n,): the share of the random walk's squared error that was saved up to each forecast; it rises where the model
    does better (Goyal and Welch 2008). The last one is the skill."""
    return np.cumsum(y**2 - (y - y_hat) ** 2) / np.sum(y**2)


def _mean_square(values: Floats) -> float:
    return float(np.mean(values**2))


def _share_explained(mse: float, reference: float) -> float | None:
    return 1.0 - mse / reference if reference > 0 else None


def _adjusted(r2: float | None, n: int, inputs: int) -> float | None:
    return None if r2 is None or n <= inputs + 1 else 1.0 - (1.0 - r2) * (n - 1) / (n - inputs - 1)


def direction_accuracy(y: Floats, call: Floats) -> float | None:
    """Share of moves whose sign was right; rows where either is exactly zero say nothing. None when no row is left."""
    told = (y != 0) & (call != 0)
    return float(np.mean(np.sign(y[told]) == np.sign(call[told]))) if told.any() else None


def _rises(y: Floats, call: Floats) -> tuple[float | None, float | None, float | None]:
    """Precision, recall and F1 of forecast rises; None where nothing was forecast, or nothing rose."""
    told = (y != 0) & (call != 0)
    rose, called = y[told] > 0, call[told] > 0
    hits = int((rose & called).sum())
    precision = hits / int(called.sum()) if called.any() else None
    recall = hits / int(rose.sum()) if rose.any() else None
    f1 = 2 * hits / int(called.sum() + rose.sum()) if called.any() or rose.any() else None
    return precision, recall, f1


def _brier(y: Floats, probability: Floats | None) -> float | None:
    """Brier (1950)."""
    if probability is None:
        return None
    known = np.isfinite(probability)
    return _mean_square(probability[known] - (y[known] > 0)) if known.any() else None


def roc_auc(positive: Flags, scores: Floats) -> float | None:
    """Probability that a positive's score is above a negative's (ties count half); None with one class only.

    Mann and Whitney's count (1947), over sorted scores.
    """
    above, below = np.sort(scores[positive]), np.sort(scores[~positive])
    if not len(above) or not len(below):
        return None
    beaten = np.searchsorted(below, above, "left").sum() + np.searchsorted(below, above, "right").sum()
    return float(beaten) / (2 * len(above) * len(below))


def _ranks(values: Floats) -> Floats:
    """1 for the smallest; equal values share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Floats = (last - (counts - 1) / 2)[inverse]
    return ranks


def information_coefficients(y: Floats, y_hat: Floats, t: Positions) -> tuple[float | None, float | None]:
    """IC and RankIC: Pearson's and Spearman's correlation across the members of each session, mean over the sessions
    that define one (Grinold and Kahn, Active Portfolio Management, 2000, chapter 6)."""
    order = np.argsort(t, kind="stable")
    _, starts = np.unique(t[order], return_index=True)
    found = [
        (_correlation(y[rows], y_hat[rows]), _correlation(_ranks(y[rows]), _ranks(y_hat[rows])))
        for rows in np.split(order, starts[1:])
        if len(rows) >= _MIN_CROSS_SECTION
    ]
    ics = [pair[0] for pair in found if pair[0] is not None]
    rank_ics = [pair[1] for pair in found if pair[1] is not None]
    return (float(np.mean(ics)) if ics else None, float(np.mean(rank_ics)) if rank_ics else None)


def _correlation(a: Floats, b: Floats) -> float | None:
    spread = float(np.std(a) * np.std(b))
    return float(np.mean((a - a.mean()) * (b - b.mean()))) / spread if spread > 0 else None


@dataclass(frozen=True, slots=True)
class DieboldMariano:
    statistic: float
    """Above zero: the forecast's losses are smaller than the reference's."""
    p_value: float
    """One-sided: how likely a statistic so high is when the forecast is no better than the reference."""

    @property
    def p_worse(self) -> float:
        """The other side: how likely a statistic so low is when the forecast is no worse than the reference."""
        return 1.0 - self.p_value


def diebold_mariano(y: Floats, y_hat: Floats, horizon: int, t: Positions | None = None) -> DieboldMariano | None:
    """Is the forecast better than the random walk (a return of zero), by its squared errors? None when both forecast
    the same; see :func:`compare_losses`."""
    return compare_losses(y**2 - (y - y_hat) ** 2, horizon, t)


def compare_losses(gain: Floats, horizon: int, t: Positions | None = None) -> DieboldMariano | None:
    """Diebold and Mariano (1995) on ``gain`` (n,), the loss of a reference minus that of the forecast, in the order of
    time. None when they are equal throughout.

    Errors of h-step forecasts overlap, so the variance counts h - 1 autocovariances in full, as the authors do; where
    that sum is not positive, with Bartlett weights (Newey and West 1987), which keep it so and reject too often when
    they are used throughout. Small samples: the factor and the t distribution of Harvey, Leybourne and Newbold (1997).
    The members of a panel move together, so that a session counts once, with the mean over its members.
    """
    from scipy.special import stdtr

    if t is not None:
        _, session = np.unique(t, return_inverse=True)
        gain = np.bincount(session, gain) / np.bincount(session)
    n = len(gain)
    if n < 2:
        return None
    centred = gain - gain.mean()
    lags = np.arange(min(horizon, n))
    covariances = np.array([float(centred[lag:] @ centred[: n - lag]) for lag in lags]) / n
    weights = np.where(lags == 0, 1.0, 2.0)
    variance = float(weights @ covariances)
    if variance <= 0:
        variance = float((weights * (1 - lags / horizon)) @ covariances)
    if variance <= 0:
        return None
    correction = (n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n
    statistic = float(gain.mean() / np.sqrt(variance / n) * np.sqrt(max(correction, 0.0)))
    return DieboldMariano(statistic, float(stdtr(n - 1, -statistic)))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """P-values adjusted for having looked at several horizons (Holm 1979): the chance that *any* of those below a level
    is there by luck is at most that level, however the tests depend on each other."""
    known = sorted((value, index) for index, value in enumerate(p_values) if value is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (value, index) in enumerate(known):
        highest = max(highest, min(1.0, value * (len(known) - rank)))
        adjusted[index] = highest
    return adjusted
