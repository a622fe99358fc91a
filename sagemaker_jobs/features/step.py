"""What a step is: it learns from columns, and makes columns of columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

import numpy as np
from sklearn.base import BaseEstimator

from headrace.ml.arrays import Floats, Labels

READY = "ready"
"""The kind of a column that goes to the estimator as it is."""


class Feature(NamedTuple):
    """One column on its way to the estimator.

    Parameters
    ----------
    kind : str
        A kind of the contract, or ``ready``.
    values : ndarray or sparse matrix
        Of shape (n_rows,); a column that is ready may have the shape (n_rows, n_numbers), and may be a CSR matrix.
    """

    kind: str
    values: Any


Kept = TypeVar("Kept")
Features = dict[str, Feature]
Target = Floats | Labels


class Step(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Base of all steps.

    A step is given the columns that it is for, and what it returns takes their place, or stands beside them.

    Attributes
    ----------
    takes : tuple of str
        Kinds of columns that it can be given. Without names in the pipeline file it is given all of these.
    beside : bool
        Whether the columns stay.
    """

    takes: ClassVar[tuple[str, ...]] = ()
    beside: ClassVar[bool] = False

    def fit(self, features: Features, target: Target | None = None) -> Self:
        """Learn from training rows; by default there is nothing to learn."""
        return self

    def transform(self, features: Features) -> Features:
        """Return the columns that are made of `features`."""
        raise NotImplementedError

    def fit_transform(self, features: Features, target: Target | None = None) -> Features:
        """Learn from training rows and return what the estimator learns from."""
        return self.fit(features, target).transform(features)

    def kept(self, name: str, make: Callable[[], Kept]) -> Kept:
        """Return what `make` makes of what was learned about the column `name`: once, as a step is fitted once."""
        kept: dict[str, Kept] = self.__dict__.setdefault("_kept", {})
        if name not in kept:
            kept[name] = make()
        return kept[name]

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is made when it is first needed."""
        return {name: value for name, value in super().__getstate__().items() if name != "_kept"}


def text_codes(values: np.ndarray[Any, Any], levels: Mapping[str, int], other: float) -> Floats:
    """Return the number of each category; NaN where the cell is missing, `other` where it is not among `levels`.

    Examples
    --------
    >>> text_codes(np.array(["b", None, "z"], dtype=object), {"a": 0, "b": 1}, -1).tolist()
    [1.0, nan, -1.0]
    """
    return np.array(
        [np.nan if value is None else levels.get(value, other) for value in values], dtype=np.float64
    )


def ranked_levels(values: np.ndarray[Any, Any], most: int) -> list[str]:
    """Return the categories, the most frequent first, at most `most` of them.

    Examples
    --------
    >>> ranked_levels(np.array(["b", "a", "b", None, "c"], dtype=object), 2)
    ['b', 'a']
    """
    present = [value for value in values if value is not None]
    found, counts = np.unique(np.array(present, dtype=object).astype(str), return_counts=True)
    order = np.lexsort((found, -counts))[:most]
    return [str(level) for level in found[order]]


def places(levels: Sequence[str]) -> dict[str, int]:
    """Return the place of each category in a list of them.

    Examples
    --------
    >>> places(["b", "a"])
    {'b': 0, 'a': 1}
    """
    return {level: place for place, level in enumerate(levels)}
