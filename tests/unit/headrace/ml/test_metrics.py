"""Every metric is what scikit-learn says, on whatever data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from headrace.ml.metrics import LOWER_IS_BETTER, METRICS, Predictions, is_better, measure

NUMBERS = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=2, max_size=50).map(
    lambda pairs: np.array(pairs).T
)


def scored(n_classes, rows):
    """Return predictions of `rows` random rows, some of them tied."""
    rng = np.random.default_rng(rows * 7 + n_classes)
    values = np.round(rng.dirichlet(np.ones(n_classes), rows), 2) + 1e-3
    values /= values.sum(axis=1, keepdims=True)
    classes = tuple("abcde"[:n_classes])
    truth = np.array(classes)[rng.integers(0, n_classes, rows)]
    return Predictions(truth, values, classes)


@given(NUMBERS)
def test_errors_of_numbers(pair):
    truth, values = pair
    found = measure("regression", Predictions(truth, values))

    assert found["rmse"] == pytest.approx(sk.root_mean_squared_error(truth, values))
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(truth, values))


@settings(max_examples=50)
@given(st.integers(3, 200))
def test_r2_of_numbers(rows):
    rng = np.random.default_rng(rows)
    truth, values = rng.normal(size=rows), rng.normal(size=rows)

    assert measure("regression", Predictions(truth, values))["r2"] == pytest.approx(
        sk.r2_score(truth, values)
    )


def test_r2_of_a_constant_has_no_value():
    assert np.isnan(measure("regression", Predictions(np.ones(4), np.arange(4.0)))["r2"])


@settings(max_examples=50)
@given(st.integers(10, 300))
def test_scores_of_two_classes(rows):
    predictions = scored(2, rows)
    positive = predictions.truth == "b"
    found = measure("binary", predictions)

    assert found["accuracy"] == pytest.approx(sk.accuracy_score(predictions.truth, predictions.labels))
    assert found["f1"] == pytest.approx(sk.f1_score(predictions.truth, predictions.labels, pos_label="b"))
    assert found["log_loss"] == pytest.approx(
        sk.log_loss(predictions.truth, predictions.values, labels=["a", "b"])
    )
    if 0 < positive.sum() < rows:
        assert found["roc_auc"] == pytest.approx(sk.roc_auc_score(positive, predictions.values[:, 1]))
        assert found["average_precision"] == pytest.approx(
            sk.average_precision_score(positive, predictions.values[:, 1])
        )


@settings(max_examples=50)
@given(st.integers(10, 300), st.integers(3, 5))
def test_scores_of_many_classes(rows, n_classes):
    predictions = scored(n_classes, rows)
    found = measure("multiclass", predictions)

    assert found["f1_macro"] == pytest.approx(
        sk.f1_score(predictions.truth, predictions.labels, average="macro")
    )
    assert found["log_loss"] == pytest.approx(
        sk.log_loss(predictions.truth, predictions.values, labels=list(predictions.classes))
    )


def test_scores_of_one_class_have_no_value():
    only = Predictions(np.array(["a", "a"]), np.array([[0.4, 0.6], [0.9, 0.1]]), ("a", "b"))

    found = measure("binary", only)
    assert np.isnan(found["roc_auc"])
    assert np.isnan(found["average_precision"])


def test_a_label_that_the_model_does_not_know_has_no_log_loss():
    unknown = Predictions(np.array(["c"]), np.array([[0.4, 0.6]]), ("a", "b"))

    assert np.isnan(measure("binary", unknown)["log_loss"])


def test_one_certain_mistake_costs_a_finite_loss():
    wrong = Predictions(np.array(["a"]), np.array([[0.0, 1.0]]), ("a", "b"))

    assert measure("binary", wrong)["log_loss"] == pytest.approx(36.04, abs=0.01)


@pytest.mark.parametrize("metric", sorted({name for named in METRICS.values() for name in named}))
def test_errors_are_better_when_lower_and_scores_when_higher(metric):
    assert is_better(metric, 0.1, 0.2) == (metric in LOWER_IS_BETTER)
    assert is_better(metric, 0.2, 0.1) == (metric not in LOWER_IS_BETTER)
    assert not is_better(metric, float("nan"), 0.2)
    assert not is_better(metric, 0.2, float("nan"))
