"""A dashboard's frame: rows, variables, time range, links."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as model

from stock_dashboards.panels import PROMETHEUS, Panel

TAG = "stock-mlops"

Row = tuple[str, Sequence[Panel]]


def variable(name: str, label: str, query: str, default: str) -> dashboard.QueryVariable:
    """One choice among the values of a label; ``default`` is chosen first."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(PROMETHEUS)
        .query(query)
        .current(model.VariableOption(True, default, default))
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
    )


def many(name: str, label: str, query: str) -> dashboard.QueryVariable:
    """Any number of the values of a label, all at first; to be used as ``=~"$name"``."""
    return (
        variable(name, label, query, "$__all")
        .current(model.VariableOption(True, "All", "$__all"))
        .multi(True)
        .include_all(True)
        .all_value(".*")
    )


def instrument() -> list[dashboard.QueryVariable]:
    """Exchange and ticker; AAPL, which the demo trains, at first."""
    return [
        variable("exchange", "Exchange", "label_values(stock_predictions_total, exchange)", "US"),
        variable("ticker", "Ticker", 'label_values(stock_predictions_total{exchange="$exchange"}, ticker)', "AAPL"),
    ]


def board(
    uid: str,
    title: str,
    description: str,
    rows: Sequence[Row],
    variables: Sequence[dashboard.QueryVariable] = (),
    *,
    since: str = "now-1h",
    refresh: str = "15s",
) -> model.Dashboard:
    frame = (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .timezone("browser")
        .time(since, "now")
        .refresh(refresh)
        .readonly()
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .variables(list(variables))
        .link(
            dashboard.DashboardLink("Dashboards")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .keep_time(True)
        )
    )
    for name, panels in rows:
        frame = frame.with_row(dashboard.Row(name))
        for panel in panels:
            frame = frame.with_panel(panel)
    built = frame.build()
    for number, placed in enumerate(built.panels or (), start=1):
        placed.id_val = number
    return built
