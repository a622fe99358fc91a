"""What a search over hyperparameters may try: ranges of numbers, and lists of values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Scale = Literal["linear", "log"]
Value = str | int | float | bool
SearchSpace = Mapping[str, "Range"]
"""Ranges by the name of the hyperparameter."""


class SearchSpaceError(ValueError):
    """A range is empty, or not one."""


@dataclass(frozen=True)
class Continuous:
    """All numbers from `low` to `high`.

    Parameters
    ----------
    low, high : float
        The ends, which are part of the range.
    scale : {"linear", "log"}
        Whether equal differences or equal ratios are tried equally often.

    Raises
    ------
    SearchSpaceError
        If an end is not finite, `low` is not below `high`, or a logarithmic range does not begin above 0.

    Examples
    --------
    >>> Continuous(0.01, 1.0, "log").as_document()
    {'kind': 'continuous', 'low': 0.01, 'high': 1.0, 'scale': 'log'}
    """

    low: float
    high: float
    scale: Scale = "linear"

    def __post_init__(self) -> None:
        _check_ends(self.low, self.high, self.scale)

    def contains(self, value: Value) -> bool:
        """Tell whether a value may be tried."""
        return _is_number(value) and self.low <= float(value) <= self.high

    def as_document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"kind": "continuous", "low": self.low, "high": self.high, "scale": self.scale}


@dataclass(frozen=True)
class Integer:
    """All whole numbers from `low` to `high`.

    Parameters
    ----------
    low, high : int
        The ends, which are part of the range.
    scale : {"linear", "log"}
        Whether equal differences or equal ratios are tried equally often.

    Raises
    ------
    SearchSpaceError
        If an end is not whole, `low` is not below `high`, or a logarithmic range does not begin above 0.

    Examples
    --------
    >>> Integer(1, 8).contains(3), Integer(1, 8).contains(3.5)
    (True, False)
    """

    low: int
    high: int
    scale: Scale = "linear"

    def __post_init__(self) -> None:
        if any(isinstance(end, bool) or not isinstance(end, int) for end in (self.low, self.high)):
            raise SearchSpaceError(f"{self.low} to {self.high}: a range of whole numbers has whole ends")
        _check_ends(self.low, self.high, self.scale)

    def contains(self, value: Value) -> bool:
        """Tell whether a value may be tried."""
        return _is_number(value) and float(value).is_integer() and self.low <= float(value) <= self.high

    def as_document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"kind": "integer", "low": self.low, "high": self.high, "scale": self.scale}


@dataclass(frozen=True)
class Choice:
    """One of several values.

    Parameters
    ----------
    values : tuple of str, int, float or bool
        At least one, each once.

    Raises
    ------
    SearchSpaceError
        If there is none, or one comes twice.

    Examples
    --------
    >>> Choice(("sqrt", "log2")).contains("log2")
    True
    """

    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(self.values))
        if not self.values:
            raise SearchSpaceError("a choice needs at least one value")
        if len({(type(value), value) for value in self.values}) < len(self.values):
            raise SearchSpaceError(f"a value comes twice in {list(self.values)}")

    def contains(self, value: Value) -> bool:
        """Tell whether a value may be tried."""
        return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in self.values)

    def as_document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"kind": "choice", "values": list(self.values)}


Range = Continuous | Integer | Choice


def read_range(document: Mapping[str, Any]) -> Range:
    """Return the range that `as_document` wrote.

    Raises
    ------
    SearchSpaceError
        If it is none.

    Examples
    --------
    >>> read_range({"kind": "integer", "low": 2, "high": 64, "scale": "log"})
    Integer(low=2, high=64, scale='log')
    """
    kind, fields = document.get("kind"), {name: value for name, value in document.items() if name != "kind"}
    kinds: dict[Any, type[Continuous | Integer | Choice]] = {
        "continuous": Continuous,
        "integer": Integer,
        "choice": Choice,
    }
    if kind not in kinds:
        raise SearchSpaceError(f"the kind of a range is continuous, integer or choice, not {kind!r}")
    try:
        return kinds[kind](**fields)
    except TypeError as error:
        raise SearchSpaceError(f"a range of kind {kind} is not written so: {error}") from None


def read_search_space(documents: Mapping[str, Mapping[str, Any]]) -> dict[str, Range]:
    """Return ranges by the names of hyperparameters.

    Raises
    ------
    SearchSpaceError
        Naming the hyperparameter whose range is none.
    """
    space: dict[str, Range] = {}
    for name, document in documents.items():
        try:
            space[name] = read_range(document)
        except SearchSpaceError as error:
            raise SearchSpaceError(f"{name}: {error}") from None
    return space


def search_space_documents(space: SearchSpace) -> dict[str, dict[str, Any]]:
    """Return a search space as JSON has it."""
    return {name: one.as_document() for name, one in space.items()}


def _check_ends(low: float, high: float, scale: str) -> None:
    if not (_is_number(low) and _is_number(high) and math.isfinite(low) and math.isfinite(high)):
        raise SearchSpaceError(f"{low} to {high}: the ends of a range are finite numbers")
    if low >= high:
        raise SearchSpaceError(f"{low} to {high}: a range goes from a lower to a higher number")
    if scale not in ("linear", "log"):
        raise SearchSpaceError(f"the scale of a range is linear or log, not {scale!r}")
    if scale == "log" and low <= 0:
        raise SearchSpaceError(f"{low} to {high}: a logarithmic range begins above 0")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
