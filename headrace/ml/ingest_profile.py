"""Profiles rows that have just been accepted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import IOBase
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.ml.column_schema import ColumnSchema
from headrace.ml.contract import Contract
from headrace.ml.profile import Profile, merge_profiles, profile_frame

MOST_ROWS = 2**15
"""Of a file with more rows so many are profiled, so that taking it in is hardly slower."""

_MOST_PLACES = 4


def profile_curated(file: Path | IOBase, contract: Contract, *, most_rows: int = MOST_ROWS) -> Profile:
    """Profile the features, the target and the time of a curated file, under the names that the contract gives them.

    Parameters
    ----------
    file : Path or file object
        Parquet of accepted rows.
    contract : Contract
        What they were cleaned against.
    most_rows : int
        How many rows are profiled at most.

    Returns
    -------
    Profile
        Of all rows, or of some of them from four groups, evenly spread. Its bins are its own: bring it into those of a
        reference with `headrace.ml.profile_like` to compare the two.
    """
    schema = [column for column in contract.columns if column.role in ("feature", "target", "time")]
    stored = contract.table_names
    rows = _some_rows(file, [stored[column.name] for column in schema], most_rows)
    return profile_frame(
        {column.name: _cells(rows.column(stored[column.name])) for column in schema},
        [ColumnSchema(column.name, column.kind) for column in schema],
        ordered=False,
    )


def profile_parts(parts: Sequence[str], contract: Contract, open_part: Callable[[str], IOBase]) -> Profile:
    """Profile a file that was cleaned in parts, by up to four of them, evenly spread.

    Parameters
    ----------
    parts : sequence of str
        Where they are, in the order of the file; at least one.
    contract : Contract
        What their rows were cleaned against.
    open_part : callable
        Opens the Parquet file of one.

    Returns
    -------
    Profile
        Of at most 32,768 rows.
    """
    chosen = [parts[place] for place in _spread(len(parts))]
    profiles = []
    for part in chosen:
        with open_part(part) as file:
            profiles.append(profile_curated(file, contract, most_rows=MOST_ROWS // len(chosen)))
    return merge_profiles(profiles)


def _some_rows(file: Path | IOBase, names: list[str], most_rows: int) -> pa.Table:
    with pq.ParquetFile(file) as parquet:
        rows = parquet.read_row_groups(_spread(parquet.num_row_groups), columns=names)
    step = -(-rows.num_rows // most_rows)
    return rows.take(pa.array(np.arange(0, rows.num_rows, step))) if step > 1 else rows


def _spread(count: int) -> list[int]:
    """Return up to four places of `count`, evenly spread."""
    return sorted(set(np.linspace(0, count - 1, min(count, _MOST_PLACES)).astype(int).tolist()))


def _cells(column: pa.ChunkedArray) -> np.ndarray[tuple[int], np.dtype[np.generic]]:
    return np.asarray(column.to_numpy(zero_copy_only=False))
