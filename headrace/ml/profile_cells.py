"""Profiles the cells of one column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from headrace.ml.arrays import Flags, Floats, Ints
from headrace.ml.column_schema import Kind
from headrace.ml.profile_bins import quantile_edges
from headrace.ml.profile_column import ColumnProfile
from headrace.ml.profile_dependence import RUN, inflation_of, inflation_of_levels
from headrace.ml.profile_files import frequent_words, image_measures, text_measures
from headrace.ml.profile_grid import Grid
from headrace.ml.profile_levels import count_levels, counts_of, hashes_of, level_of, most_frequent
from headrace.ml.profile_moments import merged_moments, moments

_BLOCK = 65_536
"""Rows that are looked at together: what is made of them stays in the processor's cache."""
_MICROSECONDS = 1e6

Cells = np.ndarray[Any, np.dtype[Any]]


def profile_cells(
    cells: Cells, name: str, kind: Kind, like: ColumnProfile | None, *, run: int = RUN
) -> ColumnProfile:
    """Profile one column.

    Parameters
    ----------
    cells : ndarray of shape (n_rows,)
        Typed cells.
    name, kind : str
        Of the column.
    like : ColumnProfile or None
        The reference, whose bins and levels are used.
    run : int
        How many of the first rows show how much rows depend on their neighbours; 0 if they are in no order.
    """
    if kind in ("text", "image"):
        return _profile_files(cells, name, kind, like, run)
    if kind == "number":
        return _profile_numbers(cells, name, kind, like, run)
    if kind == "datetime":
        return _profile_times(cells, name, run)
    return _profile_levels(cells, name, kind, like, run)


@dataclass
class _Tally:
    """What is known of the numbers of a column, block by block."""

    rows: list[int] = field(default_factory=list)
    means: list[float] = field(default_factory=list)
    sds: list[float] = field(default_factory=list)
    minimum: float = np.inf
    maximum: float = -np.inf
    whole: int = 0

    def add(self, numbers: Floats) -> None:
        mean, sd = moments(numbers)
        self.rows.append(len(numbers))
        self.means.append(mean)
        self.sds.append(sd)
        self.minimum = min(self.minimum, float(numbers.min()))
        self.maximum = max(self.maximum, float(numbers.max()))
        self.whole += int(np.count_nonzero(np.floor(numbers) == numbers))

    def figures(self) -> dict[str, Any]:
        if not self.rows:
            return {"mean": None, "sd": None}
        mean, sd = merged_moments(self.rows, self.means, self.sds)
        return {
            "mean": mean,
            "sd": sd,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "whole": self.whole,
        }


def _profile_numbers(
    cells: Cells, name: str, kind: Kind, like: ColumnProfile | None, run: int
) -> ColumnProfile:
    edges = like.edges if like else quantile_edges(np.concatenate([np.empty(0), *_finite_blocks(cells)]))
    grid, tally, counts = Grid(edges), _Tally(), np.zeros(len(edges) + 1, dtype=np.int64)
    for numbers in _finite_blocks(cells):
        if len(numbers):
            tally.add(numbers)
            counts += grid.count(numbers)
    first = as_floats(cells[:run])
    absent = ~np.isfinite(first)
    return ColumnProfile(
        name=name,
        kind=kind,
        rows=len(cells),
        missing=len(cells) - sum(tally.rows),
        edges=edges,
        levels=(),
        counts=counts,
        inflation=inflation_of(grid.bins(first[~absent])),
        missing_inflation=_missing_inflation(absent),
        **tally.figures(),
    )


def _profile_files(
    cells: Cells, name: str, kind: Kind, like: ColumnProfile | None, run: int
) -> ColumnProfile:
    """Profile texts and images by their length, and by what is measured of them."""
    present: list[Any] = [cell for cell in cells.tolist() if isinstance(cell, str | bytes)]
    lengths = np.array([len(cell) if isinstance(cell, str | bytes) else np.nan for cell in cells.tolist()])
    words: tuple[str, ...] = ()
    if kind == "text":
        words = like.words if like else frequent_words(present)
        measured = text_measures(present, words)
    else:
        measured = image_measures(present)
    known = {measure.name: measure for measure in like.measures} if like else {}
    measures = tuple(
        _profile_numbers(values, full, "number", known.get(full), run)
        for short, values in measured.items()
        if (full := f"{name} ({short})") in known or (not like and np.isfinite(values).any())
    )
    return replace(_profile_numbers(lengths, name, kind, like, run), words=words, measures=measures)


def _profile_times(cells: Cells, name: str, run: int) -> ColumnProfile:
    times = np.asarray(cells, dtype="datetime64[us]")
    absent = np.isnat(times)
    seconds = times[~absent].astype(np.int64) / _MICROSECONDS
    return ColumnProfile(
        name=name,
        kind="datetime",
        rows=len(cells),
        missing=int(absent.sum()),
        edges=np.empty(0),
        levels=(),
        counts=np.empty(0, dtype=np.int64),
        mean=None,
        sd=None,
        inflation=1.0,
        missing_inflation=_missing_inflation(absent[:run]),
        minimum=float(seconds.min()) if len(seconds) else None,
        maximum=float(seconds.max()) if len(seconds) else None,
    )


def _profile_levels(
    cells: Cells, name: str, kind: Kind, like: ColumnProfile | None, run: int
) -> ColumnProfile:
    counts, missing = count_levels(cells, kind)
    levels = like.levels if like else most_frequent(counts)
    position = {level: index for index, level in enumerate(levels)}
    first = [level_of(cell, kind) for cell in cells[:run].tolist()]
    codes: Ints = np.array(
        [position.get(level, len(levels)) for level in first if level is not None], dtype=np.int64
    )
    return ColumnProfile(
        name=name,
        kind=kind,
        rows=len(cells),
        missing=missing,
        edges=np.empty(0),
        levels=levels,
        counts=counts_of(levels, counts),
        mean=None,
        sd=None,
        inflation=inflation_of_levels(codes, len(levels)),
        missing_inflation=_missing_inflation(np.array([level is None for level in first], dtype=bool)),
        hashes=hashes_of(counts) if kind == "category" else (),
    )


def _missing_inflation(absent: Flags) -> float:
    return inflation_of(absent) if 0 < absent.sum() < len(absent) else 1.0


def _finite_blocks(cells: Cells) -> Iterator[Floats]:
    for start in range(0, len(cells), _BLOCK):
        numbers = as_floats(cells[start : start + _BLOCK])
        finite = np.isfinite(numbers)
        yield numbers if finite.all() else numbers[finite]


def as_floats(cells: Cells) -> Floats:
    """Return cells as numbers; NaN for what is none.

    Examples
    --------
    >>> as_floats(np.array([1, None, "2.5", "warm", 10**400], dtype=object)).tolist()
    [1.0, nan, 2.5, nan, nan]
    """
    try:
        return np.asarray(cells, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.array([_float(cell) for cell in cells], dtype=np.float64)


def _float(cell: Any) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError, OverflowError):
        return np.nan
