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
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.reports import Reports
from stock_mlops.stores.retrainings import Retrainings
from stock_mlops.stores.shadow_predictions import ShadowPredictions
from stock_mlops.workflows.schedules import Every

CLEAN_DUE = Every(timedelta(days=1), offset=timedelta(hours=4))


@flow(name="cleanup", flow_run_name="delete what was kept long enough", persist_result=False)
def cleanup() -> None:
    """Delete old reports and measurements, and what challengers forecast in retrainings that ended long ago. Safe to
    repeat."""
    settings = get_settings()
    own = settings.monitoring
    gone = Reports(settings.s3).delete_before(wall_now() - own.report_retention)
    client = partial(get_client, settings.clickhouse)
    MonitoringTable(client).delete_before(wall_now() - own.retention)
    ended = wall_now() - own.shadow_retention
    kept = Retrainings(get_engine(settings.model_meta_db)).not_ended_before(ended)
    ShadowPredictions(client).delete_before(ended, kept)
    get_run_logger().info("%s reports deleted", gone)
