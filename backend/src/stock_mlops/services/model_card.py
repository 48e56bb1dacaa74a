"""The model card of a version: what it is, what it was made of, how good it is and what it must not be used for.

After Mitchell et al. (2019), "Model cards for model reporting".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

from stock_mlops.features import registry
from stock_mlops.forecasting.intervals import LEVEL
from stock_mlops.forecasting.search import winner
from stock_mlops.forecasting.spec import ModelSpec
from stock_mlops.forecasting.trainer import TrainingResult
from stock_mlops.instruments import sessions_of
from stock_mlops.services.provenance import TrainedOn, code_version

_LIMITS = (
    "It is not investment advice. Daily returns are mostly noise: where the tables show no skill, the point forecast is"
    " worth no more than today's close, and the interval is what to read.",
    "It knows prices and volumes only: no news, no earnings, no dividends announced but not yet paid, nothing that"
    " happened after the session it forecasts from.",
    "Its numbers hold for a market like the one it was tested in; intervals follow a change with a delay.",
    "A backtest has no market impact, no taxes and no dividends of short positions.",
)


def model_card(spec: ModelSpec, result: TrainingResult, data: TrainedOn, expiry_sessions: int) -> str:
    """Markdown.

    Args:
        expiry_sessions: how many sessions after its data the model counts as fresh.
    """
    info = result.bundle.info
    expires = sessions_of(spec.exchange).next(info.trained_until, expiry_sessions)
    parts = [
        f"# {spec.registered_model}: {spec.name}",
        f"Forecasts log returns of {spec.subject} over 1 to {spec.horizon} sessions ({info.task}), with intervals of"
        f" {LEVEL:.0%}. Meant for sessions up to {expires}; later forecasts are marked stale.",
        "## Data",
        _table(("", ""), _data_rows(spec, result, data)),
        "## Features",
        f"{len(info.features)} features, version {info.feature_version}.",
        _table(("group", "features"), _feature_rows(info.features)),
        "## Definition",
        _table(("", ""), _definition_rows(spec, result)),
        "## Validation",
        _validation_text(spec, result),
        _table(_METRICS, _metric_rows(result)),
        "## Backtest",
        *_backtest(result),
        "## Limits",
        "\n".join(f"- {limit}" for limit in _LIMITS),
    ]
    return "\n\n".join(parts) + "\n"


def _data_rows(spec: ModelSpec, result: TrainingResult, data: TrainedOn) -> Iterable[Sequence[str]]:
    info = result.bundle.info
    yield "exchange", spec.exchange
    yield "tickers", ", ".join(info.tickers)
    yield "sessions", f"{info.trained_from} to {info.trained_until}"
    yield "rows with all features", f"{result.rows:,}"
    yield "data version", f"`{info.data_version}`"
    newest = max(data.as_of.values(), default=None)
    yield "prices as of", "unknown" if newest is None else newest.isoformat(timespec="seconds")


def _feature_rows(names: Sequence[str]) -> Iterable[Sequence[str]]:
    known = registry()
    for group, count in Counter(known[name].group for name in names).items():
        yield group, str(count)


def _definition_rows(spec: ModelSpec, result: TrainingResult) -> Iterable[Sequence[str]]:
    yield "model type", spec.model_type
    for name, value in result.bundle.info.params.items():
        yield f"`{name}`", f"`{value}`"
    yield "parameters tried", str(result.trials)
    if result.search is not None:
        yield "parameters", f"{winner(result.search.to_dict())}, in the data before the first test window"
    yield "seed", str(spec.seed)
    yield "definition", f"`{spec.spec_hash[:16]}`"
    yield "code", f"`{code_version()}`"


def _validation_text(spec: ModelSpec, result: TrainingResult) -> str:
    validation, first, last = spec.validation, *_span(result)
    return (
        f"{validation.folds} test windows ({validation.scheme}, {validation.embargo} sessions of embargo) from {first}"
        f" to {last}, never trained on. The baseline is the random walk, which forecasts a return of zero. p: chance of"
        " such a skill without one (Diebold-Mariano; adjusted for the number of horizons by Holm)."
    )


def _span(result: TrainingResult) -> tuple[date, date]:
    folds = result.horizons[0].folds
    return folds[0].first, folds[-1].last


_METRICS = ("h", "RMSE", "random walk", "skill", "p", "p adjusted", "direction", "AUC", "Brier", f"in {LEVEL:.0%}")


def _metric_rows(result: TrainingResult) -> Iterable[Sequence[str]]:
    for item in result.horizons:
        scores = item.pooled
        yield (
            str(item.horizon),
            f"{scores.rmse:.3%}",
            f"{scores.random_walk_rmse:.3%}",
            _cell(scores.skill, "{:+.2%}"),
            _cell(None if item.dm is None else item.dm.p_value, "{:.3f}"),
            _cell(item.adjusted_p_value, "{:.3f}"),
            _cell(scores.direction_accuracy, "{:.1%}"),
            _cell(scores.auc, "{:.3f}"),
            _cell(scores.brier, "{:.4f}"),
            _cell(item.coverage, "{:.1%}"),
        )


def _backtest(result: TrainingResult) -> Iterable[str]:
    if not result.backtests:
        yield "None: its validation trains on both sides of each test window, which a strategy could not have known."
        return
    settings = result.backtests[0][1].settings
    yield (
        "Decided at each close on out-of-fold forecasts, executed at the next open,"
        f" {settings.total_bps:g} basis points per side. P(alpha): chance that it earns more than"
        " its share of holding, given how many were tried."
    )
    headings = ("ticker", "h", "return a year", "buy and hold", "Sharpe", "buy and hold", "drawdown", "P(alpha)")
    yield _table(
        headings,
        (
            (
                who.ticker,
                str(found.horizon),
                _cell(found.strategy.annualised_return, "{:+.1%}"),
                _cell(found.buy_and_hold.annualised_return, "{:+.1%}"),
                _cell(found.strategy.sharpe, "{:.2f}"),
                _cell(found.buy_and_hold.sharpe, "{:.2f}"),
                _cell(found.strategy.max_drawdown, "{:.1%}"),
                _cell(found.trading.deflated_alpha, "{:.1%}"),
            )
            for who, found in result.backtests
        ),
    )


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
