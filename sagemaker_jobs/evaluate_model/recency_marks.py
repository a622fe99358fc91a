"""Reads which rows of the test part are recent, and which the model in service may have learned from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.ml.privacy.redaction import told
from headrace.ml.recency import HELD_OUT, RECENCY, Marks
from sagemaker_jobs.failures import JobError


def read_marks(folder: Path | None, rows: int) -> Marks:
    """Read the marks of the test part, in the order of its files.

    Raises
    ------
    JobError
        If they are not one for each row.
    """
    if folder is None or not folder.is_dir():
        return np.full(rows, HELD_OUT, dtype=np.int8)
    files = sorted(folder.rglob("*.parquet"))
    try:
        marks = [pq.read_table(file, partitioning=None).column(RECENCY).to_numpy() for file in files]
    except (pa.ArrowException, KeyError, OSError) as error:
        raise JobError(f"the marks of the test part cannot be read: {told(error)}") from None
    found: Marks = np.concatenate([*marks, np.empty(0, dtype=np.int8)])
    if len(found) != rows:
        raise JobError(f"the test part has {rows} rows, and {len(found)} marks of which are recent")
    return found
