"""Which version of each object below a prefix is the latest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlparse

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class ObjectVersion:
    """One version of an object.

    Parameters
    ----------
    key : str
        The object's key.
    version_id : str
        S3's name for the version; ``null`` in a bucket without versions.
    size : int
        In bytes.
    """

    key: str
    version_id: str
    size: int


class ObjectVersions:
    """The latest versions in one bucket; whoever asks needs ``s3:ListBucketVersions`` on the prefix."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def latest(self, uri: str) -> list[ObjectVersion]:
        """Return the latest version of every object below ``s3://bucket/prefix``, by key."""
        place = urlparse(uri)
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=place.netloc, Prefix=place.path.lstrip("/")
        )
        return [
            ObjectVersion(item["Key"], item["VersionId"], item["Size"])
            for page in pages
            for item in page.get("Versions", [])
            if item["IsLatest"]
        ]
