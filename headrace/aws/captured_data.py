"""Captured predictions in S3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from headrace.aws.capture import capture_prefix
from headrace.aws.capture_window import StoredObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_AT_ONCE = 8
"""Objects that are fetched at the same time: they are many and small, and S3 answers in tens of milliseconds."""


class CapturedData:
    """The objects below ``capture/<endpoint>/`` of one bucket."""

    def __init__(self, client: S3Client, bucket: str, endpoint: str) -> None:
        self._client, self._bucket, self._endpoint = client, bucket, endpoint

    def variants(self) -> list[str]:
        """Return the variants that have answered anything."""
        folder = f"capture/{self._endpoint}/"
        found = list_folders(self._client, self._bucket, folder)
        return [prefix.removeprefix(folder).rstrip("/") for prefix in found]

    def list_objects(self, variant: str, first_hour: str) -> list[StoredObject]:
        """Return the objects of `variant` from the partition `first_hour` on; all if it is empty."""
        return list_objects(self._client, self._bucket, capture_prefix(self._endpoint, variant), first_hour)

    def read(self, keys: Sequence[str]) -> Iterator[bytes]:
        """Yield the objects of `keys`, in that order."""
        return read_objects(self._client, self._bucket, keys)


def list_folders(client: S3Client, bucket: str, prefix: str) -> list[str]:
    """Return the folders in `prefix`, each with all of its path and a slash at its end."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
    return [item["Prefix"] for page in pages for item in page.get("CommonPrefixes", [])]


def list_objects(client: S3Client, bucket: str, prefix: str, first: str = "") -> list[StoredObject]:
    """Return the objects below `prefix` from the partition `first` on; all if it is empty."""
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix, StartAfter=f"{prefix}{first}"
    )
    return [
        StoredObject(item["Key"], item["LastModified"], item["Size"])
        for page in pages
        for item in page.get("Contents", [])
    ]


def read_objects(client: S3Client, bucket: str, keys: Sequence[str]) -> Iterator[bytes]:
    """Yield objects in the order of their keys, several of which are fetched at once."""

    def fetch(key: str) -> bytes:
        return bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(fetch, keys)
