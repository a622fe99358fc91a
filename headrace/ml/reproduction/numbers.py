"""Says how two numbers, and two arrays of them, differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headrace.ml.arrays import Flags


def number_difference(recorded: float, again: float) -> str:
    """Say two numbers, and how many of their leading digits agree.

    Examples
    --------
    >>> number_difference(0.12345, 0.12399)
    '0.12345 recorded, 0.12399 here (the first 3 digits agree)'
    >>> number_difference(3, 4)
    '3 recorded, 4 here'
    """
    told = f"{recorded!r} recorded, {again!r} here"
    agree = digits_alike(recorded, again)
    return f"{told} (the first {agree} digits agree)" if agree > 1 else told


def digits_alike(one: float, other: float) -> int:
    """Count the leading significant digits that two numbers of the same sign and size have in common.

    Returns
    -------
    int
        0 to 17; 0 if sign or order of magnitude differ.

    Examples
    --------
    >>> digits_alike(12.34, 12.39), digits_alike(0.5, -0.5), digits_alike(1.0, 10.0)
    (3, 0, 0)
    """
    if not (np.isfinite(one) and np.isfinite(other)) or one * other <= 0:
        return 0
    (old, old_power), (new, new_power) = (f"{abs(value):.16e}".split("e") for value in (one, other))
    if old_power != new_power:
        return 0
    pairs = zip(old.replace(".", ""), new.replace(".", ""), strict=True)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), len(old) - 1)


def array_difference(recorded: np.ndarray[Any, Any], again: np.ndarray[Any, Any]) -> str | None:
    """Say where two arrays differ first; of records with named fields, in which field. None if they are equal.

    Examples
    --------
    >>> array_difference(np.array([[1.0, 2.0]]), np.array([[1.0, 2.5]]))
    'row 1, column 2: 2.0 recorded, 2.5 here; 1 of 2 numbers differ'
    >>> nodes = [("feature", int), ("num_threshold", float)]
    >>> array_difference(np.array([(0, 0.5)], dtype=nodes), np.array([(0, 0.25)], dtype=nodes))
    'num_threshold, row 1: 0.5 recorded, 0.25 here; 1 of 1 numbers differ'
    """
    if recorded.dtype != again.dtype or recorded.shape != again.shape:
        return f"{_kind(recorded)} recorded, {_kind(again)} here"
    if recorded.dtype.names:
        for name in recorded.dtype.names:
            if found := array_difference(recorded[name], again[name]):
                return f"{name}, {found}"
        return None
    other = _unequal(recorded, again)
    if not other.any():
        return None
    place = tuple(int(index) for index in np.argwhere(other)[0])
    told = _told(recorded[place], again[place])
    return f"{_place(place)}: {told}; {int(other.sum())} of {other.size} numbers differ"


def _unequal(recorded: np.ndarray[Any, Any], again: np.ndarray[Any, Any]) -> Flags:
    """Tell which elements differ; NaN is equal to NaN."""
    if recorded.dtype.kind == "f":
        return np.asarray(~((recorded == again) | (np.isnan(recorded) & np.isnan(again))))
    return np.asarray(recorded != again)


def _told(recorded: Any, again: Any) -> str:
    old, new = recorded.item(), again.item()
    if isinstance(old, int | float) and not isinstance(old, bool):
        return number_difference(old, new)
    return f"{old!r} recorded, {new!r} here"


def _place(indices: Sequence[int]) -> str:
    names = ("row", "column") if len(indices) <= 2 else ()  # noqa: PLR2004 - a table
    if not names:
        return f"place {', '.join(str(index + 1) for index in indices)}"
    return (
        ", ".join(f"{name} {index + 1}" for name, index in zip(names, indices, strict=False)) or "the value"
    )


def _kind(array: np.ndarray[Any, Any]) -> str:
    size = " by ".join(map(str, array.shape)) or "one"
    return f"{size} of {array.dtype if array.dtype.names is None else 'records'}"
