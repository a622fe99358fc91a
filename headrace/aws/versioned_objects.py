"""All versions of all objects of a bucket, and how an object is replaced so that nothing of it is left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from headrace.aws.dropped_files import REWRITTEN

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class VersionedObject:
    """One key, with the ids of its versions.

    Parameters
    ----------
    bucket, key : str
        Where it is.
    versions : tuple of str
        That have bytes, the newest first.
    markers : tuple of str
        That only say that it was deleted.
    live : str or None
        The version that whoever asks by the key gets; None if it was deleted.
    """

    bucket: str
    key: str
    versions: tuple[str, ...]
    markers: tuple[str, ...] = field(default=())
    live: str | None = None


class HeldVersionError(Exception):
    """S3 does not delete a version; the text says which, why that may be, and what to do."""


class VersionedObjects:
    """The objects of some buckets; takes the rights to list, read, write and delete versions."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def below(self, bucket: str, prefix: str = "") -> Iterator[VersionedObject]:
        """Yield every object below a prefix, the deleted ones too."""
        items = self._items(bucket, prefix)
        yield from (self._object(bucket, key, list(found)) for key, found in groupby(items, itemgetter(0)))

    def read(self, item: VersionedObject, version: str) -> bytes | None:
        """Return the bytes of a version; None if it is gone."""
        try:
            return self._client.get_object(Bucket=item.bucket, Key=item.key, VersionId=version)["Body"].read()
        except self._client.exceptions.NoSuchKey:
            return None
        except self._client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchVersion", "404"):
                return None
            raise

    def replace(self, item: VersionedObject, rest: bytes, at: str, *, is_new: bool = False) -> None:
        """Write what is left of an object as its newest version.

        Unless its rows are new, because nobody has taken the object yet, it is marked so that nobody takes it for new data.
        """
        found = self._client.head_object(Bucket=item.bucket, Key=item.key)
        mark = {} if is_new and REWRITTEN not in found["Metadata"] else {REWRITTEN: at}
        self._client.put_object(
            Bucket=item.bucket,
            Key=item.key,
            Body=rest,
            ContentType=found["ContentType"],
            Metadata={**found["Metadata"], **mark},
        )

    def hide(self, item: VersionedObject) -> None:
        """Mark an object as deleted, so that no older version comes to light when the newest goes."""
        self._client.delete_object(Bucket=item.bucket, Key=item.key)

    def delete(self, item: VersionedObject, versions: tuple[str, ...]) -> None:
        """Delete versions for good; one that is gone already does no harm, ``HeldVersionError`` for one that is held."""
        for version in versions:
            try:
                self._client.delete_object(Bucket=item.bucket, Key=item.key, VersionId=version)
            except self._client.exceptions.ClientError as error:
                if error.response["Error"]["Code"] != "AccessDenied":
                    raise
                raise HeldVersionError(
                    f"S3 does not delete version {version} of s3://{item.bucket}/{item.key}: it is on legal hold or locked (S3 "
                    "Object Lock), or s3:DeleteObjectVersion is not allowed to you. Do the same again when that is settled: what "
                    "is erased already stays so"
                ) from error

    def _items(self, bucket: str, prefix: str = "") -> Iterator[tuple[str, str, Any]]:
        """Yield key, kind and entry, by key, within it the newest first."""
        for page in self._client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
            entries: list[tuple[str, str, Any]] = [
                *((item["Key"], "version", item) for item in page.get("Versions", [])),
                *((item["Key"], "marker", item) for item in page.get("DeleteMarkers", [])),
            ]
            yield from sorted(entries, key=itemgetter(0))

    def _object(self, bucket: str, key: str, items: list[tuple[str, str, Any]]) -> VersionedObject:
        versions = [entry for _, kind, entry in items if kind == "version"]
        markers = [entry["VersionId"] for _, kind, entry in items if kind == "marker"]
        live = next((entry["VersionId"] for entry in versions if entry["IsLatest"]), None)
        return VersionedObject(
            bucket, key, tuple(entry["VersionId"] for entry in versions), tuple(markers), live
        )
