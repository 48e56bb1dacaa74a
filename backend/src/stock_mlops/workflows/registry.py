"""The flow ``registry``: thin doors onto ``services.deletion`` and ``services.promotion``."""

from __future__ import annotations

from datetime import timedelta

from prefect import flow
from prefect.logging import get_run_logger
from stock_kit.settings import get_settings

from stock_mlops.services.deletion import open_deletion
from stock_mlops.services.promotion import open_promotion
from stock_mlops.workflows.runner import check_cancelled
from stock_mlops.workflows.schedules import Every

TEND_DUE = Every(timedelta(days=1), offset=timedelta(hours=3))


@flow(name="registry", flow_run_name="tend the model registry", persist_result=False)
def registry() -> None:
    """Purge what was deleted long enough ago, and let MLflow's aliases follow the catalog where they do not."""
    settings, log = get_settings(), get_run_logger()
    with open_deletion(settings) as deletion:
        report = deletion.purge(check_cancelled)
    log.info("%s versions purged, %s could not be", len(report.purged), len(report.failed))
    with open_promotion(settings) as promotion:
        behind = promotion.repair_aliases()
    if behind:
        log.warning("MLflow's aliases are behind the catalog's: %s", ", ".join(behind))
