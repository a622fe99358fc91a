"""What the checks of a pipeline have written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.aws.artifacts import Artifacts

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class MonitoringReports:
    """Reports, pages and histories in the artifacts bucket of a pipeline."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self.bucket = client, bucket
        self._documents = Artifacts(client, bucket)

    def latest(self, check: str) -> dict[str, Any] | None:
        """Return the last report of ``"drift"`` or of ``"quality"``; None if there is none yet."""
        return self._documents.load(f"{check}/latest.json")

    def history(self, check: str) -> list[dict[str, Any]]:
        """Return the last checks, of at most 100, the newest first."""
        found = self._documents.load(f"{check}/history.json") or {}
        checks: list[dict[str, Any]] = found.get("checks", [])
        return checks[::-1]

    def page(self, key: str) -> bytes:
        """Return a page."""
        return self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
