"""Profiles rows that have just been accepted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.ml.column_schema import ColumnSchema
from headrace.ml.contract import Contract
from headrace.ml.profile import Profile, profile_frame

MOST_ROWS = 2**15
"""Of a file with more rows so many are profiled, so that taking it in is hardly slower."""

_MOST_GROUPS = 4


def profile_curated(path: Path, contract: Contract) -> Profile:
    """Profile the features, the target and the time of a curated file, under the names that the contract gives them.

    Parameters
    ----------
    path : Path
        Parquet of accepted rows.
    contract : Contract
        What they were cleaned against.

    Returns
    -------
    Profile
        Of all rows, or of 32,768 of them from four groups, evenly spread. Its bins are its own: bring it into those of a
        reference with `headrace.ml.profile_like` to compare the two.
    """
    schema = [column for column in contract.columns if column.role in ("feature", "target", "time")]
    rows = _some_rows(path, [contract.table_names[column.name] for column in schema])
    return profile_frame(
        {column.name: _cells(rows.column(contract.table_names[column.name])) for column in schema},
        [ColumnSchema(column.name, column.kind) for column in schema],
        ordered=False,
    )


def _some_rows(path: Path, names: list[str]) -> pa.Table:
    with pq.ParquetFile(path) as file:
        groups = file.num_row_groups
        chosen = np.unique(np.linspace(0, groups - 1, min(groups, _MOST_GROUPS)).astype(int))
        rows = file.read_row_groups(chosen.tolist(), columns=names)
    step = -(-rows.num_rows // MOST_ROWS)
    return rows.take(pa.array(np.arange(0, rows.num_rows, step))) if step > 1 else rows


def _cells(column: pa.ChunkedArray) -> np.ndarray[tuple[int], np.dtype[np.generic]]:
    return np.asarray(column.to_numpy(zero_copy_only=False))
