"""A made-up table like those that are dropped: 15 mixed columns, some cells missing, some rows bad, some twice.

`python -m benchmarks.cleaning.table FILE ROWS` writes one.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.cleaning.columns import BOOLEAN, CATEGORIES, ID, NUMBERS, TARGET, TIME

_ROWS_AT_ONCE = 200_000
_MISSING, _BAD, _TWICE = 0.03, 0.005, 0.005
_START = np.datetime64("2024-01-01T00:00:00")
_SECONDS_PER_YEAR = 31_536_000


def write_table(path: Path, rows: int, seed: int = 7) -> None:
    """Write `rows` rows of CSV; the same numbers give the same bytes.

    Of the rows, 0.5 % have a word where a number should be, and 0.5 % have the id of the row before them.
    """
    random = np.random.default_rng(seed)
    for first in range(0, rows, _ROWS_AT_ONCE):
        part = _rows(first, min(_ROWS_AT_ONCE, rows - first), random)
        part.to_csv(path, index=False, mode="a" if first else "w", header=not first)


def _rows(first: int, rows: int, random: np.random.Generator) -> pd.DataFrame:
    numbers = np.arange(first, first + rows)
    numbers[1:] -= random.random(rows - 1) < _TWICE
    columns: dict[str, object] = {ID: [f"c{number:09d}" for number in numbers]}
    for name in NUMBERS:
        columns[name] = _with_gaps(random.normal(50, 20, rows).round(3), random)
    for name, levels in CATEGORIES.items():
        columns[name] = random.choice([f"{name} {level}" for level in range(levels)], rows)
    columns[BOOLEAN] = random.choice(["true", "false", "NA"], rows)
    moments = _START + random.integers(0, _SECONDS_PER_YEAR, rows).astype("timedelta64[s]")
    columns[TIME] = pd.Series(moments).dt.strftime("%Y-%m-%d %H:%M:%S")
    columns[TARGET] = random.integers(0, 2, rows)
    table = pd.DataFrame(columns)
    table.loc[random.random(rows) < _BAD, NUMBERS[0]] = "unknown"
    return table


def _with_gaps(values: object, random: np.random.Generator) -> pd.Series:
    column = pd.Series(values, dtype=object)
    column[random.random(len(column)) < _MISSING] = None
    return column


if __name__ == "__main__":
    write_table(Path(sys.argv[1]), int(sys.argv[2]))
