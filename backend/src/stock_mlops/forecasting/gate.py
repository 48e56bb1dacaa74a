"""The gate between a trained version and the traffic: a challenger serves only when nothing speaks against it.

It is *refused* by evidence, never promoted by it: a test that finds no difference lets the newer model through, because
newer data are worth something by themselves. See ``docs/decisions/0012-promotion-passes-a-gate.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import polars as pl
from stock_kit.model_settings import GateSettings

from stock_mlops.forecasting.contenders import Contender, Pair, Window, positions, same_window
from stock_mlops.forecasting.estimators.base import Floats
from stock_mlops.forecasting.intervals import LEVEL, conformal_half_width
from stock_mlops.forecasting.metrics import compare_losses, holm
from stock_mlops.instruments import sessions_of

# A return that moved by less was not revised: adjusted prices are rounded anew with every dividend.
_SAME_RETURN = 1e-4


@dataclass(frozen=True, slots=True)
class Check:
    """One condition, with what it looked at."""

    name: str
    passed: bool
    expected: str
    got: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    """What ``expected`` and ``got`` speak of, limits included: a page says both in another language by them."""
    alarm: bool = False
    """A fault of the data or the training rather than a weak model: it bars a first version too."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a challenger may serve, and why not."""

    passed: bool
    champion: int | None
    """The version it was judged against; None: there was none."""
    window: Window
    sessions: int
    """Length of the window."""
    checks: tuple[Check, ...]

    @property
    def reasons(self) -> tuple[Check, ...]:
        """The checks that speak against it."""
        return tuple(check for check in self.checks if not check.passed)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the catalog and the API."""
        return {
            "passed": self.passed,
            "champion": self.champion,
            "window": self.window,
            "sessions": self.sessions,
            "checks": [asdict(check) for check in self.checks],
        }


def judge(challenger: Contender, champion: Contender | None, limits: GateSettings) -> Verdict:
    """May ``challenger`` serve in ``champion``'s place?

    Without a champion only alarms refuse it: what would serve otherwise is the random walk with no interval that the
    instrument has earned, and a weak model says honestly how weak it is.
    """
    checks = [_enough_sessions(challenger, limits), _plausible(challenger, limits), _calibrated(challenger, limits)]
    checks.append(_not_worse_than_random_walk(challenger, limits))
    if challenger.task == "direction":
        checks.append(_probabilities(challenger, limits))
    if champion is None:
        return Verdict(all(check.passed or not check.alarm for check in checks), None, "none", 0, tuple(checks))
    window, pairs = same_window(challenger, champion, limits)
    checks += [
        _serves_as_much(challenger, champion),
        _current(challenger, champion, limits),
        _outcomes_agree(challenger, champion, limits),
        _not_worse(pairs, limits),
    ]
    sessions = min((pair.sessions for pair in pairs), default=0)
    return Verdict(all(check.passed for check in checks), champion.version, window, sessions, tuple(checks))


def _not_worse(pairs: list[Pair], limits: GateSettings) -> Check:
    fewest = min((pair.sessions for pair in pairs), default=0)
    if fewest < limits.min_sessions:
        return Check(
            "not_worse_than_champion",
            passed=False,
            expected=f"at least {limits.min_sessions} sessions that both have forecast without having seen them",
            got=f"{fewest}; compare them yourself and promote with force",
            numbers={"sessions": fewest, "min_sessions": limits.min_sessions},
        )
    worst, p_value = _least([pair.p_worse() for pair in pairs])
    shown = pairs[worst]
    mine, theirs = shown.rmse
    return Check(
        "not_worse_than_champion",
        passed=p_value >= limits.significance,
        expected=f"no horizon with larger squared errors than the champion's on the same {fewest} sessions (p below"
        f" {limits.significance:g}, Diebold-Mariano, Holm)",
        got=f"RMSE {mine:.4%} against {theirs:.4%} at {shown.horizon} ahead, p = {p_value:.2g}",
        numbers={
            "horizon": shown.horizon,
            "rmse": mine,
            "champion_rmse": theirs,
            "p_value": p_value,
            "significance": limits.significance,
            "compared_sessions": fewest,
        },
    )


def _not_worse_than_random_walk(challenger: Contender, limits: GateSettings) -> Check:
    """By more than a margin: every estimate costs a little accuracy where there is nothing to find."""
    allowed = 1.0 + limits.random_walk_margin

    def p_worse(rows: pl.DataFrame, horizon: int) -> float | None:
        y, y_hat = rows.select("y", "y_hat").to_numpy().T
        test = compare_losses(allowed * y**2 - (y - y_hat) ** 2, horizon, positions(rows))
        return None if test is None else test.p_worse

    worst, p_value = _least(_by_horizon(challenger, p_worse))
    skill = _skill(challenger.at(worst + 1))
    return Check(
        "not_worse_than_random_walk",
        passed=p_value >= limits.significance,
        expected=f"no horizon with squared errors above the random walk's by more than {limits.random_walk_margin:.1%}"
        f" (p below {limits.significance:g}, Diebold-Mariano, Holm)",
        got=f"skill {skill:+.2%} at {worst + 1} ahead, p = {p_value:.2g}",
        numbers={
            "horizon": worst + 1,
            "skill": skill,
            "p_value": p_value,
            "significance": limits.significance,
            "margin": limits.random_walk_margin,
        },
    )


def _calibrated(challenger: Contender, limits: GateSettings) -> Check:
    """Realised coverage by a binomial test, on a sample shorter by the overlap of the horizon's returns.

    The bounds give way to what the random walk's own intervals reached on the same sessions: when a market breaks
    between two test windows, intervals of the calm one miss whatever the model is.
    """
    found = [_coverage(challenger.at(horizon)) for horizon in range(1, challenger.horizon + 1)]
    p_values = []
    for horizon, coverage in enumerate(found, start=1):
        p_values.append(None if coverage is None else _miscovered(coverage, horizon, limits))
    worst, p_value = _least(p_values)
    shown = found[worst]
    low, high = LEVEL - limits.coverage_tolerance, min(LEVEL + limits.coverage_tolerance, 1.0)
    return Check(
        "calibrated",
        passed=p_value >= limits.significance,
        expected=f"{low:.0%} to {high:.0%} of returns inside intervals of {LEVEL:.0%}, or as many as inside the random"
        f" walk's (p below {limits.significance:g}, binomial, Holm)",
        got="one test window, which cannot tell"
        if shown is None
        else f"{shown.model:.1%} (random walk: {shown.random_walk:.1%}) at {worst + 1} ahead, p = {p_value:.2g}",
        numbers={"low": low, "high": high, "level": LEVEL, "significance": limits.significance}
        | (
            {}
            if shown is None
            else {
                "horizon": worst + 1,
                "coverage": shown.model,
                "random_walk_coverage": shown.random_walk,
                "p_value": p_value,
            }
        ),
    )


@dataclass(frozen=True, slots=True)
class _Coverage:
    model: float
    random_walk: float
    sessions: int


def _coverage(rows: pl.DataFrame) -> _Coverage | None:
    """Of the intervals that the errors of earlier windows give, window by window."""
    y, y_hat, fold = rows.select("y", "y_hat", "fold").to_numpy().T
    judged = fold > fold.min() if len(fold) else np.zeros(0, dtype=bool)
    if not judged.any():
        return None
    inside = np.zeros((2, len(y)), dtype=bool)
    for number in np.unique(fold[judged]):
        before, here = fold < number, fold == number
        for row, error in enumerate((y - y_hat, y)):
            inside[row, here] = np.abs(error[here]) <= conformal_half_width(error[before])
    sessions = rows.filter(pl.Series(judged))["session"].n_unique()
    model, random_walk = inside[:, judged].mean(axis=1).tolist()
    return _Coverage(model, random_walk, sessions)


def _miscovered(found: _Coverage, horizon: int, limits: GateSettings) -> float:
    """How likely a coverage so far outside the bounds is by luck."""
    from scipy.special import bdtr, bdtrc

    low = min(LEVEL - limits.coverage_tolerance, found.random_walk)
    high = min(max(LEVEL + limits.coverage_tolerance, found.random_walk), 1.0)
    n = max(found.sessions // horizon, 1)
    hits = round(found.model * n)
    too_few, too_many = float(bdtr(hits, n, low)), float(bdtrc(hits - 1, n, high)) if hits else 1.0
    return min(1.0, 2 * min(too_few, too_many))


def _probabilities(challenger: Contender, limits: GateSettings) -> Check:
    """Brier scores of the probability of a rise beside those of the share of rises."""

    def p_worse(rows: pl.DataFrame, horizon: int) -> float | None:
        rose, probability, base = _rises(rows)
        test = compare_losses((base - rose) ** 2 - (probability - rose) ** 2, horizon, positions(_told(rows)))
        return None if test is None else test.p_worse

    worst, p_value = _least(_by_horizon(challenger, p_worse))
    rose, probability, base = _rises(challenger.at(worst + 1))
    brier, reference = float(np.mean((probability - rose) ** 2)), base * (1 - base)
    return Check(
        "probabilities",
        passed=p_value >= limits.significance,
        expected=f"no horizon with a Brier score above the base rate's (p below {limits.significance:g},"
        " Diebold-Mariano, Holm)",
        got=f"{brier:.4f} against {reference:.4f} at {worst + 1} ahead, p = {p_value:.2g}",
        numbers={
            "horizon": worst + 1,
            "brier": brier,
            "base_rate_brier": reference,
            "p_value": p_value,
            "significance": limits.significance,
        },
    )


def _told(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("probability_up").is_not_null())


def _rises(rows: pl.DataFrame) -> tuple[Floats, Floats, float]:
    """Whether each return was a rise, the probability it was given, and the share of rises."""
    y, probability = _told(rows).select("y", "probability_up").to_numpy().T
    rose = (y > 0).astype(np.float64)
    return rose, probability, float(rose.mean()) if len(rose) else 0.5


def _enough_sessions(challenger: Contender, limits: GateSettings) -> Check:
    counts = [challenger.at(horizon)["session"].n_unique() for horizon in range(1, challenger.horizon + 1)]
    fewest = min(counts)
    return Check(
        "enough_sessions",
        passed=fewest >= limits.min_sessions,
        expected=f"at least {limits.min_sessions} sessions forecast out of fold",
        got=str(fewest),
        numbers={"sessions": fewest, "min_sessions": limits.min_sessions},
        alarm=True,
    )


def _plausible(challenger: Contender, limits: GateSettings) -> Check:
    """Against the sample's own mean as well as against zero: a rise that went on for years explains much of a long
    horizon's returns without any leak."""
    shares = [_explained(challenger.at(horizon), horizon, limits) for horizon in range(1, challenger.horizon + 1)]
    highest = max(shares)
    horizon = shares.index(highest) + 1
    return Check(
        "plausible_skill",
        passed=highest <= limits.max_skill,
        expected=f"at most {limits.max_skill:.0%} of the variance explained beyond luck: more is a reason to look for a"
        " leak",
        got=f"{highest:.1%} at {horizon} ahead",
        numbers={"horizon": horizon, "explained": highest, "max_skill": limits.max_skill},
        alarm=True,
    )


