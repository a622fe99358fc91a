"""What a wrong answer costs, row by row and request by request: the same for every model, and the less the better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from headrace.ml.arrays import Floats, Labels
from headrace.ml.contract import Problem

Loss = Literal["mistakes", "brier", "log_loss", "absolute_error", "squared_error"]

BOUNDED: frozenset[Loss] = frozenset({"mistakes", "brier", "log_loss"})
"""Losses that are between 0 and 1 by themselves; the others are errors in the target's unit."""

_BY_METRIC: dict[str, Loss] = {
    "accuracy": "mistakes",
    "f1": "mistakes",
    "f1_macro": "mistakes",
    "roc_auc": "brier",
    "average_precision": "brier",
    "calibration_error": "brier",
    "brier": "brier",
    "log_loss": "log_loss",
    "mae": "absolute_error",
    "rmse": "squared_error",
    "r2": "squared_error",
}
_LEAST_PROBABILITY = 0.01


def loss_of(metric: str, problem: Problem) -> Loss:
    """Return the loss by which models are compared whose quality is measured by `metric`.

    A metric of a whole table, such as ROC AUC or F1, is no mean over rows; what stands for it is the loss of a row that the
    same improvement lowers. Of more than two labels only the probability of the answered one is recorded, so its mistakes
    are counted.

    Examples
    --------
    >>> loss_of("roc_auc", "binary"), loss_of("log_loss", "multiclass"), loss_of("rmse", "regression")
    ('brier', 'mistakes', 'squared_error')
    """
    if problem == "multiclass":
        return "mistakes"
    return _BY_METRIC.get(metric, "absolute_error" if problem == "regression" else "mistakes")


@dataclass(frozen=True)
class Answered:
    """Answers whose truth is known, row by row.

    Parameters
    ----------
    requests : ndarray of shape (n_rows,)
        Ids of the requests that the rows were part of.
    truth : ndarray of shape (n_rows,)
        Numbers in a regression, labels as text otherwise.
    answers : ndarray of shape (n_rows,)
        What the model answered, in the same form.
    scores : ndarray of shape (n_rows,)
        The number; of two labels the probability of the second.
    """

    requests: Labels
    truth: Floats | Labels
    answers: Floats | Labels
    scores: Floats


def row_losses(loss: Loss, answered: Answered, classes: Sequence[str] = ()) -> Floats:
    r"""Return the loss of each row.

    Parameters
    ----------
    loss : str
        ``mistakes``: 1 if the label is another, else 0. ``brier``: the squared difference between probability and truth
        [1]_. ``log_loss``: minus the logarithm of the truth's probability, which counts as 0.01 at least and 0.99 at most, in
        units of the largest. ``absolute_error``, ``squared_error``: of the number.
    answered : Answered
        The rows.
    classes : sequence of str
        The labels, sorted; the second of two is the positive one.

    Returns
    -------
    ndarray of shape (n_rows,)
        At least 0; at most 1 for the losses of `BOUNDED`. NaN where a number or probability is missing.

    References
    ----------
    .. [1] Brier, G. W. (1950). Verification of forecasts expressed in terms of probability. Monthly Weather Review 78.

    Examples
    --------
    >>> rows = Answered(np.array(["a", "b"]), np.array(["yes", "no"]), np.array(["yes", "yes"]), np.array([0.9, 0.6]))
    >>> row_losses("mistakes", rows, ["no", "yes"]).tolist(), row_losses("brier", rows, ["no", "yes"]).round(2).tolist()
    ([0.0, 1.0], [0.01, 0.36])
    """
    if loss == "mistakes":
        return np.asarray(answered.truth != answered.answers, dtype=np.float64)
    if loss in ("absolute_error", "squared_error"):
        errors: Floats = np.abs(np.asarray(answered.truth, dtype=np.float64) - answered.scores)
        return errors if loss == "absolute_error" else np.square(errors)
    positive = np.asarray(answered.truth == classes[-1])
    probability: Floats = np.where(positive, answered.scores, 1.0 - answered.scores)
    if loss == "brier":
        return np.asarray(np.square(1.0 - probability))
    clipped = np.clip(probability, _LEAST_PROBABILITY, 1.0 - _LEAST_PROBABILITY)
    return np.asarray(np.log(clipped) / math.log(_LEAST_PROBABILITY))


def request_means(requests: Labels, losses: Floats) -> Floats:
    """Return the mean loss of each request, over its rows that have one; in the order of the requests' ids.

    A request goes to one model with all its rows, so it is the requests that are drawn, and they that are counted: a
    thousand rows of one request are one draw.

    Examples
    --------
    >>> request_means(np.array(["b", "a", "b", "c"]), np.array([1.0, 0.0, 0.5, np.nan])).tolist()
    [0.0, 0.75]
    """
    known = np.isfinite(losses)
    _, place = np.unique(np.asarray(requests)[known].astype(str), return_inverse=True)
    rows = np.bincount(place)
    means: Floats = np.bincount(place, losses[known]) / rows if len(rows) else np.empty(0)
    return means
