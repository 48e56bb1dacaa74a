"""The report of a simulation, as Markdown and as a page that needs nothing outside of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from stock_mlops.simulation.plan import Plan
from stock_mlops.stores.simulations import Decision, SimulatedAlert

Row = Sequence[str]
_NONE = "-"
_SHOWN_ALERTS = 200
_WIDTH, _HEIGHT, _MARGIN = 860, 220, 44

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 56rem; padding: 0 1rem; color: #1c2430;
  background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #dde2ea; vertical-align: top; }
th { font-weight: 600; } td.number { text-align: right; white-space: nowrap; }
.wide { overflow-x: auto; } figure { margin: 1rem 0; } figcaption { font-size: .85rem; color: #566; }
svg { width: 100%; height: auto; } text { font: 11px system-ui, sans-serif; fill: #566; }
@media (prefers-color-scheme: dark) { body { background: #14181f; color: #dde3ec; } th, td { border-color: #333c49; }
  text, figcaption { fill: #9aa6b5; color: #9aa6b5; } }
"""


class SimulationReport:
    """
    Args:
        summary: of ``simulation.summary.summarise``.
        decisions: the oldest first.
    """

    def __init__(
        self,
        plan: Plan,
        name: str,
        summary: Mapping[str, Any],
        decisions: Sequence[Decision],
        alerts: Sequence[SimulatedAlert],
    ) -> None:
        self._plan = plan
        self._title = name or f"{', '.join(plan.tickers)}, {plan.first} to {plan.last}"
        self._summary = summary
        self._decisions = decisions
        self._alerts = alerts

    def markdown(self) -> str:
        lines = [f"# Simulation: {self._title}", "", self._about(), ""]
        for heading, text, header, rows in self._sections():
            lines += [f"## {heading}", "", *([text, ""] if text else [])]
            if rows:
                lines += [_markdown_row(header), _markdown_row(["---"] * len(header)), *map(_markdown_row, rows), ""]
        return "\n".join(lines)

    def html(self) -> str:
        parts = [
            "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
            "<meta name='viewport' content='width=device-width, initial-scale=1'>",
            f"<title>Simulation: {escape(self._title)}</title><style>{_STYLE}</style></head><body>",
            f"<h1>Simulation: {escape(self._title)}</h1><p>{escape(self._about())}</p>",
        ]
        for number, (heading, text, header, rows) in enumerate(self._sections()):
            parts.append(f"<h2>{escape(heading)}</h2>" + (f"<p>{escape(text)}</p>" if text else ""))
            if rows:
                parts.append(_html_table(header, rows))
            if number == 0:
                parts.append(self._charts())
        return "".join([*parts, "</body></html>"])

    def _about(self) -> str:
        plan = self._plan
        on = [name for name in ("age", "new_sessions", "error", "coverage", "drift") if _mode(plan, name) != "off"]
        triggers = ", ".join(f"{name} from {_threshold(plan, name):g} on ({_mode(plan, name)})" for name in on)
        return (
            f"{_counted(len(plan.tickers), 'ticker')} of {plan.exchange}, {_counted(len(plan.sessions()), 'session')}"
            f" from {plan.first} to {plan.last}, one forecast of the next close per ticker and session; models of the"
            f" type {plan.model_type}, trained again by {triggers or 'nobody'}; prices from the source {plan.source}."
            " Each session knew only what had closed by then."
        )

    def _sections(self) -> Iterable[tuple[str, str, Row, list[Row]]]:
        found = self._summary
        money = found["money"]
        numbers = [
            ("forecasts", f"{found['forecasts']:,}"),
            ("settled", f"{found['settled']:,}"),
            ("RMSE", _share(found["rmse"], 3)),
            ("skill against the random walk", _share(found["skill"], 2)),
            ("direction right", _share(found["hit_rate"])),
            (f"closes inside intervals of {found['level']:.0%}", _share(found["coverage"])),
            (f"strategy after {money['cost_bps']:g} bp a side", _share(money["strategy_return"])),
            ("buying and holding", _share(money["buy_and_hold_return"])),
            ("Sharpe ratio a year", _number(money["sharpe"])),
            ("deepest fall", _share(money["max_drawdown"])),
            ("retrainings", f"{found['trainings']:,}"),
            ("promotions", f"{found['promotions']:,}"),
            ("rejections", f"{found['rejections']:,}"),
            ("confirmed after probation", f"{found['confirmations']:,}"),
            ("rollbacks", f"{found['rollbacks']:,}"),
            ("failed retrainings", f"{found['failures']:,}"),
            ("alerts", f"{found['alerts']:,}"),
            ("false alarms", f"{found['false_alarms']:,}"),
        ]
        yield "In numbers", "", ("what", "value"), list(numbers)
        yield "By ticker", "", *self._by_ticker()
        yield (
            "Why challengers were rejected",
            "" if found["rejected_because"] else "None was.",
            ("check", "times"),
            [(name, str(count)) for name, count in found["rejected_because"].items()],
        )
        yield "Look-ahead", self._verified(), (), []
        yield (
            "Alerts",
            "A false alarm is an alert of a model's drift, errors or coverage after which, over the next 20 sessions,"
            f" the RMSE stayed below {self._plan.policy.error.threshold:g} times the validated one and the coverage"
            f" within {self._plan.policy.coverage.threshold:.0%} of the stated one.",
            ("detector", "alerts", "false alarms"),
            [
                (name, str(told["alerts"]), str(told["false_alarms"]))
                for name, told in found["alerts_by_detector"].items()
            ],
        )
        yield "Decisions", self._few(len(self._decisions), "step"), *self._steps()
        yield (
            "Alerts one by one",
            self._few(len(self._alerts), "alert", _SHOWN_ALERTS),
            ("raised", "resolved", "severity", "what"),
            [
                (str(item.raised), str(item.resolved or _NONE), item.severity, item.title)
                for item in self._alerts[:_SHOWN_ALERTS]
            ],
        )

    def _by_ticker(self) -> tuple[Row, list[Row]]:
        header = (
            "ticker", "settled", "skill", "direction", "coverage", "retrained", "promoted", "rejected", "rolled back",
            "strategy", "holding",
        )  # fmt: skip
        rows = [
            (
                item["ticker"],
                str(item["settled"]),
                _share(item["skill"], 2),
                _share(item["hit_rate"]),
                _share(item["coverage"]),
                str(item["trainings"]),
                str(item["promotions"]),
                str(item["rejections"]),
                str(item["rollbacks"]),
                _share(item["strategy_return"]),
                _share(item["buy_and_hold_return"]),
            )
            for item in self._summary["by_ticker"]
        ]
        return header, list(rows)

    def _verified(self) -> str:
        found = self._summary["verified"]
        if found is None:
            return "Nobody asked for a check of sampled days."
        text = (
            f"{found['days']} sampled days were computed again from data cut at their close: {found['equal']} gave the"
            " same forecasts and decisions."
        )
        return " ".join([text, *found["differences"]])

    def _steps(self) -> tuple[Row, list[Row]]:
        rows = [
            (
                str(item.session),
                item.ticker,
                item.event,
                item.to_state,
                str(item.challenger or _NONE),
                item.detail,
            )
            for item in self._decisions
        ]
        return ("session", "ticker", "happened", "state", "version", "why"), list(rows)

    @staticmethod
    def _few(count: int, what: str, shown: int | None = None) -> str:
        if not count:
            return f"No {what}."
        return f"The first {shown} of {count:,}." if shown is not None and count > shown else ""

    def _charts(self) -> str:
        series = self._summary["series"]
        months = [item["month"] for item in series]
        money = _chart(
            "Equity at each month's end, after costs",
            months,
            {"strategy": [item["strategy"] for item in series], "holding": [item["buy_and_hold"] for item in series]},
        )
        level = self._summary["level"]
        coverage = _chart(
            f"Share of closes inside their intervals by month; stated {level:.0%}",
            months,
            {"realised": [item["coverage"] for item in series], "stated": [level] * len(series)},
        )
        return money + coverage


