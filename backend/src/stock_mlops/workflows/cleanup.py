"""The flow ``cleanup``: what was kept long enough goes."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from prefect import flow
from prefect.logging import get_run_logger
from stock_kit.clock import wall_now
from stock_kit.settings import get_settings

from stock_mlops.stores.clickhouse import get_client
from stock_mlops.stores.monitoring import MonitoringTable
from stock_mlops.stores.reports import Reports
from stock_mlops.workflows.schedules import Every

CLEAN_DUE = Every(timedelta(days=1), offset=timedelta(hours=4))


@flow(name="cleanup", flow_run_name="delete what was kept long enough", persist_result=False)
def cleanup() -> None:
    """Delete old reports and measurements. Safe to repeat."""
    settings = get_settings()
    own = settings.monitoring
    gone = Reports(settings.s3).delete_before(wall_now() - own.report_retention)
    MonitoringTable(partial(get_client, settings.clickhouse)).delete_before(wall_now() - own.retention)
    get_run_logger().info("%s reports deleted", gone)
