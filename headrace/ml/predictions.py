"""What a model said about rows whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from headrace.ml.arrays import Flags, Floats, Labels


@dataclass(frozen=True)
class Predictions:
    """What a model said about rows whose truth is known.

    Parameters
    ----------
    truth : ndarray of shape (n_rows,)
        Numbers in a regression, labels as text otherwise.
    values : ndarray of shape (n_rows,) or (n_rows, n_classes)
        Predicted numbers in a regression; probabilities otherwise, in the order of `classes`.
    classes : tuple of str
        Labels, sorted; empty in a regression. The second of two is the positive one.
    threshold : float or None
        Of two labels: the probability from which the second one is answered. None answers the more probable label.
    """

    truth: Floats | Labels
    values: Floats
    classes: tuple[str, ...] = ()
    threshold: float | None = None

    @property
    def labels(self) -> Labels:
        """The label that is answered in each row."""
        return labels_of(self.values, self.classes, self.threshold)

    def rows(self, chosen: ArrayLike) -> Predictions:
        """Return the predictions of some rows, by index or flag."""
        index = np.asarray(chosen)
        return Predictions(self.truth[index], self.values[index], self.classes, self.threshold)


def labels_of(probabilities: Floats, classes: Sequence[str], threshold: float | None = None) -> Labels:
    """Return the label that each row is answered.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_classes)
        In the order of `classes`.
    classes : sequence of str
        Labels; the second of two is the positive one.
    threshold : float or None
        Of two labels: the probability from which the second one is answered. None answers the most probable label, and of
        equally probable ones the first.

    Examples
    --------
    >>> labels_of(np.array([[0.5, 0.5], [0.2, 0.8]]), ("no", "yes")).tolist()
    ['no', 'yes']
    >>> labels_of(np.array([[0.7, 0.3], [0.8, 0.2]]), ("no", "yes"), 0.3).tolist()
    ['yes', 'no']
    """
    named: Labels = np.asarray(classes)
    if threshold is None:
        return named[np.argmax(probabilities, axis=1)]  # type: ignore[no-any-return]
    return named[is_positive(probabilities, threshold).astype(np.int64)]


def is_positive(probabilities: Floats, threshold: float | None = None) -> Flags:
    """Return which rows of two labels are answered with the second one; see `labels_of`."""
    if threshold is None:
        return np.asarray(probabilities[:, 1] > probabilities[:, 0])
    return np.asarray(probabilities[:, 1] >= threshold)
