"""Files of predictions below ``predictions/`` of the data bucket: a folder for each file that was dropped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.aws.dropped_files import DroppedFile, short_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BATCH = "batch/"
"""Where files that are to be answered are dropped."""

_REJECTED, _SUMMARY = "rejected.csv", "summary.json"


def answers_prefix(key: str) -> str:
    """Return the folder of what a file was answered.

    Examples
    --------
    >>> answers_prefix("batch/2024/may.csv")
    'predictions/2024/may.csv/'
    """
    return f"predictions/{short_key(key.removeprefix(BATCH))}/"


class AnsweredFiles:
    """Writes what files were answered. Each object is replaced as a whole; the summary comes last."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def keep(
        self, file: DroppedFile, predictions: Path, rejected: Path | None, summary: Mapping[str, Any]
    ) -> str:
        """Write the predictions of a file, the rows that have none, and the summary; return the folder's URI."""
        folder = answers_prefix(file.key)
        self._client.upload_file(str(predictions), file.bucket, f"{folder}{predictions.name}")
        return self._close(file, rejected, summary)

    def keep_refusal(self, file: DroppedFile, summary: Mapping[str, Any]) -> str:
        """Write why a whole file has no predictions; return the folder's URI."""
        return self._close(file, None, summary)

    def _close(self, file: DroppedFile, rejected: Path | None, summary: Mapping[str, Any]) -> str:
        folder = answers_prefix(file.key)
        if rejected:
            self._client.upload_file(str(rejected), file.bucket, f"{folder}{_REJECTED}")
        else:
            # Of an earlier version of the file there may be some.
            self._client.delete_object(Bucket=file.bucket, Key=f"{folder}{_REJECTED}")
        body = json.dumps(summary, indent=1, ensure_ascii=False).encode()
        self._client.put_object(
            Bucket=file.bucket, Key=f"{folder}{_SUMMARY}", Body=body, ContentType="application/json"
        )
        return f"s3://{file.bucket}/{folder}"
