import numpy as np
import pytest

from headrace.ml.quality.intervals import delong, mean_of, wilson
from headrace.ml.quality.labelled import Labelled
from headrace.ml.quality.measured import best_constant, measure_quality


def binary(n, rng, spread=2.0):
    score = 1 / (1 + np.exp(-rng.normal(0, spread, n)))
    truth = np.where(rng.random(n) < score, "yes", "no")
    return Labelled("binary", truth, np.where(score > 0.5, "yes", "no"), score, ("no", "yes"))


def regression(n, rng):
    score = rng.normal(0, 3, n)
    truth = score + rng.standard_t(5, n)
    return Labelled("regression", truth, score, score)


def multiclass(n, rng):
    truth = rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1])
    predicted = np.where(rng.random(n) < 0.75, truth, rng.choice(["a", "b", "c"], n))
    return Labelled("multiclass", truth, predicted, np.full(n, 0.75), ("a", "b", "c"))


@pytest.mark.parametrize("make", [binary, regression, multiclass])
def test_intervals_hold_the_true_value_as_often_as_they_say(make):
    true = {
        name: found.value for name, found in measure_quality(make(50_000, np.random.default_rng(0))).items()
    }
    rng = np.random.default_rng(1)
    inside = dict.fromkeys(true, 0)
    for _ in range(60):
        for name, found in measure_quality(make(400, rng)).items():
            inside[name] += found.low <= true[name] <= found.high

    assert all(count >= 51 for count in inside.values()), inside


def test_the_area_under_the_curve_has_the_variance_of_delong():
    rng = np.random.default_rng(2)
    again = [delong(rows.score, rows.truth == "yes") for rows in (binary(300, rng) for _ in range(300))]

    spread = np.std([found.value for found in again])
    assert np.mean([found.sd for found in again]) == pytest.approx(spread, rel=0.15)


def test_few_rows_of_a_label_have_no_area():
    rows = measure_quality(
        Labelled(
            "binary", np.array(["no", "no"]), np.array(["no", "yes"]), np.array([0.1, 0.7]), ("no", "yes")
        )
    )

    assert "roc_auc" not in rows
    assert rows["accuracy"].value == 0.5


@pytest.mark.parametrize(("hits", "low", "high"), [(0, 0.0, 0.2775), (10, 0.7225, 1.0)])
def test_a_share_of_nothing_or_all_has_an_interval_too(hits, low, high):
    found = wilson(hits, 10)

    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_mistakes_that_follow_each_other_widen_every_interval():
    rng = np.random.default_rng(3)
    wrong = np.repeat(rng.random(250) < 0.3, 4)
    truth = np.where(wrong, "a", "b")
    rows = Labelled("multiclass", truth, np.full(1000, "b"), np.full(1000, 0.7), ("a", "b"))
    mixed = rows[rng.permutation(1000)]

    width = [
        measured.high - measured.low for measured in (measure_quality(r)["accuracy"] for r in (rows, mixed))
    ]

    assert width[0] > 1.5 * width[1]


def test_a_mean_has_the_normal_interval():
    found = mean_of(np.array([1.0, 2.0, 3.0, 4.0]), inflation=4.0)

    assert found.high - found.value == pytest.approx(1.96 * np.sqrt(4 * 1.25 / 4), rel=1e-3)


def test_a_metric_of_a_few_identical_numbers_is_certain():
    numbers = np.array([1.0, 2.0, 4.0])
    found = measure_quality(Labelled("regression", numbers, numbers, numbers))

    assert (found["rmse"].low, found["rmse"].high) == (0.0, 0.0)


def test_the_best_constant_of_a_regression_is_its_mean_or_median():
    constant = best_constant("regression", np.array([0.0, 0.0, 3.0]), ())

    assert constant["rmse"] == pytest.approx(np.sqrt(2))
    assert constant["mae"] == 1.0
