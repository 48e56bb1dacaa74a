"""The platform's buckets as a tar stream: ``export`` writes it to standard output, ``import`` reads it back.

Runs inside a backend container (backup.sh and restore.sh hand it to ``python -c``), where boto3 and the settings are.
One object at a time is in memory.
"""

import io
import sys
import tarfile
from typing import Any

import boto3
from stock_kit.settings import load_settings


def export(client: Any, buckets: list[str]) -> int:
    count = 0
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        for bucket in buckets:
            for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                for item in page.get("Contents", []):
                    body = client.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
                    entry = tarfile.TarInfo(f"{bucket}/{item['Key']}")
                    entry.size = len(body)
                    entry.mtime = int(item["LastModified"].timestamp())
                    archive.addfile(entry, io.BytesIO(body))
                    count += 1
    return count


def restore(client: Any, buckets: list[str]) -> int:
    count = 0
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
        for entry in archive:
            bucket, _, key = entry.name.partition("/")
            body = archive.extractfile(entry)
            if bucket not in buckets or body is None:
                raise SystemExit(f"s3_archive: expected objects of {', '.join(buckets)}; got {entry.name}")
            client.put_object(Bucket=bucket, Key=key, Body=body.read())
            count += 1
    return count


def main() -> None:
    s3 = load_settings().s3
    client = boto3.client(
        "s3",
        endpoint_url=s3.endpoint_url,
        aws_access_key_id=s3.access_key,
        aws_secret_access_key=s3.secret_key.get_secret_value(),
        region_name=s3.region,
    )
    act = {"export": export, "import": restore}[sys.argv[1]]
    print(f"s3_archive: {act(client, [s3.mlflow_bucket, s3.export_bucket])} objects", file=sys.stderr)


if __name__ == "__main__":
    main()
