"""How scores, and what they are worth, are spread over the rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.ml.arrays import Flags, Floats
from headrace.ml.predictions import Predictions
from headrace.ml.quality.intervals import wilson

_BINS = 10
_BARS = 30

Document = dict[str, Any]


def calibration_bins(model: Predictions) -> Document:
    """Return, for ten groups of equally many rows by rising score, what was predicted and what came true.

    In a binary problem the score is the probability of the positive label; otherwise it is the probability of the label that
    was answered, and what came true is that it was right.

    Returns
    -------
    dict
        ``bins``: mean ``predicted``, ``share`` that came true, ``low`` and ``high`` of Wilson's 95 % interval, ``rows``. Rows
        with equal scores are never parted, so there may be fewer than ten.

    References
    ----------
    .. [1] scikit-learn user guide, section "Probability calibration"; ``calibration_curve`` with ``strategy="quantile"``.
    """
    scores, true = _scores(model)
    edges = np.percentile(scores, np.linspace(0.0, 100.0, _BINS + 1))
    place = np.searchsorted(edges[1:-1], scores)
    bins = [_bin(scores[place == index], true[place == index]) for index in np.unique(place)]
    return {"bins": bins}


def score_spread(model: Predictions) -> Document:
    """Return how many rows have which score: by their true label in a binary problem, otherwise by right and wrong.

    Returns
    -------
    dict
        ``edges`` of 30 bins over [0, 1]; ``true`` and ``false``: rows with the positive label, or answered rightly, and
        the others.
    """
    scores, true = _scores(model)
    edges = np.linspace(0.0, 1.0, _BARS + 1)
    return {
        "edges": six_digits(edges),
        "true": np.histogram(scores[true], edges)[0].tolist(),
        "false": np.histogram(scores[~true], edges)[0].tolist(),
    }


def improvement_spread(improvement: Floats) -> Document | None:
    """Return how often resampled rows gave which improvement; None if too few had a value.

    Parameters
    ----------
    improvement : ndarray of shape (n_resamples,)
        In the metric's unit; above 0 is better.

    Returns
    -------
    dict or None
        ``edges``, ``counts``, and ``better``: the share of resamples above 0, equal ones counting half.

    Examples
    --------
    >>> improvement_spread(np.array([-1.0, 0.0, 1.0, 2.0]))["better"]
    0.625
    """
    found = improvement[np.isfinite(improvement)]
    if not len(found):
        return None
    counts, edges = np.histogram(found, _BARS)
    return {
        "edges": six_digits(edges),
        "counts": counts.tolist(),
        "better": float(np.mean(found > 0) + np.mean(found == 0) / 2),
    }


def rounded(x: Floats, y: Floats) -> list[list[float]]:
    """Return points as JSON has them, with six significant digits."""
    return [list(pair) for pair in zip(six_digits(x), six_digits(y), strict=True)]


def six_digits(numbers: Floats) -> list[float]:
    """Return numbers with six significant digits.

    Examples
    --------
    >>> six_digits(np.array([1 / 3, 1e9 / 3]))
    [0.333333, 333333000.0]
    """
    return [float(f"{number:.6g}") for number in numbers.tolist()]


def _scores(model: Predictions) -> tuple[Floats, Flags]:
    """Return what is compared with what came true."""
    if len(model.classes) == 2:  # noqa: PLR2004 - a binary problem
        return model.values[:, 1], np.asarray(model.truth == model.classes[1])
    return model.values.max(axis=1), np.asarray(model.truth == model.labels)


def _bin(scores: Floats, true: Flags) -> dict[str, float]:
    found = wilson(int(true.sum()), len(true))
    predicted, share, low, high = six_digits(np.array([scores.mean(), found.value, found.low, found.high]))
    return {"predicted": predicted, "share": share, "low": low, "high": high, "rows": len(true)}
