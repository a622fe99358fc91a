"""What the columns are that lead through a graph."""

from __future__ import annotations

from typing import NamedTuple


class Column(NamedTuple):
    """One column of a tensor of shape (n_rows, `width`)."""

    tensor: str
    place: int
    width: int


class Number(NamedTuple):
    """Numbers; NaN where one is missing."""

    at: Column


class Code(NamedTuple):
    """Codes of categories, 0 to `levels` - 1, as numbers; -1 where there is none."""

    at: Column
    levels: int


class Hot(NamedTuple):
    """1 where a column of codes (0 to `levels` - 1, or -1) holds `code`, 0 elsewhere; never written out as such."""

    at: Column
    levels: int
    code: int


Symbol = Number | Code | Hot


class Cells(NamedTuple):
    """A feature on its way to the estimator: a kind of the contract with its one column, or ``ready`` with several.

    Columns of categories and texts are of words, with an empty one where it is missing; moments are in microseconds.
    """

    kind: str
    symbols: tuple[Symbol, ...]


def columns_of(tensor: str, width: int) -> list[Column]:
    """Return all columns of a tensor.

    Examples
    --------
    >>> columns_of("numbers", 2)
    [Column(tensor='numbers', place=0, width=2), Column(tensor='numbers', place=1, width=2)]
    """
    return [Column(tensor, place, width) for place in range(width)]
