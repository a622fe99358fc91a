"""Labelled predictions as a file that is dropped, to come in as every other file does."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError

from headrace.aws.dropped_files import INCOMING

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
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.parquet"
            if not _write(path, tables):
                return
            with path.open("rb") as body:
                try:
                    self._client.put_object(
                        Bucket=self._bucket, Key=f"{FEEDBACK_ROWS}{name}.parquet", Body=body, IfNoneMatch="*"
                    )
                except ClientError as error:
                    if error.response["Error"]["Code"] != "PreconditionFailed":
                        raise


def _write(path: Path, tables: Iterable[pa.Table]) -> int:
    """Write tables to one file, and return how many rows they have; without any there is no file."""
    writer: pq.ParquetWriter | None = None
    rows = 0
    try:
        for table in tables:
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
            rows += table.num_rows
    finally:
        if writer:
            writer.close()
    return rows
