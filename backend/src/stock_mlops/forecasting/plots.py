"""What an evaluation looks like, as pictures for the run's page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from stock_mlops.forecasting.trainer import HorizonEvaluation

_DPI = 90
_MOST_LINES = 6


def write_plots(evaluations: Sequence[HorizonEvaluation], folder: Path) -> None:
    """Write ``predicted_vs_actual.png``, ``residuals.png`` and ``cumulative_skill.png`` into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    ends = [evaluations[0]] if len(evaluations) == 1 else [evaluations[0], evaluations[-1]]
    _write(folder / "predicted_vs_actual.png", [_predicted_vs_actual(item) for item in ends])
    _write(folder / "residuals.png", [_residuals(item) for item in ends])
    step = -(-len(evaluations) // _MOST_LINES)
    _write(folder / "cumulative_skill.png", [_cumulative_skill(evaluations[::step])])


Draw = Callable[["Axes"], None]


def _write(file: Path, panels: Sequence[Draw]) -> None:
    # The object-oriented interface draws with Agg and keeps no global state, unlike pyplot.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6 * len(panels), 4.5), dpi=_DPI, layout="constrained")
    for position, draw in enumerate(panels, start=1):
        draw(figure.add_subplot(1, len(panels), position))
    figure.savefig(file)


def _predicted_vs_actual(item: HorizonEvaluation) -> Draw:
    def draw(axes: Axes) -> None:
        axes.scatter(item.oof.y, item.oof.y_hat, s=6, alpha=0.35, linewidths=0)
        axes.axline((0, 0), slope=1, color="grey", linewidth=0.8)
        axes.axhline(0, color="grey", linewidth=0.8, linestyle=":")
        axes.set(title=f"{item.horizon} sessions ahead", xlabel="realised log return", ylabel="forecast")

    return draw


def _residuals(item: HorizonEvaluation) -> Draw:
    def draw(axes: Axes) -> None:
        axes.hist(item.oof.y_hat - item.oof.y, bins=60)
        axes.axvline(item.pooled.bias, color="black", linewidth=1, label=f"bias {item.pooled.bias:+.5f}")
        for side in (-1, 1):
            axes.axvline(side * item.half_width, color="grey", linewidth=0.8, linestyle="--")
        axes.set(title=f"{item.horizon} sessions ahead", xlabel="forecast - realised (dashed: interval)")
        axes.legend()

    return draw


def _cumulative_skill(evaluations: Sequence[HorizonEvaluation]) -> Draw:
    def draw(axes: Axes) -> None:
        for item in evaluations:
            y, y_hat = item.oof.y, item.oof.y_hat
            gained = np.cumsum(y**2 - (y - y_hat) ** 2) / np.sum(y**2)
            axes.plot(item.oof.sessions.astype("datetime64[s]").tolist(), gained, label=f"h = {item.horizon}")
        axes.axhline(0, color="grey", linewidth=0.8)
        axes.set(title="Skill gained over the random walk (rising: better)", ylabel="share of its squared error")
        axes.legend()

    return draw
