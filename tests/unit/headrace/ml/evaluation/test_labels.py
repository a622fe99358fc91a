import numpy as np
import pytest
from sklearn import metrics as sk

from headrace.ml.evaluation.labels import MOST_LISTED, per_class
from headrace.ml.metrics import Predictions

RNG = np.random.default_rng(5)


def test_each_label_has_what_scikit_learn_says_of_it():
    classes = ("a", "b", "c", "never")
    truth = np.array(["a", "b", "c", "new"])[RNG.integers(0, 4, 200)]
    predictions = Predictions(truth, RNG.dirichlet(np.ones(4), 200), classes)

    found = per_class(predictions)

    labels = list(found)
    columns = sk.precision_recall_fscore_support(truth, predictions.labels, labels=labels, zero_division=0)
    for name, column in zip(("precision", "recall", "f1", "support"), columns, strict=True):
        assert [entry[name] for entry in found.values()] == pytest.approx(column.tolist())
    assert labels == [*classes, "new"]


def test_of_very_many_labels_the_most_frequent_are_told():
    classes = tuple(f"c{n:03}" for n in range(300))
    often = np.repeat(np.array(classes), np.where(np.arange(300) < 50, 1, 2))

    found = per_class(Predictions(often, RNG.dirichlet(np.ones(300), len(often)), classes))

    assert len(found) == MOST_LISTED
    assert all(entry["support"] == 2 for entry in found.values())
