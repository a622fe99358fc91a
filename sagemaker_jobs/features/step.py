"""What a step is: it learns from columns, and makes columns of columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

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
