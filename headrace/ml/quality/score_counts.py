"""Scores counted in fixed bins: a summary that any two windows can add up, whatever model gave the scores."""

from __future__ import annotations

import numpy as np

from headrace.ml.arrays import Flags, Floats, Ints

_LARGEST_LOGIT, _EDGES = 10.0, 801

EDGES: Floats = 1.0 / (1.0 + np.exp(-np.linspace(-_LARGEST_LOGIT, _LARGEST_LOGIT, _EDGES)))
"""Upper ends of the bins but the last, equally far apart on the logistic scale; one of them is 0.5."""

CENTRES: Floats = (np.append(EDGES, 1.0) + np.append(0.0, EDGES)) / 2.0
"""The score that stands for each bin, of shape (n_bins,)."""

ABOVE_HALF: Flags = CENTRES > 0.5  # noqa: PLR2004 - where the more probable of two labels changes
"""Bins in which the positive label is the more probable one."""


def count_scores(scores: Floats, chosen: Flags | None = None) -> Ints:
    """Count scores by bin.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
        Probabilities in [0, 1]; missing ones are left out.
    chosen : ndarray of shape (n_rows,), optional
        The rows to count; all if it is not given.

    Returns
    -------
    ndarray of shape (n_bins,)
        Rows in each bin, of the same 802 bins always: counts of two windows may be added.

    Examples
    --------
    >>> counts = count_scores(np.array([0.2, 0.7, np.nan]))
    >>> int(counts.sum()), int(counts[ABOVE_HALF].sum())
    (2, 1)
    """
    kept = np.isfinite(scores) if chosen is None else np.isfinite(scores) & chosen
    return np.bincount(bins_of(scores[kept]), minlength=len(CENTRES)).astype(np.int64)


def bins_of(scores: Floats) -> Ints:
    """Return the bin of each score."""
    return np.searchsorted(EDGES, scores, side="left").astype(np.int64)
