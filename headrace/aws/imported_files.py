"""Imported rows as files under ``incoming/``, each written once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pyarrow as pa

from headrace.aws.dropped_files import MARKER
from headrace.aws.watermark import Watermark
from headrace.aws.written_once import put_once, put_rows_once

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
        return put_rows_once(self._client, self._bucket, key, blocks)

    def finish(self, run: str) -> None:
        """Mark the files of a run as a complete batch, if that is wanted."""
        if self._marked:
            put_once(self._client, self._bucket, f"{self._folder}/{run}/{MARKER}", b"")
