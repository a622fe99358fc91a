"""Deals rows to the folds of a cross-validation, by a hash, so that the same rows are always in the same fold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from headrace.ml.arrays import Flags, Floats, Hashes, Ints, Labels
from headrace.ml.split import salted_positions

FoldKind = Literal["random", "stratified", "group", "time"]


@dataclass(frozen=True)
class Fold:
    """One fold: which rows are learnt from, and which are answered.

    Parameters
    ----------
    number : int
        From 0 on, over all repeats.
    train, test : ndarray of shape (n_rows,)
        Flags. Rows may be in neither.
    """

    number: int
    train: Flags
    test: Flags


def hashed_folds(
    hashes: Hashes, folds: int, repeats: int, seed: int, labels: Labels | None = None
) -> Iterator[Fold]:
    """Yield the folds of rows that are independent of each other, or of groups of rows.

    Parameters
    ----------
    hashes : ndarray of shape (n_rows,)
        Of what a row is known by: rows with equal hashes stay together.
    folds, repeats, seed : int
        How many, how often anew, and from where.
    labels : ndarray of shape (n_rows,), optional
        Then every label is spread evenly over the folds: its rows take turns, in the order of their hashes.

    Examples
    --------
    >>> hashes = np.arange(9, dtype=np.uint64)
    >>> [int(fold.test.sum()) for fold in hashed_folds(hashes, 3, 1, 0, np.array(["a", "b", "b"] * 3))]
    [3, 3, 3]
    """
    for repeat in range(repeats):
        position = salted_positions(hashes, seed * 1_000 + repeat + 1)
        fold = (
            np.minimum(((1.0 - position) * folds).astype(np.int64), folds - 1)
            if labels is None
            else _taking_turns(position, labels, folds)
        )
        for number in range(folds):
            test = fold == number
            yield Fold(repeat * folds + number, ~test, test)


def ordered_folds(moments: np.ndarray[Any, Any], folds: int) -> Iterator[Fold]:
    """Yield folds in which only the past is learnt from: each answers the next stretch of time, and learns all before it.

    Parameters
    ----------
    moments : ndarray of shape (n_rows,)
        Times or numbers. Rows of one moment stay together; rows without one are learnt from in every fold.
    folds : int
        Stretches that are answered; the first of `folds` + 1 equal stretches is only learnt from.

    References
    ----------
    .. [1] Hyndman, R. J. and Athanasopoulos, G. (2021). Forecasting: Principles and Practice, 3rd ed., section 5.10.

    Examples
    --------
    >>> [(int(fold.train.sum()), int(fold.test.sum())) for fold in ordered_folds(np.arange(9.0), 2)]
    [(3, 3), (6, 3)]
    """
    known = ~(np.isnat(moments) if moments.dtype.kind == "M" else np.isnan(moments))
    stretch = np.full(len(moments), -1, dtype=np.int64)
    if known.any():
        values = moments[known]
        before = np.searchsorted(np.sort(values), values, side="left")
        stretch[known] = np.minimum(before * (folds + 1) // int(known.sum()), folds)
    for number in range(folds):
        yield Fold(number, stretch <= number, stretch == number + 1)


def stopping_rows(hashes: Hashes, train: Flags, share: float, moments: np.ndarray[Any, Any] | None) -> Flags:
    """Choose the rows of a fold's training part that decide when to stop: by hash, or the last ones in time."""
    chosen = np.zeros(len(train), dtype=bool)
    places = np.flatnonzero(train)
    if moments is None:
        chosen[places[salted_positions(hashes[places], 1_000_003) > 1.0 - share]] = True
        return chosen
    order = np.argsort(moments[places], kind="stable")
    missing = np.isnat(moments[places]) if moments.dtype.kind == "M" else np.isnan(moments[places])
    order = order[: len(places) - int(missing.sum())]  # what has no moment is sorted last
    last = order[len(order) - round(share * len(order)) :]
    chosen[places[last]] = True
    return chosen


def _taking_turns(position: Floats, labels: Labels, folds: int) -> Ints:
    fold = np.empty(len(position), dtype=np.int64)
    for place, label in enumerate(np.unique(labels)):
        rows = labels == label
        _, rank = np.unique(position[rows], return_inverse=True)
        # Labels begin with different folds, or the first folds would be larger.
        fold[rows] = (rank + place) % folds
    return fold
