"""Reports as HTML pages in S3, named by instrument, moment and model version."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from stock_kit.server_settings import S3Settings

from stock_mlops.errors import InvalidRequestError, NotFoundError
from stock_mlops.instruments import Instrument
from stock_mlops.stores.s3 import GONE, ensure_bucket, open_s3, s3_errors

_FOLDER = "reports/"
_NAME = re.compile(r"([A-Z]+)_([A-Z0-9.^=-]+)_(\d{8}T\d{6})Z_v(\d+)")
_MOMENT = "%Y%m%dT%H%M%S"


@dataclass(frozen=True, slots=True)
class StoredReport:
    name: str
    """``US_AAPL_20261122T031500Z_v3``: also its address."""
    instrument: Instrument
    written_at: datetime
    model_version: int
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class ReportPage:
    items: Sequence[StoredReport]
    """The newest first."""
    next_cursor: str | None
    """Name of the last one; None on the last page."""


def report_page(found: Iterable[StoredReport], limit: int, cursor: str | None) -> ReportPage:
    """Of ``found``, those that come after the report that ``cursor`` names, which may be deleted by now.

    Raises:
        InvalidRequestError: ``cursor`` is no report's name.
    """
    ordered = sorted(found, key=_age, reverse=True)
    if cursor is not None:
        last = stored_report(cursor, 0)
        if last is None:
            message = "expected the next_cursor of the page before"
            raise InvalidRequestError(
                f"cursor: {message}, got {cursor!r}", errors=[{"field": "query.cursor", "message": message}]
            )
        ordered = [report for report in ordered if _age(report) < _age(last)]
    items = ordered[:limit]
    return ReportPage(items, items[-1].name if len(ordered) > limit else None)


class Reports:
    """Every method raises :class:`DependencyUnavailableError` when the S3 server does not answer or refuses."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings

    def put(self, instrument: Instrument, model_version: int, written_at: datetime, page: bytes) -> str:
        """Store a page; returns its name."""
        name = f"{instrument.exchange}_{instrument.ticker}_{written_at.astimezone(UTC):{_MOMENT}}Z_v{model_version}"
        with s3_errors(self._settings):
            ensure_bucket(self._client, self._settings.export_bucket)
            self._client.put_object(
                Bucket=self._settings.export_bucket,
                Key=f"{_FOLDER}{name}.html",
                Body=page,
                ContentType="text/html; charset=utf-8",
            )
        return name

    def get(self, name: str) -> bytes:
        """
        Raises:
            NotFoundError: there is no such report, or not any more.
        """
        from botocore.exceptions import ClientError

        missing = NotFoundError(f"there is no report {name[:100]}; GET /api/monitoring/reports lists what there is")
        if not _NAME.fullmatch(name):
            raise missing
        with s3_errors(self._settings):
            try:
                found = self._client.get_object(Bucket=self._settings.export_bucket, Key=f"{_FOLDER}{name}.html")
            except ClientError as error:
                if error.response["Error"]["Code"] in GONE:
                    raise missing from error
                raise
            page: bytes = found["Body"].read()
        return page

    def page(self, limit: int, cursor: str | None = None, instrument: Instrument | None = None) -> ReportPage:
        """See :func:`report_page`; of one instrument, or of all."""
        prefix = "" if instrument is None else f"{instrument.exchange}_{instrument.ticker}_"
        found = (report for report in self._all(prefix) if instrument in (None, report.instrument))
        return report_page(found, limit, cursor)

    def delete_before(self, moment: datetime) -> int:
        """Delete what was written earlier than that (aware); returns how many."""
        old = [report.name for report in self._all("") if report.written_at < moment]
        with s3_errors(self._settings):
            for name in old:
                self._client.delete_object(Bucket=self._settings.export_bucket, Key=f"{_FOLDER}{name}.html")
        return len(old)

    def _all(self, prefix: str) -> Iterator[StoredReport]:
        from botocore.exceptions import ClientError

        with s3_errors(self._settings):
            try:
                pages = self._client.get_paginator("list_objects_v2").paginate(
                    Bucket=self._settings.export_bucket, Prefix=_FOLDER + prefix
                )
                objects = [item for page in pages for item in page.get("Contents", ())]
            except ClientError as error:
                if error.response["Error"]["Code"] in GONE:
                    return
                raise
        for item in objects:
            report = stored_report(item["Key"].removeprefix(_FOLDER).removesuffix(".html"), item["Size"])
            if report is not None:
                yield report

    @cached_property
    def _client(self) -> Any:
        return open_s3(self._settings)


def stored_report(name: str, size: int) -> StoredReport | None:
    """None when it is no report's name."""
    matched = _NAME.fullmatch(name)
    if matched is None:
        return None
    exchange, ticker, moment, version = matched.groups()
    try:
        written_at = datetime.strptime(moment, _MOMENT).replace(tzinfo=UTC)
        return StoredReport(name, Instrument(exchange, ticker), written_at, int(version), size)
    except ValueError:
        return None


def _age(report: StoredReport) -> tuple[datetime, str]:
    return report.written_at, report.name
