"""ETL runs in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from stock_kit.model_settings import EtlSettings
from stock_mlops.errors import ConflictError, NotFoundError
from stock_mlops.services.etl_control import EtlOrder, EtlStatus, check_file

STARTED = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass
class Loads:
    """``error``, when set, is what each call raises."""

    error: Exception | None = None
    orders: list[EtlOrder] = field(default_factory=list)
    files: list[bytes] = field(default_factory=list)
    known: dict[UUID, EtlStatus] = field(default_factory=dict)

    def start(self, order: EtlOrder) -> EtlStatus:
        self._check()
        self.orders.append(order)
        status = EtlStatus(uuid4(), "pending", order.source, STARTED, None, None, {})
        self.known[status.id] = status
        return status

    def upload(self, file: Path, order: EtlOrder, *, skip_bad_rows: bool) -> EtlStatus:
        check_file(file, order, EtlSettings(), skip_bad_rows=skip_bad_rows)
        self.files.append(file.read_bytes())
        return self.start(order)

    def status(self, run_id: UUID) -> EtlStatus:
        self._check()
        if run_id not in self.known:
            raise NotFoundError(f"there is no ETL run {run_id}")
        return self.known[run_id]

    def cancel(self, run_id: UUID) -> EtlStatus:
        status = self.status(run_id)
        if status.state != "pending":
            raise ConflictError("it has ended already")
        self.known[run_id] = replace(status, state="cancelled")
        return self.known[run_id]

    def newest(self, limit: int) -> list[EtlStatus]:
        self._check()
        return list(self.known.values())[::-1][:limit]

    def _check(self) -> None:
        if self.error is not None:
            raise self.error
