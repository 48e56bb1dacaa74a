"""Prometheus metrics of the Celery workers."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from stock_mlops.services.jobs import Outcome
from stock_mlops.stores.queue import TASKS

JOB_SECONDS = Histogram(
    "stock_job_duration_seconds",
    "Time a worker spent on one delivery of a job",
    ["kind", "outcome"],
    buckets=(0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0),
)
# Told from the beginning: of a series that appears with its first job, nobody can say that it grew.
for _kind in TASKS:
    for _outcome in Outcome:
        JOB_SECONDS.labels(str(_kind), str(_outcome))

TRAINING_SECONDS = Histogram(
    "stock_training_duration_seconds",
    "Time to validate, fit and evaluate one model, without reading its data and registering it",
    ["model_type"],
    buckets=(0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0),
)
TRAINED = Counter(
    "stock_trained_versions_total",
    "Versions entered in the catalog: champion (it serves), challenger (the gate refused it), deleted (its definition)",
    ["model_type", "alias"],
)
GATE_FAILURES = Counter("stock_gate_failures_total", "Checks that a newly trained version did not pass", ["check"])
