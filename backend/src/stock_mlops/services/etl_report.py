"""The report of an ETL run: its tickers so far. Kept as JSON in ``etl_runs``, shown by commands and Prefect's page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from stock_mlops.instruments import Instrument
from stock_mlops.services.ingest_report import Rejection, TickerReport

# A page is read by people; the quarantine table has all.
_REJECTIONS_ON_A_PAGE = 20


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run."""

    total: int | None = None
    """How many tickers there will be; None until the source was read."""
    tickers: tuple[TickerReport, ...] = ()
    """Those that ended, by instrument."""
    error: str | None = None
    """Why the source gave nothing at all, such as a file without a column of dates."""

    @property
    def failed(self) -> bool:
        """Nothing was loaded: the source was refused, or every ticker failed."""
        return self.error is not None or (bool(self.tickers) and all(item.error is not None for item in self.tickers))

    @property
    def written(self) -> int:
        """Raw rows that are new or changed."""
        return sum(item.new + item.changed for item in self.tickers)

    @property
    def rejected(self) -> int:
        return sum(item.rejected for item in self.tickers)

    def to_dict(self) -> dict[str, Any]:
        return {"total": self.total, "tickers": [item.as_dict() for item in self.tickers], "error": self.error}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunReport:
        """The inverse of :meth:`to_dict`; an empty mapping is a run that has just begun."""
        tickers = tuple(_ticker(item) for item in data.get("tickers", ()))
        return cls(total=data.get("total"), tickers=tickers, error=data.get("error"))

    def markdown(self, source: str) -> str:
        """The report as a page."""
        if self.error is not None:
            return f"## ETL from {source}\n\n**Refused:** {self.error}"
        lines = [
            f"## ETL from {source}",
            "",
            "| ticker | read | new | changed | unchanged | rejected | first | last | outcome |",
            "|---|--:|--:|--:|--:|--:|---|---|---|",
            *(_table_row(item) for item in self.tickers),
        ]
        for item in self.tickers:
            lines += _rejections(item)
        return "\n".join(lines)


def _ticker(data: Mapping[str, Any]) -> TickerReport:
    rest = {key: value for key, value in data.items() if key not in ("exchange", "ticker")}
    rest["rejections"] = [Rejection(**{**item, "session": _day(item["session"])}) for item in data["rejections"]]
    spans = {key: _day(data[key]) for key in ("first_session", "last_session")}
    return TickerReport(Instrument(data["exchange"], data["ticker"]), **{**rest, **spans})


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _table_row(item: TickerReport) -> str:
    numbers = (item.rows_read, item.new, item.changed, item.unchanged, item.rejected)
    outcome = "loaded" if item.error is None else item.error.replace("|", "¦").replace("\n", " ")
    span = (str(item.first_session or ""), str(item.last_session or ""))
    return f"| {' | '.join([item.instrument.key, *(f'{number:,}' for number in numbers), *span, outcome])} |"


def _rejections(item: TickerReport) -> list[str]:
    if not item.rejected:
        return []
    shown = item.rejections[:_REJECTIONS_ON_A_PAGE]
    hidden = item.rejected - len(shown)
    return [
        "",
        f"### {item.instrument}: {item.rejected:,} rows rejected",
        "",
        *(f"- row {row.row_number} ({row.session or 'no date'}): {row.reason}" for row in shown),
        *([f"- and {hidden:,} more, in raw_db's table `quarantine`"] if hidden else []),
    ]
