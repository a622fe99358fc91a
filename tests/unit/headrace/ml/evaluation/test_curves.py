import json

import numpy as np
import pytest
from sklearn import metrics as reference
from sklearn.calibration import calibration_curve

from headrace.ml.evaluation.curves import MOST_POINTS, curves_of, precision_recall_points, roc_points
from headrace.ml.evaluation.tables import OTHERS
from headrace.ml.metrics import Predictions
from tests.unit.headrace.ml.evaluation.evaluations import binary, multiclass, regression


@pytest.mark.parametrize("digits", [None, 1])
def test_the_roc_curve_and_its_area_are_those_of_scikit_learn(digits):
    model = binary(400, digits=digits)
    positive, scores = model.truth == "yes", model.values[:, 1]

    false, true = roc_points(scores, positive)
    expected = reference.roc_curve(positive, scores, drop_intermediate=False)
    drawn = curves_of("binary", {"challenger": model})["roc"]["challenger"]

    assert np.allclose(false, expected[0])
    assert np.allclose(true, expected[1])
    assert drawn["auc"] == pytest.approx(reference.roc_auc_score(positive, scores), abs=1e-12)


@pytest.mark.parametrize("digits", [None, 1])
def test_precision_and_recall_are_those_of_scikit_learn(digits):
    model = binary(400, digits=digits)
    positive, scores = model.truth == "yes", model.values[:, 1]

    recall, precision = precision_recall_points(scores, positive)
    expected = reference.precision_recall_curve(positive, scores)
    drawn = curves_of("binary", {"challenger": model})["precision_recall"]["challenger"]

    assert np.allclose(precision, expected[0][::-1])
    assert np.allclose(recall, expected[1][::-1])
    assert drawn["average_precision"] == pytest.approx(reference.average_precision_score(positive, scores))


def test_calibration_bins_are_those_of_scikit_learn_with_intervals_around_them():
    model = binary(3000)

    bins = curves_of("binary", {"challenger": model})["calibration"]["challenger"]["bins"]
    share, predicted = calibration_curve(
        model.truth == "yes", model.values[:, 1], n_bins=10, strategy="quantile"
    )

    assert [each["predicted"] for each in bins] == pytest.approx(predicted.tolist(), rel=1e-5)
    assert [each["share"] for each in bins] == pytest.approx(share.tolist(), rel=1e-5)
    assert all(each["low"] < each["share"] < each["high"] for each in bins)
    assert sum(each["rows"] for each in bins) == 3000


def test_a_confusion_table_is_that_of_scikit_learn():
    model = multiclass(500, 7)

    table = curves_of("multiclass", {"challenger": model})["confusion"]["challenger"]

    assert table["labels"] == list(model.classes)
    assert table["counts"] == reference.confusion_matrix(model.truth, model.labels).tolist()


def test_of_many_labels_the_rare_ones_are_pooled_and_no_row_is_lost():
    model = multiclass(2000, 40)

    table = curves_of("multiclass", {"challenger": model})["confusion"]["challenger"]

    assert len(table["labels"]) == 20
    assert table["labels"][-1] == OTHERS
    assert np.sum(table["counts"]) == 2000


def test_a_label_that_the_model_does_not_know_is_in_the_table():
    model = Predictions(np.array(["a", "c"]), np.array([[0.9, 0.1], [0.2, 0.8]]), ("a", "b"))

    table = curves_of("multiclass", {"champion": model})["confusion"]["champion"]

    assert table == {"labels": ["a", "b", "c"], "counts": [[1, 0, 0], [0, 0, 0], [0, 1, 0]]}


@pytest.mark.parametrize(
    ("problem", "model"),
    [
        ("binary", binary(100_000)),
        ("multiclass", multiclass(20_000, 40)),
        ("regression", regression(100_000)),
    ],
)
def test_what_is_drawn_stays_small_however_many_rows_there_are(problem, model):
    document = curves_of(
        problem,
        {"challenger": model, "champion": model},
        improvement=np.random.default_rng(1).normal(size=1000),
    )

    assert len(json.dumps(document, allow_nan=False)) < 100_000
    for plot in ("roc", "precision_recall", "gain"):
        for drawn in document.get(plot, {}).values():
            assert len(drawn["points"]) <= MOST_POINTS


def test_a_thinned_curve_has_nearly_the_area_of_the_whole_one():
    model = binary(50_000)

    drawn = curves_of("binary", {"challenger": model})["roc"]["challenger"]
    points = np.array(drawn["points"])

    assert len(points) <= MOST_POINTS
    assert points[0].tolist() == [0.0, 0.0]
    assert points[-1].tolist() == [1.0, 1.0]
    assert np.trapezoid(points[:, 1], points[:, 0]) == pytest.approx(drawn["auc"], abs=1e-3)


def test_rows_of_one_label_have_no_roc_curve_and_no_row_at_all_is_lost_otherwise():
    model = Predictions(np.array(["no", "no"]), np.array([[0.8, 0.2], [0.6, 0.4]]), ("no", "yes"))

    document = curves_of("binary", {"challenger": model})

    assert {"roc", "precision_recall", "gain"}.isdisjoint(document)
    assert sum(document["scores"]["challenger"]["false"]) == 2


def test_bands_hold_the_truth_by_rising_answer():
    model = regression(4000)

    bands = curves_of("regression", {"challenger": model})["bands"]["challenger"]["bands"]

    assert len(bands) == 20
    assert sum(band["rows"] for band in bands) == 4000
    assert all(band["quantiles"] == sorted(band["quantiles"]) for band in bands)
    lowest = model.truth[np.argsort(model.values)[:200]]
    assert bands[0]["quantiles"][2] == pytest.approx(np.median(lowest), rel=0.02)


def test_residuals_of_both_models_are_counted_in_the_same_bins_with_their_tails():
    good, bad = regression(1000), regression(1000, seed=2)
    bad = Predictions(bad.truth + 30.0, bad.values)

    found = curves_of("regression", {"challenger": good, "champion": bad})["residuals"]

    assert found["challenger"]["edges"] == found["champion"]["edges"]
    for spread in found.values():
        assert sum(spread["counts"]) + spread["below"] + spread["above"] == pytest.approx(1000, abs=2)


def test_a_model_that_is_never_off_and_answers_always_the_same_has_pictures_too():
    model = Predictions(np.full(10, 5.0), np.full(10, 5.0))

    document = curves_of("regression", {"challenger": model})

    assert sum(document["residuals"]["challenger"]["counts"]) == 10
    assert len(document["bands"]["challenger"]["bands"]) == 1


def test_without_a_single_resample_with_a_value_there_is_no_distribution_of_improvement():
    model = binary(50)

    assert "improvement" not in curves_of("binary", {"challenger": model}, improvement=np.full(5, np.nan))
