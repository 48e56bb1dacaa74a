"""Prometheus metrics of the closed loop."""

from __future__ import annotations

from prometheus_client import Counter

from stock_mlops.retraining.cycle import Event

RETRAINING_STEPS = Counter("stock_retraining_steps_total", "Steps that retrainings took", ["event"])
RETRAINING_FAILURES = Counter("stock_retraining_failures_total", "Passes that could not advance a model")
# Told from the beginning: of a series that appears with its first step, nobody can say that it grew.
for _event in Event:
    RETRAINING_STEPS.labels(_event)
