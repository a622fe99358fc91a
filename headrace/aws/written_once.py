"""Objects that are written once: whoever comes again, because a run before ended too early to say so, changes nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def put_once(client: S3Client, bucket: str, key: str, body: IO[bytes] | bytes) -> None:
    """Write an object, unless there is one of that key already."""
    try:
        client.put_object(Bucket=bucket, Key=key, Body=body, IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise


def put_rows_once(client: S3Client, bucket: str, key: str, blocks: Iterable[pa.Table]) -> int:
    """Write `blocks` as one Parquet file, unless it is there already; return how many rows it has: no rows, no file."""
    with tempfile.TemporaryFile() as file:
        rows = write_parquet(file, blocks)
        if rows:
            file.seek(0)
            put_once(client, bucket, key, file)
    return rows


def write_parquet(file: IO[bytes], blocks: Iterable[pa.Table]) -> int:
    """Write `blocks`, one after the other, to an open file; return how many rows they have."""
    writer, rows = None, 0
    try:
        for block in blocks:
            # Of all codecs, the Arrow of AWS's layer has only Snappy and gzip.
            writer = writer or pq.ParquetWriter(file, block.schema, compression="snappy")
            writer.write_table(block)
            rows += block.num_rows
    finally:
        if writer:
            writer.close()
    return rows
