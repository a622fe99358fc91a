"""How well each label is told from the others."""

from __future__ import annotations

import numpy as np

from headrace.ml.arrays import Floats, Ints, Labels
from headrace.ml.evaluation.ranking import ratio
from headrace.ml.predictions import Predictions

MOST_LISTED = 200
"""Labels whose precision and recall are listed: those that most rows have."""


def per_class(predictions: Predictions) -> dict[str, dict[str, float | int]]:
    """Return precision, recall, F1 and support of each label.

    Parameters
    ----------
    predictions : Predictions
        Of labels; at least one row.

    Returns
    -------
    dict of str to dict
        By label, in the model's order, of the 200 that most rows have: ``precision`` is the share of right answers among those
        that name the label, ``recall`` among the rows that truly have it, ``f1`` their harmonic mean, each in [0, 1] and 0 where
        there is nothing to count; ``support`` is how many rows truly have it.

    Examples
    --------
    >>> answers = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    >>> per_class(Predictions(np.array(["no", "no", "yes"]), answers, ("no", "yes")))["yes"]
    {'precision': 0.5, 'recall': 1.0, 'f1': 0.6666666666666666, 'support': 1}
    """
    labels, true, answered = _codes(predictions.truth, predictions.labels, predictions.classes)
    size = len(labels)
    hits, support, named = (
        np.bincount(codes, minlength=size).astype(np.float64)
        for codes in (true[true == answered], true, answered)
    )
    precision, recall, f1 = (
        ratio(hits, named, 0.0),
        ratio(hits, support, 0.0),
        ratio(2 * hits, named + support, 0.0),
    )
    return {
        labels[place]: {
            "precision": float(precision[place]),
            "recall": float(recall[place]),
            "f1": float(f1[place]),
            "support": int(support[place]),
        }
        for place in _most_frequent(support, MOST_LISTED)
    }


def _codes(truth: Labels, answered: Labels, classes: tuple[str, ...]) -> tuple[list[str], Ints, Ints]:
    """Return all labels, the model's first, and which of them each row has and is answered."""
    labels = [*classes, *sorted(set(truth.tolist()) - set(classes))]
    place = {label: index for index, label in enumerate(labels)}
    true, named = (
        np.array([place[label] for label in column.tolist()], dtype=np.int64) for column in (truth, answered)
    )
    return labels, true, named


def _most_frequent(rows: Floats, most: int) -> list[int]:
    """Return the places of the largest numbers, in their own order."""
    return sorted(np.argsort(-rows, kind="stable")[:most].tolist())
