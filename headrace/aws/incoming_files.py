"""What lies under ``incoming/`` of the data bucket, version by version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class FileVersion:
    """One version of one object.

    Parameters
    ----------
    key, version_id : str
        Which one.
    size_bytes : int or None
        None for a delete marker, which says that the object is gone from then on.
    dropped_at : datetime
        To the second. Of a multipart upload it is when the upload began, as S3 says it.
    """

    key: str
    version_id: str
    size_bytes: int | None
    dropped_at: datetime


class IncomingFiles:
    """Lists the versions of dropped files.

    References
    ----------
    .. [1] S3 API reference, "ListObjectVersions": unlike a list of objects, it names the versions.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def versions(self, prefix: str) -> Iterator[FileVersion]:
        """Yield every version of every key below `prefix`, delete markers included."""
        pages = self._client.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
            for item in page.get("Versions", []):
                yield FileVersion(item["Key"], item["VersionId"], item["Size"], item["LastModified"])
            for gone in page.get("DeleteMarkers", []):
                yield FileVersion(gone["Key"], gone["VersionId"], None, gone["LastModified"])
