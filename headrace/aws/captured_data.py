"""Captured predictions in S3, and how far they have been checked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from headrace.aws.capture import capture_prefix
from headrace.aws.capture_window import START, CapturedObject, Checkpoint

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client


class CapturedData:
    """The objects below ``capture/<endpoint>/`` of one bucket."""

    def __init__(self, client: S3Client, bucket: str, endpoint: str) -> None:
        self._client, self._bucket, self._endpoint = client, bucket, endpoint

    def list_objects(self, variant: str, first_hour: str) -> list[CapturedObject]:
        """Return the objects of `variant` from the partition `first_hour` on; all if it is empty."""
        prefix = capture_prefix(self._endpoint, variant)
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, StartAfter=f"{prefix}{first_hour}"
        )
        return [
            CapturedObject(item["Key"], item["LastModified"], item["Size"])
            for page in pages
            for item in page.get("Contents", [])
        ]

    def lines(self, key: str) -> Iterator[str]:
        """Yield the records of one object."""
        body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
        for line in body.iter_lines():
            if line:
                yield line.decode()


class CheckpointLog:
    """The items ``monitor`` of the ledger table: one checkpoint per variant."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, variant: str) -> Checkpoint:
        """Return how far `variant` has been checked; :data:`START` if it never was."""
        item = self._table.get_item(Key=_key(variant), ConsistentRead=True).get("Item")
        if item is None:
            return START
        seen = item.get("seen", [])
        return Checkpoint(
            datetime.fromisoformat(str(item["checked_upto"])),
            frozenset(str(digest) for digest in seen) if isinstance(seen, list) else frozenset(),
        )

    def save(self, variant: str, checkpoint: Checkpoint) -> None:
        """Write down that `variant` has been checked up to `checkpoint`."""
        self._table.put_item(
            Item={
                **_key(variant),
                "checked_upto": checkpoint.checked_upto.isoformat(),
                "seen": sorted(checkpoint.seen),
            }
        )


def _key(variant: str) -> dict[str, str]:
    return {"pk": "monitor", "sk": f"checkpoint#{variant}"}
