from __future__ import annotations

from pathlib import Path

import pytest
from stock_mlops.errors import ConflictError, NoDataError
from stock_mlops.instruments import Instrument
from stock_mlops.services.dataset_deletion import DatasetDeletion

AAPL = Instrument("US", "AAPL")


class Stores:
    def __init__(self) -> None:
        self.steps: list[str] = []
        self.known = {AAPL}
        self.trained: set[Instrument] = set()

    def refuse(self, instrument: Instrument) -> None:
        if instrument in self.trained:
            raise ConflictError("it is being trained on")

    def has(self, instrument: Instrument) -> bool:
        return instrument in self.known


class Raw(Stores):
    def delete(self, instrument: Instrument) -> int:
        self.steps.append("raw")
        self.known.discard(instrument)
        return 7


class Warehouse:
    def __init__(self, raw: Raw) -> None:
        self._raw = raw

    def delete(self, instrument: Instrument) -> None:
        self._raw.steps.append("warehouse")


@pytest.fixture
def raw() -> Raw:
    return Raw()


@pytest.fixture
def deletion(raw: Raw, tmp_path: Path) -> DatasetDeletion:
    export = tmp_path / "US" / "AAPL.parquet"
    export.parent.mkdir()
    export.touch()
    return DatasetDeletion(raw, raw, lambda: Warehouse(raw), lambda _: raw.steps.append("caches"), tmp_path)


def test_raw_prices_go_after_what_was_made_of_them_and_caches_after_all(
    deletion: DatasetDeletion, raw: Raw, tmp_path: Path
) -> None:
    assert deletion.delete(AAPL) == 7
    assert raw.steps == ["warehouse", "raw", "caches"]
    assert not (tmp_path / "US" / "AAPL.parquet").exists()
    with pytest.raises(NoDataError):
        deletion.delete(AAPL)
    assert raw.steps == ["warehouse", "raw", "caches"]


def test_nothing_goes_while_something_trains_on_it(deletion: DatasetDeletion, raw: Raw, tmp_path: Path) -> None:
    raw.trained.add(AAPL)
    with pytest.raises(ConflictError):
        deletion.delete(AAPL)
    assert raw.steps == []
    assert (tmp_path / "US" / "AAPL.parquet").exists()
