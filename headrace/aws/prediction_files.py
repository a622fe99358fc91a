"""Recorded predictions in S3: which files there are, and some columns or some rows of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
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

    @property
    def count(self) -> int:
        """How many rows it has."""
        return int(self._parquet.metadata.num_rows)

    def bounds(self, column: str) -> tuple[Any, Any] | None:
        """Return the least and the greatest value of a column, as the file's end has them; None if it does not say."""
        number = self._parquet.schema_arrow.get_field_index(column)
        groups = range(self._parquet.metadata.num_row_groups)
        found = [self._parquet.metadata.row_group(group).column(number).statistics for group in groups]
        known = [each for each in found if each is not None and each.has_min_max]
        if not known or len(known) < len(found):
            return None
        return min(each.min for each in known), max(each.max for each in known)

    def places(self, column: str, value: str) -> Ints:
        """Return where the rows are whose `column` is `value`; of the file only that column is read, and that where it may be."""
        found, start = [np.empty(0, np.int64)], 0
        for group in range(self._parquet.metadata.num_row_groups):
            if self._may_have(group, column, value):
                cells = self._parquet.read_row_group(group, columns=[column], use_threads=False)[column]
                here = np.flatnonzero(pc.fill_null(pc.equal(cells, value), False))
                found.append(start + here.astype(np.int64))
            start += self._parquet.metadata.row_group(group).num_rows
        return np.concatenate(found)

    def _may_have(self, group: int, column: str, value: str) -> bool:
        number = self._parquet.schema_arrow.get_field_index(column)
        told = self._parquet.metadata.row_group(group).column(number).statistics
        return told is None or not told.has_min_max or bool(told.min <= value <= told.max)

    def rows(self, places: Ints, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the columns, all if none are named, of the rows at `places`, which ascend and may come twice."""
        metadata, found, start = self._parquet.metadata, [], 0
        wanted = None if columns is None else list(columns)
        for group in range(metadata.num_row_groups):
            count = metadata.row_group(group).num_rows
            low, high = np.searchsorted(places, [start, start + count])
            if high > low:
                rows = self._parquet.read_row_group(group, columns=wanted, use_threads=False)
                found.append(rows.take(pa.array(places[low:high] - start)))
            start += count
        return pa.concat_tables(found)
