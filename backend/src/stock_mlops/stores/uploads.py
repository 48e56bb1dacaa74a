"""Files that a user hands over, kept in S3 so that a worker on any machine can read them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from stock_kit.settings import S3Settings

from stock_mlops.errors import DependencyUnavailableError, InvalidRequestError, NotFoundError

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
        with self._errors():
            if not self._exists(key):
                self._ensure_bucket()
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
        with self._errors():
            if not self._exists(key):
                raise NotFoundError(f"bucket {self._settings.export_bucket} holds no {key}: upload the file again")
            self._client.download_file(self._settings.export_bucket, key, str(target))
        return target

    @cached_property
    def _client(self) -> Any:
        import boto3  # 0.4 s, and most commands need no upload
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self._settings.endpoint_url,
            aws_access_key_id=self._settings.access_key,
            aws_secret_access_key=self._settings.secret_key.get_secret_value(),
            region_name=self._settings.region,
            config=Config(connect_timeout=5, read_timeout=60, retries={"max_attempts": 3}),
        )

    def _exists(self, key: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            self._client.head_object(Bucket=self._settings.export_bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NoSuchBucket"):
                return False
            raise
        return True

    def _ensure_bucket(self) -> None:
        from botocore.exceptions import ClientError

        try:
            self._client.create_bucket(Bucket=self._settings.export_bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (Boto3Error, BotoCoreError, ClientError) as error:
            raise DependencyUnavailableError(f"S3 at {self._settings.endpoint_url}", str(error)) from error
