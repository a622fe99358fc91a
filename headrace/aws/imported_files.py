"""Imported rows as files under ``incoming/``, each written once."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError

from headrace.aws.dropped_files import MARKER
from headrace.aws.watermark import Watermark

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class ImportedFiles:
    """Writes Parquet files below ``incoming/database/<source>/<run>/``.

    Parameters
    ----------
    client : S3Client
        Whose permissions are used.
    bucket : str
        The data bucket.
    source : str
        Table, or what stands for the query.
    marked : bool
        Whether an object ``_SUCCESS`` ends each run, for a pipeline that trains on complete batches.
    """

    def __init__(self, client: S3Client, bucket: str, source: str, *, marked: bool = False) -> None:
        self._client, self._bucket, self._marked = client, bucket, marked
        self._folder = f"incoming/database/{re.sub(r'[^A-Za-z0-9._-]', '_', source)}"

    def key(self, run: str, after: Watermark | None, upto: Watermark) -> str:
        """Return the key of the file with the rows beyond `after` up to `upto`.

        Examples
        --------
        >>> ImportedFiles(None, "b", "public.orders").key("2026-01-31T12-30-00", None, Watermark.of(7))
        'incoming/database/public.orders/2026-01-31T12-30-00/0-start--00000000000000000007.parquet'
        """
        # Files of one second count as dropped in the order of their keys, and rows of later files replace earlier ones.
        return f"{self._folder}/{run}/{after.name if after else '0-start'}--{upto.name}.parquet"

    def write(self, key: str, blocks: Iterable[pa.Table]) -> int:
        """Write `blocks` as one file, and return how many rows it has; no rows, no file.

        A file that is there already stays as it is: it was written by an import that ended before it could say so, and
        another version of it would be ingested as another file.
        """
        with tempfile.TemporaryFile() as file:
            rows = write_parquet(file, blocks)
            if rows:
                file.seek(0)
                self._put_once(key, file)
        return rows

    def finish(self, run: str) -> None:
        """Mark the files of a run as a complete batch, if that is wanted."""
        if self._marked:
            self._put_once(f"{self._folder}/{run}/{MARKER}", b"")

    def _put_once(self, key: str, body: IO[bytes] | bytes) -> None:
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise


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
