"""Model versions as folders on this machine: downloaded once from MLflow, read again after a restart."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Protocol
from uuid import uuid4
from zipfile import BadZipFile

from stock_kit.clock import wall_seconds
from stock_kit.logging import get_logger

from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.stores.catalog import Champion

log = get_logger(__name__)

# Versions of one model kept on disk, those used last: the one that serves, and the one before it, which a slow process
# may still read and a rollback goes back to.
_KEEP = 2
# A download that has not ended after so long was interrupted.
_ABANDONED_SECONDS = 3600.0


class Downloads(Protocol):
    def download(self, artifact_uri: str, folder: Path) -> int:
        """Copy the files below a URI into a folder; returns their bytes."""
        ...


class ModelFiles:
    """Loads versions, downloading what is not here yet. Several processes may share the folder."""

    def __init__(self, source: Downloads, folder: Path) -> None:
        self._source = source
        self._folder = folder

    def load(self, ref: Champion) -> ForecastBundle:
        """The version's bundle.

        Raises:
            DependencyUnavailableError: it must be downloaded and MLflow does not answer.
            ValueError: the files are of another model or of an unknown format.
            OSError: the files cannot be read, or the folder cannot be written.
        """
        final = self._folder / ref.registered_name / f"{ref.version:06d}-{ref.run_id}"
        if final.is_dir():
            try:
                bundle = _read(final, ref)
                with suppress(OSError):  # another process may own the folder
                    os.utime(final)
                return bundle
            except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
                log.warning("cached_model_unreadable", folder=str(final), error=str(error))
                shutil.rmtree(final, ignore_errors=True)
        return self._download(ref, final)

    def _download(self, ref: Champion, final: Path) -> ForecastBundle:
        partial = final.parent / f".partial-{uuid4().hex}"
        partial.mkdir(parents=True)
        try:
            size = self._source.download(ref.artifact_uri, partial)
            bundle = _read(partial, ref)
            try:
                # Renamed only when it has been read: what bears the final name is whole.
                partial.rename(final)
            except OSError:
                if not final.is_dir():  # else another process was faster
                    raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        log.info("model_downloaded", model=ref.registered_name, version=ref.version, bytes=size)
        self._prune(final.parent)
        return bundle

    def _prune(self, folder: Path) -> None:
        versions = sorted((entry for entry in folder.iterdir() if entry.name[0] != "."), key=_used_at, reverse=True)
        abandoned = [
            entry for entry in folder.glob(".partial-*") if wall_seconds() - entry.stat().st_mtime > _ABANDONED_SECONDS
        ]
        for entry in (*versions[_KEEP:], *abandoned):
            shutil.rmtree(entry, ignore_errors=True)


def _used_at(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:  # another process was faster
        return 0.0


def _read(folder: Path, ref: Champion) -> ForecastBundle:
    bundle = ForecastBundle.load(folder)
    if bundle.info.registered_model != ref.registered_name:
        raise ValueError(f"{folder}: expected {ref.registered_name}, got {bundle.info.registered_model}")
    return bundle
