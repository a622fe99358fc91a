"""Labelled predictions as a file that is dropped, to come in as every other file does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pyarrow as pa

from headrace.aws.dropped_files import INCOMING
from headrace.aws.written_once import put_rows_once

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FEEDBACK_ROWS = f"{INCOMING}feedback/"


class FeedbackRows:
    """The objects below ``incoming/feedback/`` of the data bucket.

    Parameters
    ----------
    client : S3Client
        May write there.
    bucket : str
        The data bucket.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def drop(self, name: str, tables: Iterable[pa.Table]) -> None:
        """Drop tables of the same columns as the file `name`, unless it was dropped before or they have no rows."""
        put_rows_once(self._client, self._bucket, f"{FEEDBACK_ROWS}{name}.parquet", tables)
