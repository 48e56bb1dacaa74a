"""What forecasts beside each other say: a challenger in the shadow, a champion in its probation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stock_mlops.forecasting.contenders import Pair
from stock_mlops.forecasting.gate import Check
from stock_mlops.forecasting.intervals import LEVEL
from stock_mlops.forecasting.metrics import holm

# With fewer outcomes a horizon says nothing.
_FEWEST = 5
# The probation is looked at after each of some twenty sessions. With these two, of versions with nothing wrong about
# them some 3 % are taken back by chance (returns with fat tails, t of 4), of those whose volatility is three times the
# validated one 96 % are found, most at the first look.
FEWEST_SERVED, _ALARM = 8, 0.001


@dataclass(frozen=True, slots=True)
class Shadowed:
    """What two versions forecast of the same sessions at one horizon, with what came."""

    pair: Pair
    """The challenger's forecasts beside the champion's; in probation: the one's that serves beside the one's before."""
    inside: NDArray[np.bool_]
    """(n,): whether each return lay inside the challenger's interval of ``intervals.LEVEL``."""


def settled_sessions(found: Sequence[Shadowed]) -> int:
    """Sessions whose next close is known: what the length of shadow and probation is counted in."""
    return next((item.pair.sessions for item in found if item.pair.horizon == 1), 0)


def judge_shadow(found: Sequence[Shadowed], significance: float) -> list[Check]:
    """Does anything speak against the challenger? As in the gate, a test that finds no difference lets it through."""
    told = [item for item in found if item.pair.sessions >= _FEWEST]
    if not told:
        return []
    p_values = holm([item.pair.p_worse() for item in told])
    p_value, worst = min((1.0 if value is None else value, index) for index, value in enumerate(p_values))
    pair = told[worst].pair
    mine, theirs = pair.rmse
    worse = Check(
        "shadow_not_worse",
        passed=p_value >= significance,
        expected="no horizon with larger squared errors than the champion's on the same sessions"
        f" (p below {significance:g}, Diebold-Mariano, Holm)",
        got=f"RMSE {mine:.4%} against {theirs:.4%} at {pair.horizon} ahead over {pair.sessions} sessions,"
        f" p = {p_value:.2g}",
        numbers={
            "horizon": pair.horizon,
            "rmse": mine,
            "champion_rmse": theirs,
            "sessions": pair.sessions,
            "p_value": p_value,
            "significance": significance,
        },
    )
    return [worse, _coverage("shadow_calibrated", told[0], significance)]


def judge_probation(found: Sequence[Shadowed], validated_rmse: float, limit: float) -> list[Check]:
    """Does the version that serves break? None of the checks is there while there are too few outcomes.

    Args:
        validated_rmse: one session ahead, out of fold.
        limit: of the RMSE since it serves, as a multiple of that.
    """
    first = next((item for item in found if item.pair.horizon == 1), None)
    if first is None or first.pair.sessions < FEWEST_SERVED:
        return []
    ratio = first.pair.rmse[0] / validated_rmse if validated_rmse > 0 else 0.0
    errors = Check(
        "probation_error",
        passed=ratio <= limit,
        expected=f"an RMSE of at most {limit:g} times the validated {validated_rmse:.4%}",
        got=f"{first.pair.rmse[0]:.4%}, {ratio:.2f} times, over {first.pair.sessions} sessions",
        numbers={
            "ratio": ratio,
            "limit": limit,
            "rmse": first.pair.rmse[0],
            "before_rmse": first.pair.rmse[1],
            "validated_rmse": validated_rmse,
            "sessions": first.pair.sessions,
        },
    )
    return [errors, _coverage("probation_coverage", first, _ALARM)]


def _coverage(name: str, found: Shadowed, significance: float) -> Check:
    """Too few closes inside, by a binomial test; a panel's members move together, and overlapping periods too, so that
    a session counts once in as many sessions as the horizon has."""
    from scipy.special import bdtr

    share = float(found.inside.mean())
    n = max(found.pair.sessions // found.pair.horizon, 1)
    p_value = float(bdtr(round(share * n), n, LEVEL))
    return Check(
        name,
        passed=p_value >= significance,
        expected=f"{LEVEL:.0%} of returns inside their intervals, or as many as chance explains"
        f" (p below {significance:g}, binomial)",
        got=f"{share:.0%} at {found.pair.horizon} ahead over {found.pair.sessions} sessions, p = {p_value:.2g}",
        numbers={
            "horizon": found.pair.horizon,
            "coverage": share,
            "level": LEVEL,
            "sessions": found.pair.sessions,
            "p_value": p_value,
            "significance": significance,
        },
    )
