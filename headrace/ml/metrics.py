"""How good predictions are: one number per metric, with its formula and source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from headrace.ml.arrays import Floats, Labels
from headrace.ml.contract import Problem

LOWER_IS_BETTER = frozenset({"rmse", "mae", "log_loss"})
"""Metrics that measure an error; of all others a higher value is better."""

DEFAULT_METRIC: dict[Problem, str] = {"regression": "rmse", "binary": "roc_auc", "multiclass": "f1_macro"}


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
    """

    truth: Floats | Labels
    values: Floats
    classes: tuple[str, ...] = ()

    @property
    def labels(self) -> Labels:
        """The most probable label of each row."""
        labels: Labels = np.asarray(self.classes)[np.argmax(self.values, axis=1)]
        return labels

    def rows(self, chosen: ArrayLike) -> Predictions:
        """Return the predictions of some rows, by index or flag."""
        index = np.asarray(chosen)
        return Predictions(self.truth[index], self.values[index], self.classes)


def measure(problem: Problem, predictions: Predictions) -> dict[str, float]:
    """Compute every metric of `problem`.

    Parameters
    ----------
    problem : {"binary", "multiclass", "regression"}
        Kind of answer.
    predictions : Predictions
        Truth and answers; at least one row.

    Returns
    -------
    dict of str to float
        Value by metric. NaN where a metric has no value, such as ROC AUC of one class.

    Examples
    --------
    >>> measure("regression", Predictions(np.array([1.0, 3.0]), np.array([1.0, 5.0])))["mae"]
    1.0
    """
    return {name: float(metric(predictions)) for name, metric in METRICS[problem].items()}


def is_better(metric: str, value: float, than: float) -> bool:
    """Tell whether `value` is better than `than`; never, if either is NaN.

    Examples
    --------
    >>> is_better("rmse", 40.0, 42.0), is_better("roc_auc", 0.9, float("nan"))
    (True, False)
    """
    return value < than if metric in LOWER_IS_BETTER else value > than


def root_mean_squared_error(predictions: Predictions) -> float:
    r"""Return :math:`\sqrt{\frac1n \sum_i (y_i - \hat y_i)^2}`, in the target's unit, in [0, inf)."""
    return float(np.sqrt(np.mean(np.square(_errors(predictions)))))


def mean_absolute_error(predictions: Predictions) -> float:
    r"""Return :math:`\frac1n \sum_i |y_i - \hat y_i|`, in the target's unit, in [0, inf)."""
    return float(np.mean(np.abs(_errors(predictions))))


def r_squared(predictions: Predictions) -> float:
    r"""Return :math:`1 - \sum (y_i - \hat y_i)^2 / \sum (y_i - \bar y)^2`, in (-inf, 1].

    0 is as good as always answering the mean. NaN if the truth is constant.
    """
    truth = np.asarray(predictions.truth, dtype=np.float64)
    spread = float(np.sum(np.square(truth - truth.mean())))
    return 1.0 - float(np.sum(np.square(_errors(predictions)))) / spread if spread > 0 else float("nan")


def accuracy(predictions: Predictions) -> float:
    """Return the share of rows whose most probable label is the true one, in [0, 1]."""
    return float(np.mean(predictions.labels == predictions.truth))


def f1_positive(predictions: Predictions) -> float:
    """Return the F1 score of the positive label, in [0, 1]; 0 if it is never predicted.

    References
    ----------
    .. [1] van Rijsbergen, C. J. (1979). Information Retrieval, 2nd ed. Butterworths.
    """
    return _f1(predictions.labels, predictions.truth, predictions.classes[1])


def f1_macro(predictions: Predictions) -> float:
    """Return the plain mean of the F1 scores of all labels that occur in truth or answers, in [0, 1]."""
    predicted = predictions.labels
    present = [label for label in predictions.classes if label in predicted or label in predictions.truth]
    return float(np.mean([_f1(predicted, predictions.truth, label) for label in present]))


def roc_auc(predictions: Predictions) -> float:
    """Return the area under the ROC curve, in [0, 1]; NaN if only one label occurs.

    It is the probability that a positive row scores higher than a negative one, with ties counting half: the
    Mann-Whitney statistic over its maximum [1]_.

    References
    ----------
    .. [1] Hanley, J. A. and McNeil, B. J. (1982). The meaning and use of the area under a ROC curve. Radiology 143.
    """
    positive = predictions.truth == predictions.classes[1]
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if not n_positive or not n_negative:
        return float("nan")
    rank_sum = _mid_ranks(predictions.values[:, 1])[positive].sum()
    return float((rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def average_precision(predictions: Predictions) -> float:
    r"""Return :math:`\sum_k (R_k - R_{k-1}) P_k` over descending scores, in [0, 1]; NaN without a positive row.

    References
    ----------
    .. [1] scikit-learn user guide, section "Precision, recall and F-measures".
    """
    positive = predictions.truth == predictions.classes[1]
    if not positive.any():
        return float("nan")
    scores = predictions.values[:, 1]
    order = np.argsort(-scores, kind="stable")
    last_of_tie = np.append(np.diff(scores[order]) != 0, True)
    hits = np.cumsum(positive[order])[last_of_tie]
    precision = hits / (np.flatnonzero(last_of_tie) + 1)
    return float(np.sum(np.diff(hits, prepend=0) * precision) / positive.sum())


def log_loss(predictions: Predictions) -> float:
    r"""Return :math:`-\frac1n \sum_i \ln p_i(y_i)` in nats, in [0, inf); NaN if a label is unknown to the model.

    Probabilities are kept within the machine's precision of 0 and 1, so that one certain mistake costs a finite 36 nats.
    """
    column = {label: index for index, label in enumerate(predictions.classes)}
    known = np.isin(predictions.truth, predictions.classes)
    if not known.all():
        return float("nan")
    index = np.array([column[label] for label in predictions.truth])
    tiny = float(np.finfo(np.float64).eps)
    of_truth = np.clip(predictions.values[np.arange(len(index)), index], tiny, 1 - tiny)
    return float(-np.mean(np.log(of_truth)))


METRICS: dict[Problem, dict[str, Callable[[Predictions], float]]] = {
    "regression": {"rmse": root_mean_squared_error, "mae": mean_absolute_error, "r2": r_squared},
    "binary": {
        "roc_auc": roc_auc,
        "accuracy": accuracy,
        "f1": f1_positive,
        "log_loss": log_loss,
        "average_precision": average_precision,
    },
    "multiclass": {"f1_macro": f1_macro, "accuracy": accuracy, "log_loss": log_loss},
}
"""Metrics by problem; the first is the default."""


def _errors(predictions: Predictions) -> Floats:
    errors: Floats = np.asarray(predictions.truth, dtype=np.float64) - predictions.values
    return errors


def _f1(predicted: Labels, truth: Labels, label: str) -> float:
    hits = int(np.sum((predicted == label) & (truth == label)))
    named = int(np.sum(predicted == label)) + int(np.sum(truth == label))
    return 2 * hits / named if named else 0.0


def _mid_ranks(values: Floats) -> Floats:
    """Return ranks from 1; equal values share the mean of theirs."""
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Floats = (last - (counts - 1) / 2)[index]
    return ranks


Direction = Literal["lower", "higher"]


def direction(metric: str) -> Direction:
    """Return which way `metric` is better."""
    return "lower" if metric in LOWER_IS_BETTER else "higher"
