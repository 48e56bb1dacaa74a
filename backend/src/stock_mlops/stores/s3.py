"""What everything kept in S3 has in common: the client, the bucket, and errors that name the server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from stock_kit.server_settings import S3Settings

from stock_mlops.errors import DependencyUnavailableError

GONE = frozenset({"404", "NoSuchKey", "NoSuchBucket"})
"""Codes of errors that say that there is no such thing."""


def open_s3(settings: S3Settings) -> Any:
    import boto3  # 0.4 s, and most commands need none of it
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=settings.endpoint_url,
        aws_access_key_id=settings.access_key,
        aws_secret_access_key=settings.secret_key.get_secret_value(),
        region_name=settings.region,
        config=Config(connect_timeout=5, read_timeout=60, retries={"max_attempts": 3}),
    )


def ensure_bucket(client: Any, bucket: str) -> None:
    from botocore.exceptions import ClientError

    try:
        client.create_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise


@contextmanager
def s3_errors(settings: S3Settings) -> Iterator[None]:
    """Raises :class:`DependencyUnavailableError` where the server does not answer or refuses."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise DependencyUnavailableError(f"S3 at {settings.endpoint_url}", str(error)) from error
