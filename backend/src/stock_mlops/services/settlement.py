"""Settlement: when a session's close arrives, the predictions that aimed at it get their outcome.

It runs after each load for what was loaded, and now and then for all, since a prediction may be stored after the close
that it was waiting for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.exceptions import OperationalError as ClickHouseUnavailable
from stock_kit.clock import wall_now
from stock_kit.logging import get_logger
from stock_kit.settings import Settings

from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.instruments import Instrument
from stock_mlops.services.pipeline_metrics import NOT_SETTLED
from stock_mlops.stores.clickhouse import get_client
from stock_mlops.stores.settlements import SettledGroup, Settlements

log = get_logger(__name__)

# Predictions that one statement looks at, unless one instrument has more: some 300 MB of ClickHouse's memory.
_BATCH = 200_000
# Their names travel in the statement's address, which servers bound.
_BATCH_INSTRUMENTS = 500


class SettlementTable(Protocol):
    """``stores.settlements.Settlements``, or a list in a test."""

    def predicted(self, instruments: Collection[Instrument] | None = None) -> Mapping[Instrument, int]: ...

    def settle(self, instruments: Collection[Instrument], settled_at: datetime) -> list[SettledGroup]: ...


@dataclass(frozen=True, slots=True)
class SettlementReport:
    """What a pass settled, by instrument, model version and horizon; what it left alone is not in it."""

    groups: tuple[SettledGroup, ...] = ()

    @property
    def settled(self) -> int:
        """Predictions settled for the first time."""
        return sum(group.settled for group in self.groups)

    @property
    def revised(self) -> int:
        """Predictions settled again because a price was revised."""
        return sum(group.revised for group in self.groups)


class Settlement:
    """Settles predictions. Two passes at once settle the same rows with the same outcome, and both report them."""

    def __init__(self, table: SettlementTable, now: Callable[[], datetime] = wall_now) -> None:
        self._table = table
        self._now = now

    def settle(self, instruments: Collection[Instrument] | None = None) -> SettlementReport:
        """Settle the predictions of ``instruments``; None: of all. Idempotent.

        Raises:
            DependencyUnavailableError: ClickHouse does not answer; what is not settled yet, the next pass settles.
        """
        try:
            predicted = self._table.predicted(instruments)
            groups = [
                group for batch in _batches(predicted) for group in self._table.settle(batch, settled_at=self._now())
            ]
        except ClickHouseUnavailable as error:
            raise DependencyUnavailableError("ClickHouse", str(error).strip()) from error
        report = SettlementReport(tuple(groups))
        if groups:
            log.info("predictions_settled", settled=report.settled, revised=report.revised)
        return report


def _batches(predicted: Mapping[Instrument, int]) -> Iterator[list[Instrument]]:
    batch: list[Instrument] = []
    size = 0
    for instrument in sorted(predicted):
        if batch and (size + predicted[instrument] > _BATCH or len(batch) == _BATCH_INSTRUMENTS):
            yield batch
            batch, size = [], 0
        batch.append(instrument)
        size += predicted[instrument]
    if batch:
        yield batch


def open_settlement(settings: Settings) -> Settlement:
    """The use case over the ClickHouse of ``settings``."""
    return Settlement(Settlements(partial(get_client, settings.clickhouse)))


def settle_loaded(settlement: Settlement) -> Callable[[list[Instrument]], None]:
    """To be told what was loaded. A failure must not fail the load: the next pass settles what this one did not."""

    def settle(instruments: list[Instrument]) -> None:
        try:
            settlement.settle(instruments)
        except (DependencyUnavailableError, ClickHouseError) as error:
            NOT_SETTLED.inc()
            log.warning("predictions_not_settled", instruments=len(instruments), error=str(error))

    return settle
