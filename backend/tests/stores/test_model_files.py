from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.stores.catalog import Champion
from stock_mlops.stores.model_files import ModelFiles

if TYPE_CHECKING:
    from backend.tests.conftest import MakeBundle


def champion(version: int = 1) -> Champion:
    return Champion("stock-US-AAPL", version, f"run{version}", f"mlflow-artifacts:/1/run{version}/artifacts/bundle")


class Mlflow:
    """Hands out one model's files, when it is up."""

    def __init__(self, make_bundle: MakeBundle, ticker: str = "AAPL") -> None:
        self.bundle = make_bundle(ticker)
        self.downloads: list[str] = []
        self.up = True
        self.breaks_off = False

    def download(self, artifact_uri: str, folder: Path) -> int:
        if not self.up:
            raise DependencyUnavailableError("MLflow", "down")
        self.downloads.append(artifact_uri)
        self.bundle.save(folder)
        if self.breaks_off:
            (folder / "linear.npz").write_bytes(b"half")
            raise DependencyUnavailableError("MLflow", "connection reset")
        return 1


@pytest.fixture
def mlflow(make_bundle: MakeBundle) -> Mlflow:
    return Mlflow(make_bundle)


def test_a_version_is_downloaded_once_and_found_again_without_mlflow(mlflow: Mlflow, tmp_path: Path) -> None:
    loaded = ModelFiles(mlflow, tmp_path).load(champion())
    mlflow.up = False
    again = ModelFiles(mlflow, tmp_path).load(champion())  # another process, or the next start
    assert again.predict({"return_1": 0.01, "rsi_14": 0.2}) == loaded.predict({"return_1": 0.01, "rsi_14": 0.2})
    assert len(mlflow.downloads) == 1


def test_a_download_that_breaks_off_leaves_nothing_behind(mlflow: Mlflow, tmp_path: Path) -> None:
    mlflow.breaks_off = True
    with pytest.raises(DependencyUnavailableError):
        ModelFiles(mlflow, tmp_path).load(champion())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    mlflow.breaks_off = False
    ModelFiles(mlflow, tmp_path).load(champion())


def test_files_that_were_damaged_are_fetched_again(mlflow: Mlflow, tmp_path: Path) -> None:
    files = ModelFiles(mlflow, tmp_path)
    files.load(champion())
    (damaged,) = tmp_path.rglob("bundle.json")
    damaged.write_text("{")
    assert files.load(champion()).features == ("return_1", "rsi_14")
    assert len(mlflow.downloads) == 2


def test_a_model_of_another_ticker_is_refused(make_bundle: MakeBundle, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected stock-US-AAPL, got stock-US-IBM"):
        ModelFiles(Mlflow(make_bundle, "IBM"), tmp_path).load(champion())


def test_old_versions_are_removed(mlflow: Mlflow, tmp_path: Path) -> None:
    files = ModelFiles(mlflow, tmp_path)
    for version in range(1, 12):
        files.load(champion(version))
    kept = sorted(path.name for path in (tmp_path / "stock-US-AAPL").iterdir())
    assert kept == ["000010-run10", "000011-run11"]


def test_a_version_that_was_rolled_back_to_stays_beside_newer_ones(mlflow: Mlflow, tmp_path: Path) -> None:
    files = ModelFiles(mlflow, tmp_path)
    for version in (5, 6, 1, 6):
        files.load(champion(version))
    files.load(champion(7))
    kept = {folder.name for folder in (tmp_path / "stock-US-AAPL").iterdir()}
    assert kept == {"000006-run6", "000007-run7"}
    files.load(champion(1))
    files.load(champion(1))
    assert "000001-run1" in {folder.name for folder in (tmp_path / "stock-US-AAPL").iterdir()}