def _explained(rows: pl.DataFrame, horizon: int, limits: GateSettings) -> float:
    """Share of the variance explained, 0 when it may be luck."""
    y, y_hat = rows.select("y", "y_hat").to_numpy().T
    test = compare_losses((y - y.mean()) ** 2 - (y - y_hat) ** 2, horizon, positions(rows))
    if test is None or test.p_value >= limits.significance:
        return 0.0
    mse = float(np.mean((y - y_hat) ** 2))
    return 1.0 - mse / min(float(np.var(y)), float(np.mean(y**2)))


def _serves_as_much(challenger: Contender, champion: Contender) -> Check:
    missing = sorted(set(champion.tickers) - set(challenger.tickers))
    return Check(
        "serves_as_much",
        passed=challenger.horizon >= champion.horizon and not missing,
        expected=f"horizons up to {champion.horizon} of the champion's tickers, which callers rely on",
        got=f"horizons up to {challenger.horizon}" + (f", without {', '.join(missing[:5])}" if missing else ""),
        numbers={
            "horizon": challenger.horizon,
            "champion_horizon": champion.horizon,
            "missing_tickers": len(missing),
        },
    )


def _current(challenger: Contender, champion: Contender, limits: GateSettings) -> Check:
    sessions = sessions_of(challenger.exchange)
    allowed = sessions.previous(champion.trained_until, limits.stale_sessions)
    return Check(
        "current_data",
        passed=challenger.trained_until >= min(allowed, champion.trained_until),
        expected=f"data up to {allowed} or later: the champion's end at {champion.trained_until}",
        got=str(challenger.trained_until),
        alarm=True,
    )


