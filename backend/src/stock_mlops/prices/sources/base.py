"""What a source of prices is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol

import polars as pl

from stock_mlops.instruments import Instrument
from stock_mlops.prices.schema import REJECTED_SCHEMA, SOURCE_SCHEMA

Timeline = Literal["live", "replay"]


class SourceError(ValueError):
    """The source cannot give prices as asked; the text says what was expected, what came, and what to do.

    Attributes:
        about: what of the caller's is wrong, of a file: the ``file``, its ``columns``, or whose prices they are
            (``ticker``).
    """

    def __init__(self, text: str, *, about: str = "file") -> None:
        super().__init__(text)
        self.about = about


@dataclass(frozen=True)
class FetchRequest:
    """What is wanted of a source."""

    until: datetime
    """Market time: nothing that was not known by then."""
    instruments: tuple[Instrument, ...] | None = None
    """None: all that the source has."""
    stored: Mapping[Instrument, pl.DataFrame] = field(default_factory=dict)
    """The newest stored sessions of an instrument (columns of ``RAW_SCHEMA``, oldest first), so that a source may give
    only what follows; an instrument without any is missing."""
    full: bool = False
    """All history again, whatever is stored."""


@dataclass(frozen=True)
class Fetched:
    """What a source gave for one instrument."""

    instrument: Instrument
    rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SOURCE_SCHEMA))
    rejected: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REJECTED_SCHEMA))
    """Rows that are no prices at all, such as text in a number; the quality gate judges the others."""
    name: str = ""
    """What people call the instrument, where the source knows."""
    vouched: frozenset[date] = frozenset()
    """Sessions whose large move the source knows to be real."""
    notes: tuple[str, ...] = ()
    """What had to be assumed, for the report."""
    error: str | None = None
    """Why there is nothing."""

    @property
    def rows_read(self) -> int:
        return len(self.rows) + len(self.rejected)


class PriceSource(Protocol):
    """Gives raw prices, instrument by instrument, so that one that fails does not fail the others."""

    @property
    def name(self) -> str: ...

    @property
    def timeline(self) -> Timeline:
        """Whose market time its instruments live in."""
        ...

    def instruments(self) -> tuple[Instrument, ...]:
        """What it has; empty when it must be told what to look for.

        Raises:
            SourceError: it cannot be read.
        """
        ...

    def fetch(self, request: FetchRequest) -> Iterable[Fetched]:
        """The prices of each instrument asked for, one answer each.

        Raises:
            SourceError: nothing can be given for anybody.
        """
        ...