_COLORS = ("#2f6fde", "#d07a1d")


def _chart(title: str, labels: Sequence[str], lines: Mapping[str, Sequence[float | None]]) -> str:
    known = [value for values in lines.values() for value in values if value is not None]
    if len(labels) < 2 or not known:
        return ""
    low, high = min(known), max(known)
    spread = (high - low) or 1.0

    def at(place: int, value: float) -> str:
        x = _MARGIN + place * (_WIDTH - 2 * _MARGIN) / (len(labels) - 1)
        y = _HEIGHT - _MARGIN - (value - low) / spread * (_HEIGHT - 2 * _MARGIN)
        return f"{x:.1f},{y:.1f}"

    drawn = []
    for number, (name, values) in enumerate(lines.items()):
        points = " ".join(at(place, value) for place, value in enumerate(values) if value is not None)
        color = _COLORS[number % len(_COLORS)]
        drawn.append(f"<polyline points='{points}' fill='none' stroke='{color}' stroke-width='1.8'/>")
        drawn.append(f"<text x='{_MARGIN + number * 120}' y='16' style='fill:{color}'>{escape(name)}</text>")
    ends = (
        f"<text x='4' y='{_HEIGHT - _MARGIN}'>{low:.2f}</text><text x='4' y='{_MARGIN}'>{high:.2f}</text>"
        f"<text x='{_MARGIN}' y='{_HEIGHT - 14}'>{escape(labels[0])}</text>"
        f"<text x='{_WIDTH - _MARGIN}' y='{_HEIGHT - 14}' text-anchor='end'>{escape(labels[-1])}</text>"
    )
    return (
        f"<figure><svg viewBox='0 0 {_WIDTH} {_HEIGHT}' role='img' aria-label='{escape(title)}'>"
        f"{''.join(drawn)}{ends}</svg><figcaption>{escape(title)}</figcaption></figure>"
    )


def _html_table(header: Row, rows: Sequence[Row]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<div class='wide'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _markdown_row(cells: Row) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _share(value: float | None, digits: int = 1) -> str:
    return _NONE if value is None else f"{value:.{digits}%}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:.2f}"


def _mode(plan: Plan, name: str) -> str:
    mode: str = getattr(plan.policy, name).mode
    return mode


def _threshold(plan: Plan, name: str) -> float:
    threshold: float = getattr(plan.policy, name).threshold
    return threshold
