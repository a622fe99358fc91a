"""Every metric is what scikit-learn says, on whatever data."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from headrace.config.limits import METRICS as CONFIGURED
from headrace.ml.metrics import LOWER_IS_BETTER, METRICS, Predictions, direction, is_better, measure, prepare

NUMBERS = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=2, max_size=50).map(
    lambda pairs: np.array(pairs).T
)


def scored(n_classes, rows, seed=0, *, absent=0):
    """Return predictions of random rows, some of them tied; the last `absent` labels occur in no row."""
    rng = np.random.default_rng([rows, n_classes, seed])
    values = np.round(rng.dirichlet(np.ones(n_classes), rows), 1) + 1e-3
    values /= values.sum(axis=1, keepdims=True)
    classes = tuple("abcdefg"[:n_classes])
    truth = np.array(classes)[rng.integers(0, n_classes - absent, rows)]
    return Predictions(truth, values, classes)


def of_scikit_learn(predictions):
    """Return what scikit-learn says of labels, by our names."""
    truth, answered = predictions.truth, predictions.labels
    averages = {
        f"{name}_{average}": getattr(sk, f"{name}_score")(truth, answered, average=average, zero_division=0)
        for name in ("precision", "recall", "f1")
        for average in ("macro", "weighted")
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about labels that are answered and never true
        balanced = sk.balanced_accuracy_score(truth, answered)
    return {
        **averages,
        "accuracy": sk.accuracy_score(truth, answered),
        "balanced_accuracy": balanced,
        "mcc": sk.matthews_corrcoef(truth, answered),
        "log_loss": sk.log_loss(truth, predictions.values, labels=list(predictions.classes)),
        "brier": sk.brier_score_loss(truth, predictions.values, labels=list(predictions.classes)),
    }


@given(NUMBERS)
def test_errors_of_numbers(pair):
    truth, values = pair
    found = measure("regression", Predictions(truth, values))

    assert found["rmse"] == pytest.approx(sk.root_mean_squared_error(truth, values))
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(truth, values))
    assert found["median_absolute_error"] == pytest.approx(sk.median_absolute_error(truth, values))


@settings(max_examples=50)
@given(st.integers(3, 200))
def test_r2_and_percentages_of_numbers(rows):
    rng = np.random.default_rng(rows)
    truth, values = rng.normal(size=rows), rng.normal(size=rows)
    found = measure("regression", Predictions(truth, values))

    assert found["r2"] == pytest.approx(sk.r2_score(truth, values))
    assert found["mape"] == pytest.approx(sk.mean_absolute_percentage_error(truth, values))


def test_r2_of_a_constant_has_no_value():
    assert np.isnan(measure("regression", Predictions(np.ones(4), np.arange(4.0)))["r2"])


def test_a_true_zero_leaves_percentages_without_a_value():
    found = measure("regression", Predictions(np.array([0.0, 2.0]), np.array([1.0, 2.0])))

    assert np.isnan(found["mape"])
    assert found["mae"] == 0.5


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 300), st.integers(0, 1))
def test_scores_of_two_classes(rows, absent):
    predictions = scored(2, rows, absent=absent)
    positive = predictions.truth == "b"
    found, expected = measure("binary", predictions), of_scikit_learn(predictions)

    for name in ("accuracy", "log_loss", "mcc"):
        assert found[name] == pytest.approx(expected[name]), name
    assert found["brier"] == pytest.approx(sk.brier_score_loss(positive, predictions.values[:, 1]))
    for name in ("precision", "f1"):
        score = getattr(sk, f"{name}_score")(positive, predictions.labels == "b", zero_division=0)
        assert found[name] == pytest.approx(score), name
    if 0 < positive.sum() < rows:
        assert found["recall"] == pytest.approx(sk.recall_score(positive, predictions.labels == "b"))
        assert found["balanced_accuracy"] == pytest.approx(expected["balanced_accuracy"])
        assert found["roc_auc"] == pytest.approx(sk.roc_auc_score(positive, predictions.values[:, 1]))
        assert found["average_precision"] == pytest.approx(
            sk.average_precision_score(positive, predictions.values[:, 1])
        )


@settings(max_examples=60, deadline=None)
@given(st.integers(3, 300), st.integers(3, 6), st.integers(0, 2))
def test_scores_of_many_classes_of_which_some_occur_in_no_row(rows, n_classes, absent):
    predictions = scored(n_classes, rows, absent=absent)
    found, expected = measure("multiclass", predictions), of_scikit_learn(predictions)

    for name, value in expected.items():
        assert found[name] == pytest.approx(value), name
    if len(set(predictions.truth)) == n_classes:
        area = sk.roc_auc_score(predictions.truth, predictions.values, multi_class="ovr", average="macro")
        assert found["roc_auc_ovr"] == pytest.approx(area)


def test_labels_that_no_row_has_are_left_out_of_the_mean_of_areas():
    predictions = scored(4, 200, absent=1)
    areas = [
        sk.roc_auc_score(predictions.truth == label, predictions.values[:, place])
        for place, label in enumerate("abc")
    ]

    assert measure("multiclass", predictions)["roc_auc_ovr"] == pytest.approx(np.mean(areas))


def test_a_label_that_the_model_does_not_know_costs_what_scikit_learn_says_and_has_no_loss():
    known = scored(3, 60)
    predictions = Predictions(np.where(known.truth == "a", "z", known.truth), known.values, known.classes)

    found = measure("multiclass", predictions)

    assert np.isnan(found["log_loss"])
    assert np.isnan(found["brier"])
    assert found["f1_macro"] == pytest.approx(
        sk.f1_score(predictions.truth, predictions.labels, average="macro")
    )


def test_more_labels_than_can_be_ranked_have_no_area():
    classes = tuple(f"c{n:03}" for n in range(101))
    values = np.full((101, 101), 1 / 101)

    assert np.isnan(measure("multiclass", Predictions(np.array(classes), values, classes))["roc_auc_ovr"])


def test_scores_of_one_class_have_no_value():
    only = Predictions(np.array(["a", "a"]), np.array([[0.4, 0.6], [0.9, 0.1]]), ("a", "b"))

    found = measure("binary", only)

    for name in ("roc_auc", "average_precision", "recall", "balanced_accuracy"):
        assert np.isnan(found[name]), name
    assert found["precision"] == 0.0


def test_a_label_that_the_model_of_two_does_not_know_has_no_log_loss():
    unknown = Predictions(np.array(["c"]), np.array([[0.4, 0.6]]), ("a", "b"))

    assert np.isnan(measure("binary", unknown)["log_loss"])


def test_one_certain_mistake_costs_a_finite_loss():
    wrong = Predictions(np.array(["a"]), np.array([[0.0, 1.0]]), ("a", "b"))

    assert measure("binary", wrong)["log_loss"] == pytest.approx(36.04, abs=0.01)


def test_the_calibration_error_is_the_mean_gap_between_probability_and_share_by_bin():
    scores = np.array([0.95, 0.95, 0.95, 0.95, 0.1, 0.1])
    truth = np.array(["yes", "yes", "no", "no", "no", "no"])
    found = measure("binary", Predictions(truth, np.column_stack([1 - scores, scores]), ("no", "yes")))

    # 4 rows of 6 say 0.95 and are 0.5; 2 rows say 0.1 and are 0.
    assert found["calibration_error"] == pytest.approx(4 / 6 * 0.45 + 2 / 6 * 0.1)


def test_of_many_labels_the_answered_ones_probability_is_to_be_calibrated():
    values = np.array([[0.8, 0.1, 0.1], [0.8, 0.1, 0.1]])
    found = measure("multiclass", Predictions(np.array(["a", "b"]), values, ("a", "b", "c")))

    assert found["calibration_error"] == pytest.approx(0.3)


def test_a_threshold_moves_the_metrics_of_labels_and_no_others():
    plain = scored(2, 300)
    moved = Predictions(plain.truth, plain.values, plain.classes, threshold=0.2)
    before, after = measure("binary", plain), measure("binary", moved)

    assert after["recall"] > before["recall"]
    assert after["recall"] == pytest.approx(sk.recall_score(plain.truth == "b", plain.values[:, 1] >= 0.2))
    for name in ("roc_auc", "average_precision", "log_loss", "brier", "calibration_error"):
        assert after[name] == before[name], name


@pytest.mark.parametrize(("problem", "classes"), [("binary", 2), ("multiclass", 4), ("regression", 0)])
def test_weights_are_rows_that_come_so_often(problem, classes):
    rng = np.random.default_rng(3)
    rows = scored(classes, 80) if classes else Predictions(rng.normal(size=80), rng.normal(size=80))
    weights = rng.integers(0, 4, 80)
    repeated = measure(problem, rows.rows(np.repeat(np.arange(80), weights)))

    weighted = prepare(problem, rows).weighted(weights[None, :].astype(np.float64))

    for name, metric in METRICS[problem].items():
        assert metric(weighted)[0] == pytest.approx(repeated[name]), name


@pytest.mark.parametrize("problem", METRICS)
def test_the_pipeline_file_knows_each_metric_and_which_way_it_is_better(problem):
    assert CONFIGURED[problem] == {name: direction(name) for name in METRICS[problem]}
    assert list(CONFIGURED[problem]) == list(METRICS[problem])


@pytest.mark.parametrize("metric", sorted({name for named in METRICS.values() for name in named}))
def test_errors_are_better_when_lower_and_scores_when_higher(metric):
    assert is_better(metric, 0.1, 0.2) == (metric in LOWER_IS_BETTER)
    assert is_better(metric, 0.2, 0.1) == (metric not in LOWER_IS_BETTER)
    assert not is_better(metric, float("nan"), 0.2)
    assert not is_better(metric, 0.2, float("nan"))
