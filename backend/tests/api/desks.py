"""Twins of what backend1's smaller routes ask: instruments, watchlists, the platform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from stock_mlops.instruments import Instrument
from stock_mlops.services.platform import QueueState, Versions
from stock_mlops.stores.instrument_names import Listing
from stock_mlops.stores.watchlists import Watchlist, WatchlistNameTakenError

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LISTINGS = [
    Listing(Instrument("US", "AAPL"), "Apple Inc.", "replay"),
    Listing(Instrument("US", "BRK.B"), "Berkshire Hathaway", "live"),
    Listing(Instrument("TW", "2330"), "Taiwan Semiconductor", "live"),
]


@dataclass
class Desks:
    """``error``, when set, is what each of them raises."""

    error: Exception | None = None
    lists: dict[UUID, Watchlist] = field(default_factory=dict)

    def check(self) -> None:
        if self.error is not None:
            raise self.error

    def search(self, words: str, exchange: str | None, limit: int) -> Sequence[Listing]:
        self.check()
        found = [
            item
            for item in LISTINGS
            if exchange in (None, item.instrument.exchange)
            and words.lower() in f"{item.instrument.ticker} {item.name}".lower()
        ]
        return found[:limit]

    def of(self, owner: str) -> Sequence[Watchlist]:
        self.check()
        return sorted((item for item in self.lists.values() if item.owner == owner), key=lambda item: item.name)

    def get(self, owner: str, watchlist_id: UUID) -> Watchlist | None:
        self.check()
        found = self.lists.get(watchlist_id)
        return found if found is not None and found.owner == owner else None

    def _refuse_name(self, owner: str, name: str, watchlist_id: UUID | None) -> None:
        if any(item.name == name and item.id != watchlist_id for item in self.of(owner)):
            raise WatchlistNameTakenError(name)

    def create(self, owner: str, name: str, instruments: Sequence[Instrument]) -> Watchlist:
        self._refuse_name(owner, name, None)
        made = Watchlist(uuid4(), owner, name, tuple(instruments), NOW, NOW)
        self.lists[made.id] = made
        return made

    def replace(self, owner: str, watchlist_id: UUID, name: str, instruments: Sequence[Instrument]) -> Watchlist | None:
        known = self.get(owner, watchlist_id)
        if known is None:
            return None
        self._refuse_name(owner, name, watchlist_id)
        self.lists[watchlist_id] = replace(known, name=name, instruments=tuple(instruments))
        return self.lists[watchlist_id]

    def delete(self, owner: str, watchlist_id: UUID) -> bool:
        return self.get(owner, watchlist_id) is not None and self.lists.pop(watchlist_id) is not None

    def versions(self) -> Versions:
        self.check()
        return Versions("0.1.0+abc", "1-def", "3.11.2", {"numpy": "2.4"}, {"raw_db": "raw_0001"})

    def queue_states(self) -> Sequence[QueueState]:
        self.check()
        return [QueueState("train", 2, 1, 1, ["train@host"]), QueueState("predict", 0, 0, 0, [])]
