"""From Prometheus text to the few samples a dashboard shows live."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import isfinite

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

MAX_SAMPLES = 500
# Tells how many samples did not fit, in the event itself.
DROPPED_KEY = "stock_publisher_samples_dropped"

_FAMILIES = ("stock_", "http_", "process_")
# Buckets are most of a page and Prometheus keeps them; "created" is a time, not a measurement.
_SKIPPED_SUFFIXES = ("_bucket", "_created")
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*[{ ]")


class NotMetricsError(ValueError):
    """The answer is no Prometheus text."""


def flatten(text: str, limit: int = MAX_SAMPLES) -> dict[str, float]:
    """``{'http_requests_total{route="/x"}': 12.0}`` of the families that the platform shows, finite values only.

    Raises:
        NotMetricsError: ``text`` cannot be parsed.
    """
    samples: dict[str, float] = {}
    dropped = 0
    for sample in _parse(_wanted(text.splitlines())):
        if not isfinite(sample.value):
            continue
        if len(samples) < limit:
            samples[_key(sample)] = sample.value
        else:
            dropped += 1
    if dropped:
        samples[DROPPED_KEY] = dropped
    return samples


def _wanted(lines: Iterable[str]) -> Iterator[str]:
    """Leaves out before parsing what nobody asked for: parsing is the costly part."""
    for line in lines:
        if not line or line.startswith("#"):
            continue
        if not _NAME.match(line):
            raise NotMetricsError(f"expected Prometheus text, got {line[:60]!r}")
        name = line.partition("{")[0].partition(" ")[0]
        if name.startswith(_FAMILIES) and not name.endswith(_SKIPPED_SUFFIXES):
            yield line


def _parse(lines: Iterable[str]) -> Iterator[Sample]:
    try:
        for family in text_string_to_metric_families("\n".join(lines) + "\n"):
            yield from family.samples
    except ValueError as error:
        raise NotMetricsError(f"expected Prometheus text: {error}") from error


def _key(sample: Sample) -> str:
    if not sample.labels:
        return sample.name
    labels = ",".join(f'{name}="{_escape(value)}"' for name, value in sorted(sample.labels.items()))
    return f"{sample.name}{{{labels}}}"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
