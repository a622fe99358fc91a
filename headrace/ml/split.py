"""Deals rows to training, validation and test, so that a row keeps its part for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from headrace.ml.arrays import Floats, Hashes, Ints, Labels
from headrace.ml.parts import PARTS

__all__ = [
    "PARTS",
    "SplitError",
    "SplitRule",
    "assign_parts",
    "content_hash",
    "row_hashes",
    "time_cuts",
    "unit_interval",
]

_MISSING = "(missing)"

# Constants of SplitMix64, whose finaliser spreads every bit over all others.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)
_LAST_SHIFT = np.uint64(31)


class SplitError(ValueError):
    """Rows cannot be dealt to the parts as the pipeline file says; the text says why, without repeating a cell."""


@dataclass(frozen=True)
class SplitRule:
    """How rows are dealt.

    Parameters
    ----------
    by : {"random", "stratified", "time", "group", "column"}
        By a hash of the row's id (of its features where there is none); by the same hash with a salt that gives every label
        its share; by the time; by a hash of the group; or as a column says.
    test_share, validation_share : float
        Shares of the rows, 0 to 1. Met on average, not exactly.
    seed : int
        Another seed deals anew.
    id, time, group : str or None
        The columns that identify a row, say when, and keep rows together.
    target : str or None
        Left out of the row's content, so a corrected label does not move a row.
    column : str or None
        The column that says ``train``, ``validation`` or ``test``.
    salt : int or None
        Mixed into the hash of a stratified split (`headrace.ml.stratified`); None and 0 leave the hash as it is.
    """

    by: Literal["random", "stratified", "time", "group", "column"]
    test_share: float
    validation_share: float
    seed: int
    id: str | None = None
    time: str | None = None
    group: str | None = None
    target: str | None = None
    column: str | None = None
    salt: int | None = None


def assign_parts(frame: pd.DataFrame, rule: SplitRule) -> Labels:
    """Deal the rows of a cleaned frame.

    By hash, a row's part depends on nothing but the row and the seed: rows that arrive later change no part, and rows
    with the same content never lie on both sides. By time, training is before validation is before test; rows of the
    same moment stay together; a row without a time goes to training.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Cleaned rows.
    rule : SplitRule
        How to deal.

    Returns
    -------
    ndarray of shape (n_rows,)
        ``train``, ``validation`` or ``test`` for each row.

    Raises
    ------
    ValueError
        If the column that the rule needs is not named, or says anything but the name of a part.

    Examples
    --------
    >>> rows = pd.DataFrame({"id": [str(n) for n in range(1000)]})
    >>> rule = SplitRule("random", test_share=0.2, validation_share=0.1, seed=7, id="id")
    >>> parts = assign_parts(rows, rule)
    >>> bool((parts[:500] == assign_parts(rows[:500], rule)).all()), round(float((parts == "test").mean()), 1)
    (True, 0.2)
    """
    if rule.by == "column":
        return _given_parts(frame, rule.column)
    if rule.by == "time":
        position = _positions_in_time(frame, rule.time)
    else:
        position = salted_positions(key_hashes(frame, rule), rule.salt)
    return np.select([position <= upto for upto in part_limits(rule)], PARTS[:2], PARTS[2])


def part_limits(rule: SplitRule) -> tuple[float, float]:
    """Return up to which position, 0 to 1, rows are training, and up to which they are validation."""
    return 1.0 - rule.test_share - rule.validation_share, 1.0 - rule.test_share


def key_hashes(frame: pd.DataFrame, rule: SplitRule) -> Hashes:
    """Return the hash by which each row is dealt."""
    return row_hashes(frame, _key_columns(frame, rule), rule.seed)


def salted_positions(hashes: Hashes, salt: int | None = None) -> Floats:
    """Return where rows lie in (0, 1]: training first, then validation, then test. Another salt deals anew."""
    if salt:
        hashes = _mixed(hashes ^ _mixed(np.array([salt], dtype=np.uint64)))
    return 1.0 - unit_interval(hashes)


def unknown_parts(frame: pd.DataFrame, column: str) -> list[str]:
    """Return what a column says that is no part, sorted; a missing cell is ``(missing)``."""
    cells = frame[column]
    strange = ~cells.isin(PARTS)
    return sorted({_MISSING if pd.isna(cell) else str(cell) for cell in cells[strange].unique()})


def refusal_of_parts(column: str, strange: Sequence[str]) -> str:
    """Say that a column names parts that there are not, without repeating a cell, and what to do.

    Examples
    --------
    >>> refusal_of_parts("part", ["(missing)", "tset"])
    "split.column 'part' has missing cells and 1 value besides train, validation and test: correct the files"
    """
    others = len(set(strange) - {_MISSING})
    found = [
        *(["missing cells"] if _MISSING in strange else []),
        *([f"{others} value{'s' if others > 1 else ''}"] if others else []),
    ]
    parts = f"{', '.join(PARTS[:-1])} and {PARTS[-1]}"
    return f"split.column {column!r} has {' and '.join(found)} besides {parts}: correct the files"


def _given_parts(frame: pd.DataFrame, column: str | None) -> Labels:
    if column is None:
        raise SplitError("a split by column needs the name of the column")
    if strange := unknown_parts(frame, column):
        raise SplitError(refusal_of_parts(column, strange))
    return frame[column].to_numpy(dtype=str)


def row_hashes(frame: pd.DataFrame, columns: Sequence[str], seed: int = 0) -> Hashes:
    """Return 64 bits per row that depend on its cells alone: not on other rows, the machine or a library's version.

    Examples
    --------
    >>> rows = pd.DataFrame({"x": [1.0, 1.0, 2.0], "c": ["a", "a", None]})
    >>> first, same, other = row_hashes(rows, ["x", "c"])
    >>> bool(first == same), bool(first == other)
    (True, False)
    """
    combined = np.full(len(frame), _mixed(np.array([seed], dtype=np.uint64))[0], dtype=np.uint64)
    for name in columns:
        combined = _mixed(combined * _GOLDEN + _cell_hashes(frame[name]))
    return combined


def unit_interval(hashes: Hashes) -> Floats:
    """Return hashes as numbers in [0, 1), evenly spread."""
    return (hashes >> np.uint64(11)).astype(np.float64) / 2.0**53


def content_hash(frame: pd.DataFrame) -> str:
    """Return 64 hexadecimal digits for the set of rows, whatever their order; columns count by name.

    Examples
    --------
    >>> rows = pd.DataFrame({"x": [1.0, 2.0], "c": ["a", None]})
    >>> content_hash(rows) == content_hash(rows[::-1]), content_hash(rows) == content_hash(rows[:1])
    (True, False)
    """
    names = sorted(map(str, frame.columns))
    return content_hash_of(names, [np.sort(row_hashes(frame, names))])


def content_hash_of(names: Sequence[str], hashes: Iterable[Hashes]) -> str:
    """Return what `content_hash` does, from the sorted names and the sorted hashes of the rows, in as many arrays as wanted."""
    digest = hashlib.sha256("\x1f".join(names).encode())
    for part in hashes:
        digest.update(part.astype("<u8").tobytes())
    return digest.hexdigest()


def _key_columns(frame: pd.DataFrame, rule: SplitRule) -> list[str]:
    if rule.by == "group":
        if rule.group is None:
            raise SplitError("a split by group needs the name of the group column")
        return [rule.group]
    if rule.id is not None:
        return [rule.id]
    return sorted(str(name) for name in frame.columns if name != rule.target)


def time_cuts(moments: np.ndarray[Any, Any], counts: Ints, rule: SplitRule) -> tuple[Any, Any]:
    """Return the last moments of training and of validation, as `assign_parts` deals by time.

    Parameters
    ----------
    moments : ndarray of shape (n_moments,)
        Different moments, in order; not empty.
    counts : ndarray of shape (n_moments,)
        How many rows each has.
    rule : SplitRule
        With the shares.

    Returns
    -------
    tuple
        The last moment of the part, or None if no moment is in it or in a part before.

    Examples
    --------
    >>> rule = SplitRule("time", test_share=0.25, validation_share=0.25, seed=7, time="at")
    >>> last = time_cuts(np.array([1.0, 2.0, 3.0]), np.array([2, 1, 1]), rule)
    >>> [float(moment) for moment in last]
    [1.0, 2.0]
    """
    positions = np.cumsum(counts) / counts.sum()
    last = [int(np.searchsorted(positions, upto, side="right")) for upto in part_limits(rule)]
    first, second = (moments[place - 1] if place else None for place in last)
    return first, second


def _positions_in_time(frame: pd.DataFrame, time: str | None) -> Floats:
    """Return the share of rows that are no later than each row, in (0, 1]; 0 for a row without a time."""
    if time is None:
        raise SplitError("a split by time needs the name of the time column")
    moments = frame[time]
    known = moments.notna().to_numpy()
    positions = np.zeros(len(frame))
    if known.any():
        values = moments[known].to_numpy()
        positions[known] = np.searchsorted(np.sort(values), values, side="right") / known.sum()
    return positions


def _cell_hashes(column: pd.Series) -> Hashes:
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        # One zero and one NaN: their other bit patterns mean the same.
        canonical = np.where(np.isnan(numbers), np.nan, numbers + 0.0)
        return _mixed(canonical.view(np.uint64))
    if pd.api.types.is_datetime64_any_dtype(column):
        return _mixed(column.to_numpy(dtype="datetime64[us]").view(np.uint64))
    codes, found = pd.factorize(column, use_na_sentinel=True)
    hashes = np.array([_cell_hash(cell) for cell in found] + [_cell_hash(None)], dtype=np.uint64)
    return hashes[codes]


def _cell_hash(cell: object) -> int:
    if isinstance(cell, bytes):
        data = b"\x02" + cell
    else:
        data = b"\x00" if cell is None else b"\x01" + str(cell).encode()
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def _mixed(bits: Hashes) -> Hashes:
    """Apply SplitMix64's finaliser (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators")."""
    with np.errstate(over="ignore"):
        mixed = bits + _GOLDEN
        for shift, factor in _MIX:
            mixed = (mixed ^ (mixed >> shift)) * factor
        return mixed ^ (mixed >> _LAST_SHIFT)
