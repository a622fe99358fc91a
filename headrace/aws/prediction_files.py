"""Recorded predictions in S3: which files there are, and some columns or some rows of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.aws.captured_data import list_folders, list_objects
from headrace.aws.ranged_object import RangedObject
from headrace.ml.arrays import Ints

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREDICTIONS = "predictions/"
_VARIANT, _DATE = "/variant=", "/date="
_ROWS_OF_A_PIECE = 2**16


@dataclass(frozen=True)
class PredictionFile:
    """One file of ``predictions/variant=<v>/date=<d>/``.

    Parameters
    ----------
    key : str
        Where it is.
    size_bytes : int
        What it takes in S3.
    modified : datetime
        When it was written.
    """

    key: str
    size_bytes: int
    modified: datetime

    @property
    def variant(self) -> str:
        """Who answered.

        Examples
        --------
        >>> PredictionFile("predictions/variant=v3/date=2026-01-31/a.parquet", 9, datetime(2026, 2, 1)).variant
        'v3'
        """
        return self.key.partition(_VARIANT)[2].partition("/")[0]

    @property
    def day(self) -> date:
        """Day of its predictions, in UTC.

        Examples
        --------
        >>> PredictionFile("predictions/variant=v3/date=2026-01-31/a.parquet", 9, datetime(2026, 2, 1)).day
        datetime.date(2026, 1, 31)
        """
        return date.fromisoformat(self.key.partition(_DATE)[2][: len("2026-01-31")])


class PredictionFiles:
    """The predictions of one pipeline.

    Parameters
    ----------
    client : S3Client
        May list and read ``predictions/``.
    bucket : str
        The artifacts bucket.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def since(self, day: date) -> list[PredictionFile]:
        """Return the files of `day` and later ones, of all variants: the newest day first, in a day by their keys."""
        variants = list_folders(self._client, self._bucket, PREDICTIONS)
        found = [file for variant in variants for file in self._of_variant(variant, day)]
        found.sort(key=lambda file: file.key.rpartition("/")[2])
        return sorted(found, key=lambda file: file.day, reverse=True)

    def open(self, file: PredictionFile) -> PredictionTable:
        """Return a file to be read from."""
        return PredictionTable(RangedObject(self._client, self._bucket, file.key, file.size_bytes))

    def _of_variant(self, prefix: str, day: date) -> Iterator[PredictionFile]:
        for item in list_objects(self._client, self._bucket, prefix, f"{_DATE[1:]}{day.isoformat()}"):
            if _DATE in item.key and item.key.endswith(".parquet"):
                yield PredictionFile(item.key, item.size_bytes, item.modified)


class PredictionTable:
    """One Parquet file of predictions, of which only what is asked for is read."""

    def __init__(self, file: RangedObject) -> None:
        self._file = file

    @cached_property
    def _parquet(self) -> pq.ParquetFile:
        # What is near to each other in the file is asked for at once.
        return pq.ParquetFile(pa.PythonFile(self._file, mode="r"), pre_buffer=True)

    def pieces(self, columns: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
        """Yield some columns, piece by piece, each with the place of its first row."""
        start = 0
        for batch in self._parquet.iter_batches(_ROWS_OF_A_PIECE, columns=list(columns), use_threads=False):
            yield start, pa.Table.from_batches([batch])
            start += batch.num_rows

    def rows(self, places: Ints) -> pa.Table:
        """Return all columns of the rows at `places`, which ascend and may come twice."""
        metadata, found, start = self._parquet.metadata, [], 0
        for group in range(metadata.num_row_groups):
            count = metadata.row_group(group).num_rows
            low, high = np.searchsorted(places, [start, start + count])
            if high > low:
                rows = self._parquet.read_row_group(group, use_threads=False)
                found.append(rows.take(pa.array(places[low:high] - start)))
            start += count
        return pa.concat_tables(found)
