"""What the monitor reads: records of a log, and where it stands in it."""

from __future__ import annotations

from typing import NamedTuple


class Record(NamedTuple):
    """One message as the broker has it."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    value: bytes


class Place(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int
