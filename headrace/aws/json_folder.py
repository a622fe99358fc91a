"""JSON documents below a prefix of a bucket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlparse

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class JsonFolder:
    """A folder that a function and a job exchange documents in.

    Parameters
    ----------
    client : S3Client
        May read and write there.
    bucket, prefix : str
        Where it is; the prefix ends with a slash.
    """

    def __init__(self, client: S3Client, bucket: str, prefix: str) -> None:
        self._client, self.bucket, self.prefix = client, bucket, prefix

    @classmethod
    def at(cls, client: S3Client, uri: str) -> Self:
        """Return the folder that `uri` names."""
        place = urlparse(uri)
        return cls(client, place.netloc, place.path.lstrip("/"))

    @property
    def uri(self) -> str:
        """Where it is."""
        return f"s3://{self.bucket}/{self.prefix}"

    def _read(self, name: str) -> dict[str, Any]:
        body = self._client.get_object(Bucket=self.bucket, Key=f"{self.prefix}{name}")["Body"].read()
        document: dict[str, Any] = json.loads(body)
        return document

    def _write(self, name: str, document: Mapping[str, Any], **conditions: Any) -> None:
        body = json.dumps(document, indent=1).encode()
        self._client.put_object(Bucket=self.bucket, Key=f"{self.prefix}{name}", Body=body, **conditions)
