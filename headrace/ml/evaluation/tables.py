"""Where a model is wrong: which labels it takes for which, and by how much its numbers are off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from headrace.ml.arrays import Floats
from headrace.ml.evaluation.spreads import six_digits
from headrace.ml.predictions import Predictions

MOST_LABELS = 20
OTHERS = "all others"
_GROUPS, _BARS = 20, 40
_SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
_TAIL = 0.005

Document = dict[str, Any]


def confusion_table(model: Predictions) -> Document:
    """Return how often each true label was answered by which.

    Returns
    -------
    dict
        ``labels``, and ``counts`` by true label, then by answer. Of more than 20 labels the 19 most frequent ones are told
        apart, and the last is what all others are pooled in.

    Examples
    --------
    >>> chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
    >>> confusion_table(Predictions(np.array(["no", "yes", "yes"]), chances, ("no", "yes")))
    {'labels': ['no', 'yes'], 'counts': [[1, 0], [1, 1]]}
    """
    truth, answers = np.asarray(model.truth).astype(str), np.asarray(model.labels).astype(str)
    known, times = np.unique(truth, return_counts=True)
    labels = [str(label) for label in np.union1d(known, np.asarray(model.classes).astype(str))]
    if len(labels) > MOST_LABELS:
        often = dict(zip(known.tolist(), times.tolist(), strict=True))
        frequent = sorted(labels, key=lambda label: -often.get(label, 0))[: MOST_LABELS - 1]
        labels = [*sorted(frequent), OTHERS]
    place = {label: index for index, label in enumerate(labels)}
    rows, columns = (
        np.array([place.get(label, len(labels) - 1) for label in found.tolist()])
        for found in (truth, answers)
    )
    counts = np.bincount(rows * len(labels) + columns, minlength=len(labels) ** 2)
    return {"labels": labels, "counts": counts.reshape(len(labels), -1).tolist()}


def residual_bands(model: Predictions) -> Document:
    """Return, for twenty groups of equally many rows by rising answer, how the truth is spread.

    Returns
    -------
    dict
        ``bands``: mean ``predicted``; ``quantiles`` 5, 25, 50, 75 and 95 % of the truth, in the target's unit; ``rows``.
        Rows with equal answers are never parted, so there may be fewer than twenty.
    """
    truth, predicted = _numbers(model)
    edges = np.percentile(predicted, np.linspace(0.0, 100.0, _GROUPS + 1))
    place = np.searchsorted(edges[1:-1], predicted)
    bands = []
    for index in np.unique(place):
        group = place == index
        mean, *quantiles = six_digits(np.append(predicted[group].mean(), np.quantile(truth[group], _SHARES)))
        bands.append({"predicted": mean, "quantiles": quantiles, "rows": int(group.sum())})
    return {"bands": bands}


def residual_spreads(models: Mapping[str, Predictions]) -> Document:
    """Return how often each model is off by how much, truth less answer, in bins that all models share.

    Returns
    -------
    dict
        By model ``edges`` of 40 bins between the 0.5 % and the 99.5 % quantile of all residuals, ``counts``, and the rows
        ``below`` and ``above``.
    """
    errors = {name: np.subtract(*_numbers(model)) for name, model in models.items()}
    low, high = np.quantile(np.concatenate(list(errors.values())), [_TAIL, 1 - _TAIL])
    if not high > low:
        half = abs(low) / 2 or 0.5
        low, high = low - half, high + half
    edges = np.linspace(low, high, _BARS + 1)
    return {
        name: {
            "edges": six_digits(edges),
            "counts": np.histogram(found, edges)[0].tolist(),
            "below": int(np.sum(found < edges[0])),
            "above": int(np.sum(found > edges[-1])),
        }
        for name, found in errors.items()
    }


def _numbers(model: Predictions) -> tuple[Floats, Floats]:
    return np.asarray(model.truth, dtype=np.float64), model.values
