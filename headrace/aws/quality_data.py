"""What a quality check reads: the scores of recorded predictions, and predictions whose labels have come."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.aws.captured_data import list_objects
from headrace.aws.labelled_names import LABELLED, labelled_name
from headrace.aws.ranged_object import RangedObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class RowFile:
    """One Parquet file of rows.

    Parameters
    ----------
    key : str
        Where it is.
    modified : datetime
        When it was written, or written again.
    size_bytes : int
        What it takes in S3.
    """

    key: str
    modified: datetime
    size_bytes: int = 0

    @property
    def digest(self) -> str:
        """A short name for the key."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:12]


class QualityData:
    """Predictions and labelled predictions of one bucket.

    Parameters
    ----------
    client : S3Client
        May list and read ``predictions/`` and ``labelled/``.
    bucket : str
        The artifacts bucket.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def prediction_files(self, variant: str, first_day: date) -> list[RowFile]:
        """Return the files of a variant's predictions from a day on, in the order of their keys."""
        return self._list(f"predictions/variant={variant}/", first_day)

    def labelled_files(self, variant: str, first_day: date) -> list[RowFile]:
        """Return the files of a variant's labelled predictions, whose predictions are of a day or later.

        Which variant a file belongs to follows from its name, which follows from that of the predictions' file.
        """
        names = {labelled_name(file.key) for file in self.prediction_files(variant, first_day)}
        return [file for file in self._list(LABELLED, first_day) if file.key.rpartition("/")[2] in names]

    def rows(self, file: RowFile, columns: Sequence[str]) -> pa.Table:
        """Return columns of a file, without those that it does not have."""
        body = RangedObject(self._client, self._bucket, file.key, file.size_bytes)
        parquet = pq.ParquetFile(pa.PythonFile(body, mode="r"), pre_buffer=True)
        present = set(parquet.schema_arrow.names)
        return parquet.read(columns=[name for name in columns if name in present], use_threads=False)

    def _list(self, prefix: str, first_day: date) -> list[RowFile]:
        listed = list_objects(self._client, self._bucket, prefix, f"date={first_day.isoformat()}")
        return [
            RowFile(item.key, item.modified, item.size_bytes)
            for item in listed
            if item.key.endswith(".parquet")
        ]
