"""Files that a user hands over, kept in S3 so that a worker on any machine can read them."""

from __future__ import annotations

import hashlib
import re
from functools import cached_property
from pathlib import Path
from typing import Any

from stock_kit.server_settings import S3Settings

from stock_mlops.errors import InvalidRequestError, NotFoundError
from stock_mlops.stores.s3 import GONE, ensure_bucket, open_s3, s3_errors

_KEY = re.compile(r"uploads/[0-9a-f]{16}/[A-Za-z0-9_-][A-Za-z0-9._-]*")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+|^\.+")


class Uploads:
    """Uploaded files by key, in the export bucket.

    Every method raises :class:`DependencyUnavailableError` when the S3 server does not answer or refuses.
    """

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings

    def put(self, file: Path) -> str:
        """Store a file; the same content under the same name keeps its key and is not stored twice."""
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()[:16]
        key = f"uploads/{digest}/{_UNSAFE.sub('-', file.name)}"
        with s3_errors(self._settings):
            if not self._exists(key):
                ensure_bucket(self._client, self._settings.export_bucket)
                self._client.upload_file(str(file), self._settings.export_bucket, key)
        return key

    def get(self, key: str, folder: Path) -> Path:
        """Copy an upload into ``folder`` under its own name.

        Raises:
            InvalidRequestError: the key is none of ours.
            NotFoundError: there is no such upload.
        """
        if not _KEY.fullmatch(key):
            raise InvalidRequestError(f"upload: expected a key like uploads/<16 hex digits>/prices.csv, got {key!r}")
        target = folder / key.rpartition("/")[2]
        with s3_errors(self._settings):
            if not self._exists(key):
                raise NotFoundError(f"bucket {self._settings.export_bucket} holds no {key}: upload the file again")
            self._client.download_file(self._settings.export_bucket, key, str(target))
        return target

    @cached_property
    def _client(self) -> Any:
        return open_s3(self._settings)

    def _exists(self, key: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            self._client.head_object(Bucket=self._settings.export_bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return False
            raise
        return True
