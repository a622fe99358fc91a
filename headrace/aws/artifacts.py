"""Documents in the artifacts bucket: baselines, reports, captured records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Artifacts:
    """Objects of one bucket, encrypted as the bucket says."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def load(self, key: str) -> dict[str, Any] | None:
        """Return the JSON document at `key`, or None if there is none."""
        body = self.read(key)
        return None if body is None else json.loads(body)

    def read(self, key: str) -> bytes | None:
        """Return the object at `key`, or None if there is none."""
        if not self.has(key):
            return None
        return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def store(self, key: str, document: Mapping[str, Any]) -> None:
        """Write a JSON document, replacing what is at `key`."""
        self.put(key, json.dumps(document, indent=1).encode(), content_type="application/json")

    def put(self, key: str, body: bytes, *, content_type: str = "application/jsonlines") -> None:
        """Write `body`, replacing what is at `key`."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)

    def has(self, key: str) -> bool:
        """Tell whether there is an object at `key`."""
        # Asked by listing: to a role that may list a prefix only, S3 answers a GET of a missing key with 403, not 404.
        page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1)
        return any(item["Key"] == key for item in page.get("Contents", []))
