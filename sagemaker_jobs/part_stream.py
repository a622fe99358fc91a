"""Reads the rows of a part piece by piece, so that memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.ml.arrays import Ints
from headrace.ml.privacy.redaction import told
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.parts import Part, PartFiles, in_order_of_time
from sagemaker_jobs.spec import Spec

_BATCH_BYTES, _SAMPLE_BYTES = 64 * 2**20, 256 * 2**20
_MOST_ROWS, _MOST_IMAGES, _MOST_OF_SAMPLE = 20_000, 1_000, 100_000


@dataclass(frozen=True)
class PartStream:
    """Rows of one part in batches of at most 20,000 rows, or 1,000 with images, and about 64 MB.

    Parameters
    ----------
    files : PartFiles
        The files, with what is read of them.
    """

    files: PartFiles

    @classmethod
    def of(cls, folder: Path, spec: Spec) -> PartStream:
        """Find the files of a part; raises as `PartFiles.of` does."""
        return cls(PartFiles.of(folder, spec, spec.schema))

    @cached_property
    def rows(self) -> int:
        """How many there are."""
        return self.files.rows

    @cached_property
    def batch_rows(self) -> int:
        """Rows of a batch."""
        images = any(column.kind == "image" for column in self.files.schema)
        return self._rows_within(_BATCH_BYTES, _MOST_IMAGES if images else _MOST_ROWS)

    def _rows_within(self, size: int, most: int) -> int:
        unpacked = self.files.unpacked_bytes()
        return int(np.clip(size * self.rows // max(1, unpacked), 1, most))

    def batches(self, rng: np.random.Generator | None = None) -> Iterator[Part]:
        """Yield all rows: in the order of the files, or with `rng` groups of rows in any order, and rows in any within.

        Raises
        ------
        JobError
            If a file turns out to be damaged, or a target is missing.
        """
        groups = [
            (file, group)
            for file in self.files.files
            for group in range(pq.read_metadata(file).num_row_groups)
        ]
        order: Ints = np.arange(len(groups)) if rng is None else rng.permutation(len(groups))
        for file, group in (groups[index] for index in order):
            for batch in self._group(file, group):
                if batch.num_rows:
                    mixed = batch if rng is None else batch.take(pa.array(rng.permutation(batch.num_rows)))
                    yield self.files.typed(mixed)

    def sample(self, most: int = _MOST_OF_SAMPLE, *, ordered: bool = False) -> Part:
        """Return at most `most` rows and about 256 MB, evenly spread over the part, in the order of time if `ordered`."""
        step = max(1, -(-self.rows // self._rows_within(_SAMPLE_BYTES, most)))
        chosen, skip = [], 0
        for file in self.files.files:
            for group in range(pq.read_metadata(file).num_row_groups):
                for batch in self._group(file, group):
                    rows = np.arange(skip, batch.num_rows, step)
                    skip = (skip - batch.num_rows) % step
                    chosen.append(batch.take(pa.array(rows, pa.int64())))
        table = pa.concat_tables(chosen, promote_options="permissive")
        return self.files.typed(in_order_of_time(table, self.files.spec) if ordered else table)

    def _group(self, file: Path, group: int) -> Iterator[pa.Table]:
        try:
            with self.files.open(file) as parquet:
                for batch in parquet.iter_batches(
                    self.batch_rows, row_groups=[group], columns=self.files.columns
                ):
                    yield pa.Table.from_batches([batch])
        except pa.ArrowException as error:
            raise JobError(f"{file.name} cannot be read: {told(error)}") from None
