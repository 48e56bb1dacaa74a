"""Reports of simulations in S3, as HTML and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any
from uuid import UUID

from stock_kit.server_settings import S3Settings

from stock_mlops.errors import NotFoundError
from stock_mlops.stores.s3 import GONE, ensure_bucket, open_s3, s3_errors

_TYPES: Mapping[str, tuple[str, str]] = {
    "html": ("html", "text/html; charset=utf-8"),
    "markdown": ("md", "text/markdown; charset=utf-8"),
}


class SimulationReports:
    """Every method raises :class:`DependencyUnavailableError` when the S3 server does not answer or refuses."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings

    def put(self, simulation_id: UUID, kind: str, content: bytes) -> None:
        """Store the report of a kind (html or markdown) in the place of an earlier one."""
        with s3_errors(self._settings):
            ensure_bucket(self._client, self._settings.export_bucket)
            self._client.put_object(
                Bucket=self._settings.export_bucket,
                Key=_key(simulation_id, kind),
                Body=content,
                ContentType=_TYPES[kind][1],
            )

    def get(self, simulation_id: UUID, kind: str) -> bytes:
        """
        Raises:
            NotFoundError: there is none (yet).
        """
        from botocore.exceptions import ClientError

        with s3_errors(self._settings):
            try:
                found = self._client.get_object(Bucket=self._settings.export_bucket, Key=_key(simulation_id, kind))
            except ClientError as error:
                if error.response["Error"]["Code"] in GONE:
                    raise NotFoundError(
                        f"simulation {simulation_id} has no report; it is written when the simulation is completed"
                    ) from error
                raise
            content: bytes = found["Body"].read()
        return content

    def delete(self, simulation_id: UUID) -> None:
        with s3_errors(self._settings):
            ensure_bucket(self._client, self._settings.export_bucket)
            for kind in _TYPES:
                self._client.delete_object(Bucket=self._settings.export_bucket, Key=_key(simulation_id, kind))

    @cached_property
    def _client(self) -> Any:
        return open_s3(self._settings)


def _key(simulation_id: UUID, kind: str) -> str:
    return f"simulations/{simulation_id}.{_TYPES[kind][0]}"
