"""What an evaluation looks like, as pictures for the run's page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stock_mlops.forecasting.backtest.plots import equity_plot
from stock_mlops.forecasting.metrics import cumulative_skill

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from stock_mlops.forecasting.diagnostics import Diagnosis
    from stock_mlops.forecasting.estimators.base import Floats, History
    from stock_mlops.forecasting.evaluation import HorizonEvaluation
    from stock_mlops.forecasting.trainer import TrainingResult

_DPI = 90
_MOST_LINES = 6
_MOST_BARS = 20


def write_plots(result: TrainingResult, folder: Path) -> None:
    """Write the pictures of an evaluation into ``folder``, one PNG per subject; what the model does not have (fits by
    iterations, a backtest) has no picture."""
    folder.mkdir(parents=True, exist_ok=True)
    evaluations = result.horizons
    ends = [evaluations[0]] if len(evaluations) == 1 else [evaluations[0], evaluations[-1]]
    _write(folder / "predicted_vs_actual.png", [_predicted_vs_actual(item) for item in ends])
    _write(folder / "residuals.png", [_residuals(item) for item in ends])
    _write(folder / "roc.png", [_roc(item) for item in ends])
    step = -(-len(evaluations) // _MOST_LINES)
    _write(folder / "cumulative_skill.png", [_cumulative_skill(evaluations[::step])])
    _write(folder / "learning_curve.png", [_learning_curve(result.diagnosis)])
    _write(folder / "permutation_importance.png", [_importance(result.diagnosis)])
    if result.histories:
        _write(folder / "iterations.png", [_iterations(result.histories[0])])
    if result.backtests:
        _write(folder / "backtest.png", [equity_plot(found) for _, found in result.backtests[:2]])


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
            gained = cumulative_skill(item.oof.y, item.oof.y_hat)
            axes.plot(item.oof.sessions.astype("datetime64[s]").tolist(), gained, label=f"h = {item.horizon}")
        axes.axhline(0, color="grey", linewidth=0.8)
        axes.set(title="Skill gained over the random walk (rising: better)", ylabel="share of its squared error")
        axes.legend()

    return draw


def _roc(item: HorizonEvaluation) -> Draw:
    def draw(axes: Axes) -> None:
        rose = item.oof.y > 0
        axes.plot(*_roc_points(rose, item.oof.y_hat), linewidth=1.1)
        axes.axline((0, 0), slope=1, color="grey", linewidth=0.8)
        auc = "undefined" if item.pooled.auc is None else f"{item.pooled.auc:.3f}"
        axes.set(
            title=f"{item.horizon} sessions ahead: AUC {auc}",
            xlabel="falls called rises",
            ylabel="rises called rises",
            xlim=(0, 1),
            ylim=(0, 1),
        )

    return draw


def _roc_points(positive: np.typing.NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """Shares of the negatives and of the positives above each threshold, the highest threshold first."""
    order = np.argsort(-scores, kind="stable")
    # Equal scores are told apart by nothing: the curve goes straight through them.
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = np.cumsum(positive[order])[ends]
    misses = ends + 1 - hits
    return np.append(0, misses) / max(1, misses[-1]), np.append(0, hits) / max(1, hits[-1])


def _learning_curve(diagnosis: Diagnosis) -> Draw:
    def draw(axes: Axes) -> None:
        rows = [point.rows for point in diagnosis.learning_curve]
        axes.plot(rows, [point.train_rmse for point in diagnosis.learning_curve], marker="o", label="training rows")
        axes.plot(
            rows, [point.validation_rmse for point in diagnosis.learning_curve], marker="o", label="newest window"
        )
        axes.set(title="Error by length of the history, 1 session ahead", xlabel="training rows", ylabel="RMSE")
        axes.legend()

    return draw


def _importance(diagnosis: Diagnosis) -> Draw:
    def draw(axes: Axes) -> None:
        shown = diagnosis.importance[:_MOST_BARS][::-1]
        axes.barh(
            [item.feature for item in shown],
            [item.mean for item in shown],
            xerr=[item.deviation for item in shown],
            height=0.7,
        )
        axes.axvline(0, color="grey", linewidth=0.8)
        axes.tick_params(axis="y", labelsize=7)
        axes.set(
            title="Permutation importance, 1 session ahead", xlabel="share of the random walk's squared error lost"
        )

    return draw


def _iterations(history: History) -> Draw:
    def draw(axes: Axes) -> None:
        axes.plot(history.train_loss, label="training loss")
        if history.validation_loss:
            axes.plot(history.validation_loss, label="validation loss")
        if history.gradient_norm:
            axes.plot(history.gradient_norm, label="gradient norm", linestyle=":")
        axes.set(title="Fit of the model that is kept, 1 session ahead", xlabel="iteration", yscale="log")
        axes.legend()

    return draw