def _outcomes_agree(challenger: Contender, champion: Contender, limits: GateSettings) -> Check:
    """The return that followed a session is a fact: two trainings that disagree on many of them were not given the same
    prices, or one of them joined them wrongly."""
    both = challenger.at(1).join(champion.at(1), on=("ticker", "session"), suffix="_champion")
    changed = float((both["y"] - both["y_champion"]).abs().gt(_SAME_RETURN).mean() or 0.0) if both.height else 0.0  # type: ignore[arg-type]
    return Check(
        "outcomes_agree",
        passed=changed <= limits.changed_outcomes,
        expected=f"the returns that the champion was judged by, but for {limits.changed_outcomes:.0%} of the sessions",
        got=f"{changed:.1%} of {both.height} differ",
        numbers={"changed": changed, "rows": both.height, "allowed": limits.changed_outcomes},
        alarm=True,
    )


def _by_horizon(challenger: Contender, p_value: Callable[[pl.DataFrame, int], float | None]) -> list[float | None]:
    return [p_value(challenger.at(horizon), horizon) for horizon in range(1, challenger.horizon + 1)]


def _least(p_values: list[float | None]) -> tuple[int, float]:
    """The position of the smallest p-value, adjusted for the number of horizons looked at; 1 when nothing differs."""
    adjusted = holm(p_values)
    known = [(value, position) for position, value in enumerate(adjusted) if value is not None]
    p_value, position = min(known, default=(1.0, 0))
    return position, p_value


def _skill(rows: pl.DataFrame) -> float:
    y, y_hat = rows.select("y", "y_hat").to_numpy().T
    reference = float(np.mean(y**2))
    return 1.0 - float(np.mean((y - y_hat) ** 2)) / reference if reference > 0 else 0.0
