"""The panels that all dashboards are made of, with the platform's defaults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as common_model
from grafana_foundation_sdk.models import dashboard as model

PROMETHEUS = model.DataSourceRef(type_val="prometheus", uid="prometheus")
CLICKHOUSE = model.DataSourceRef(type_val="grafana-clickhouse-datasource", uid="clickhouse")

Query = Builder[variants.Dataquery]
Panel = Builder[model.Panel]
Step = tuple[float, str]
"""From this value on, this colour."""

NOTHING = "none"
"""Shown by panels for which no data is what one hopes for; a panel that shows nothing else must always have some."""

_HEIGHT = 8
_STAT_HEIGHT = 5


class Sql(variants.Dataquery):
    """A query of grafana-clickhouse-datasource, version 4; the SDK knows no such data source."""

    def __init__(self, sql: str, *, shape: Literal["timeseries", "table"], ref_id: str = "A") -> None:
        self.sql = sql
        self.shape = shape
        self.ref_id = ref_id

    def to_json(self) -> dict[str, object]:
        return {
            "refId": self.ref_id,
            "datasource": CLICKHOUSE,
            "pluginVersion": "4.0.0",
            "editorType": "sql",
            "queryType": self.shape,
            "format": 0 if self.shape == "timeseries" else 1,
            "rawSql": self.sql,
        }


class _Built(Builder[variants.Dataquery]):
    def __init__(self, query: variants.Dataquery) -> None:
        self._query = query

    def build(self) -> variants.Dataquery:
        return self._query


def promql(expression: str, legend: str = "", *, instant: bool = False) -> prometheus.Dataquery:
    """A query of Prometheus; an instant one gives the newest values only."""
    query = prometheus.Dataquery().expr(expression).legend_format(legend or "__auto").datasource(PROMETHEUS)
    return query.instant() if instant else query.range()


def sql_series(sql: str) -> Query:
    """A query of ClickHouse whose first column is ``time``."""
    return _Built(Sql(sql.strip(), shape="timeseries"))


def sql_table(sql: str) -> Query:
    return _Built(Sql(sql.strip(), shape="table"))


def _lettered(queries: Sequence[Query]) -> list[Query]:
    """Queries of one panel need names of their own."""
    for letter, query in zip("ABCDEFGH", queries, strict=False):
        query.build().ref_id = letter  # type: ignore[attr-defined]  # every query has one, the base class does not say so
    return list(queries)


def _datasource(queries: Sequence[Query]) -> model.DataSourceRef:
    return CLICKHOUSE if isinstance(queries[0].build(), Sql) else PROMETHEUS


def _thresholds(steps: Sequence[Step], first: str = "green") -> dashboard.ThresholdsConfig:
    known = [model.Threshold(None, first), *(model.Threshold(value, colour) for value, colour in steps)]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(known)


def series(
    title: str,
    *queries: Query,
    unit: str = "short",
    description: str = "",
    width: int = 8,
    stacked: bool = False,
    points: bool = False,
    limits: Sequence[Step] = (),
    empty: str = "",
    ends: tuple[float | None, float | None] = (None, None),
) -> Panel:
    """Lines over time.

    Args:
        limits: drawn as dashed lines.
        empty: shown instead of "No data", where none is expected (:data:`NOTHING`).
        ends: of the vertical axis, where they are fixed.
    """
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(_datasource(queries))
        .targets(_lettered(queries))
        .unit(unit)
        .span(width)
        .height(_HEIGHT)
        .line_width(1)
        .fill_opacity(30 if stacked else 8)
        .show_points(common_model.VisibilityMode.ALWAYS if points else common_model.VisibilityMode.NEVER)
        .span_nulls(points)
        .legend(
            common.VizLegendOptions()
            .display_mode(common_model.LegendDisplayMode.LIST)
            .placement(common_model.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(
            common.VizTooltipOptions()
            .mode(common_model.TooltipDisplayMode.MULTI)
            .sort(common_model.SortOrder.DESCENDING)
        )
    )
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(common_model.StackingMode.NORMAL))
    if limits:
        dashed = common.GraphThresholdsStyleConfig().mode(common_model.GraphThresholdsStyleMode.DASHED)
        panel = panel.thresholds(_thresholds(limits)).thresholds_style(dashed)
    if empty:
        panel = panel.no_value(empty)
    low, high = ends
    if low is not None:
        panel = panel.min(low)
    return panel if high is None else panel.max(high)


def number(
    title: str,
    *queries: Query,
    unit: str = "short",
    description: str = "",
    width: int = 4,
    steps: Sequence[Step] = (),
    first: str = "green",
    empty: str = "",
    decimals: int | None = None,
) -> Panel:
    """The newest value of each series, coloured by ``steps``."""
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(_datasource(queries))
        .targets(_lettered(queries))
        .unit(unit)
        .span(width)
        .height(_STAT_HEIGHT)
        .color_mode(common_model.BigValueColorMode.BACKGROUND)
        .graph_mode(common_model.BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(_thresholds(steps, first))
    )
    if empty:
        panel = panel.no_value(empty)
    return panel if decimals is None else panel.decimals(decimals)


def lights(title: str, query: Query, *, description: str = "", width: int = 12, empty: str = "") -> Panel:
    """One light per series: green for 1, red for 0."""
    results = {
        "0": model.ValueMappingResult("down", "red", index=0),
        "1": model.ValueMappingResult("up", "green", index=1),
    }
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(_datasource([query]))
        .targets(_lettered([query]))
        .span(width)
        .height(_HEIGHT)
        .mappings([model.ValueMap(results)])
        .color_mode(common_model.BigValueColorMode.BACKGROUND)
        .graph_mode(common_model.BigValueGraphMode.NONE)
        .text_mode(common_model.BigValueTextMode.VALUE_AND_NAME)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(_thresholds([(1, "green")], "red"))
    )
    return panel.no_value(empty) if empty else panel


def bars(
    title: str,
    query: Query,
    *,
    unit: str = "short",
    description: str = "",
    width: int = 8,
    steps: Sequence[Step] = (),
    empty: str = "",
) -> Panel:
    """The newest value of each series as a bar."""
    panel = (
        bargauge.Panel()
        .title(title)
        .description(description)
        .datasource(_datasource([query]))
        .targets(_lettered([query]))
        .unit(unit)
        .span(width)
        .height(_HEIGHT)
        .min(0)
        .display_mode(common_model.BarGaugeDisplayMode.BASIC)
        .orientation(common_model.VizOrientation.HORIZONTAL)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(_thresholds(steps))
    )
    return panel.no_value(empty) if empty else panel


def listing(title: str, query: Query, *, description: str = "", width: int = 24, empty: str = "") -> Panel:
    """Rows of a table."""
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(_datasource([query]))
        .targets(_lettered([query]))
        .span(width)
        .height(_HEIGHT)
        .filterable(True)
    )
    if not isinstance(query.build(), Sql):
        # Labels of instant queries come one frame per series; people read one table.
        panel = panel.with_transformation(model.DataTransformerConfig("labelsToFields", options={"mode": "columns"}))
        panel = panel.with_transformation(model.DataTransformerConfig("merge", options={}))
    return panel.no_value(empty) if empty else panel
