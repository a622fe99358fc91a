"""How well scores put positive rows before negative ones, on rows that count as often as weights say."""

from __future__ import annotations

import numpy as np

from headrace.ml.arrays import Flags, Floats


class Ranking:
    """Rows in the order of their scores, sorted once for all weights.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
        The higher, the surer positive.
    positive : ndarray of shape (n_rows,)
        Which rows are positive.

    Attributes
    ----------
    thresholds : ndarray of shape (n_groups,)
        The different scores, ascending; rows of one score are tied.
    """

    def __init__(self, scores: Floats, positive: Flags) -> None:
        self._order = np.argsort(scores, kind="stable")
        ascending = scores[self._order]
        self._starts = np.flatnonzero(np.append(True, np.diff(ascending) != 0))
        self._tied = len(self._starts) < len(scores)
        self.thresholds: Floats = ascending[self._starts]
        self._positive = positive[self._order].astype(np.float64)
        self._places = np.flatnonzero(positive[self._order])
        group = np.searchsorted(self._starts, self._places, side="right") - 1
        self._below = self._starts[group]
        self._up_to = np.append(self._starts, len(scores))[group + 1]

    def counts(self, weights: Floats | None) -> tuple[Floats, Floats]:
        """Return positive and negative rows by score, each of shape (n_resamples, n_groups), in the order of `thresholds`."""
        rows = np.ones((1, len(self._order))) if weights is None else weights[:, self._order]
        positives, negatives = rows * self._positive, rows * (1.0 - self._positive)
        if not self._tied:
            return positives, negatives
        return (
            np.add.reduceat(positives, self._starts, axis=1),
            np.add.reduceat(negatives, self._starts, axis=1),
        )

    def roc_auc(self, weights: Floats | None) -> Floats:
        """Return the area under the ROC curve, in [0, 1], for each line of weights; NaN where only one label occurs.

        It is the probability that a positive row scores higher than a negative one, with ties counting half: the
        Mann-Whitney statistic over its maximum [1]_, from the sum of the positive rows' ranks.

        References
        ----------
        .. [1] Hanley, J. A. and McNeil, B. J. (1982). The meaning and use of the area under a ROC curve. Radiology 143.

        Examples
        --------
        >>> scores, positive = np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True])
        >>> Ranking(scores, positive).roc_auc(None).tolist()
        [0.875]
        """
        rows = np.ones((1, len(self._order))) if weights is None else weights[:, self._order]
        reached = np.zeros((len(rows), rows.shape[1] + 1))
        np.cumsum(rows, axis=1, out=reached[:, 1:])
        positives = rows[:, self._places]
        ranks = (reached[:, self._below] + reached[:, self._up_to]) / 2
        total = positives.sum(axis=1)
        above = np.einsum("bp,bp->b", positives, ranks) - np.square(total) / 2
        return ratio(above, total * (reached[:, -1] - total))


def average_precision(positives: Floats, negatives: Floats) -> Floats:
    r"""Return :math:`\sum_k (R_k - R_{k-1}) P_k` over descending scores, in [0, 1]; NaN without a positive row.

    It is the area under the precision-recall curve, without interpolation between its points.

    Parameters
    ----------
    positives, negatives : ndarray of shape (n_resamples, n_groups)
        Rows by score, ascending.

    References
    ----------
    .. [1] scikit-learn user guide, section "Precision, recall and F-measures".

    Examples
    --------
    >>> average_precision(np.array([[0.0, 1.0, 1.0]]), np.array([[1.0, 1.0, 0.0]])).round(4).tolist()
    [0.8333]
    """
    hits = np.cumsum(positives[:, ::-1], axis=1)
    named = hits + np.cumsum(negatives[:, ::-1], axis=1)
    precision = hits / np.maximum(named, 1.0)
    return ratio(np.einsum("bg,bg->b", positives[:, ::-1], precision), positives.sum(axis=1))


def ratio(part: Floats, whole: Floats, otherwise: float = np.nan) -> Floats:
    """Return part / whole, and `otherwise` where the whole is 0.

    Examples
    --------
    >>> ratio(np.array([1.0, 0.0]), np.array([2.0, 0.0]), 0.0).tolist()
    [0.5, 0.0]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, otherwise)
