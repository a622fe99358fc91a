"""Estimates without labels, on covariate shift whose truth is known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from headrace.ml.metrics import Predictions, measure
from headrace.ml.quality.counted_metrics import BINARY
from headrace.ml.quality.label_reference import LabelReference, refer_to_labels
from headrace.ml.quality.score_counts import CENTRES, count_scores
from headrace.ml.quality.slices import feature_slices


def world(n, rng, *, centre=0.0, spread=2.0):
    """Return scores of a model that claims too much, their true labels, and the feature that decides."""
    feature = rng.normal(centre, spread, n)
    score = 1 / (1 + np.exp(-1.4 * feature + 0.3))
    return score, rng.random(n) < 1 / (1 + np.exp(-feature)), feature


@pytest.fixture(scope="module")
def reference():
    score, truth, feature = world(4000, np.random.default_rng(0))
    return refer_to_labels("binary", score, truth, feature_slices({"x": feature}))


def real(score, truth):
    p, n = (count_scores(score, flags).astype(float) for flags in (truth, ~truth))
    return {name: float(metric.value(p, n)) for name, metric in BINARY.items()}


@pytest.mark.parametrize(("centre", "spread"), [(0.0, 2.0), (1.0, 2.0), (0.0, 1.0), (-1.0, 1.2)])
def test_intervals_hold_the_truth_as_often_as_they_say_whatever_the_shift(reference, centre, spread):
    rng = np.random.default_rng(1)
    inside = dict.fromkeys(BINARY, 0)
    for _ in range(30):
        score, truth, _ = world(500, rng, centre=centre, spread=spread)
        found = reference.estimate(count_scores(score).astype(float), moved=0.3 * (spread != 2.0))
        for name, value in real(score, truth).items():
            interval = found[name].with_interval(name)
            inside[name] += interval.low <= value <= interval.high

    assert min(inside.values()) >= 0.88 * 30


@pytest.mark.parametrize(("centre", "spread"), [(2.0, 1.0), (0.0, 1.0), (-1.0, 1.2)])
def test_an_estimate_is_nearer_to_the_truth_than_the_level_of_the_reference(reference, centre, spread):
    rng = np.random.default_rng(2)
    level = {
        name: float(metric.value(reference.positives.astype(float), reference.negatives.astype(float)))
        for name, metric in BINARY.items()
    }
    off, of_level = (dict.fromkeys(BINARY, 0.0) for _ in range(2))
    for _ in range(8):
        score, truth, _ = world(2000, rng, centre=centre, spread=spread)
        found = reference.estimate(count_scores(score).astype(float))
        for name, value in real(score, truth).items():
            off[name] += abs(found[name].value - value)
            of_level[name] += abs(level[name] - value)

    assert all(off[name] < of_level[name] for name in ("roc_auc", "accuracy"))


def test_counted_metrics_are_those_of_the_rows():
    score, truth, _ = world(2000, np.random.default_rng(3))
    labels = np.where(truth, "yes", "no")

    exact = measure("binary", Predictions(labels, np.column_stack([1 - score, score]), ("no", "yes")))

    for name, value in real(score, truth).items():
        assert value == pytest.approx(exact[name], abs=1e-3)


@pytest.mark.parametrize("name", BINARY)
def test_the_slope_is_that_of_the_metric(name):
    rng = np.random.default_rng(4)
    positives, negatives = rng.integers(0, 5, (2, len(CENTRES))).astype(float)
    metric, step = BINARY[name], 1e-4

    slope = metric.slope(positives, negatives)

    for index in (10, 400, 500, 790):
        more, less = positives.copy(), negatives.copy()
        more[index] += step
        less[index] -= step
        change = metric.value(more, less) - metric.value(positives, negatives)
        assert_allclose(slope[index], change / step, rtol=1e-3, atol=1e-8)


def test_a_multiclass_model_is_known_by_the_probability_of_its_answers():
    rng = np.random.default_rng(5)
    confidence = rng.uniform(0.4, 1.0, 4000)
    reference = refer_to_labels("multiclass", confidence, rng.random(4000) < confidence)

    sure = rng.uniform(0.8, 1.0, 2000)
    found = reference.estimate(count_scores(sure).astype(float))

    assert set(found) == {"accuracy"}
    assert found["accuracy"].value == pytest.approx(0.9, abs=0.02)


def test_two_windows_can_be_added_up(reference):
    score, _, _ = world(1000, np.random.default_rng(6))
    first, second = (reference.summary({"_score": part}) for part in (score[:300], score[300:]))

    both = reference.estimate(first + second)["roc_auc"]

    assert both == reference.estimate(reference.summary({"_score": score}))["roc_auc"]


def test_nothing_is_estimated_from_nothing(reference):
    assert reference.estimate(np.zeros(len(CENTRES))) == {}


def test_it_is_written_and_read_again(reference):
    counts = count_scores(world(500, np.random.default_rng(7))[0]).astype(float)

    again = LabelReference.from_dict(reference.as_dict())

    assert again.estimate(counts, moved=0.5) == reference.estimate(counts, moved=0.5)


def test_counted_metrics_of_labels_follow_the_threshold():
    score, truth, _ = world(4000, np.random.default_rng(3))
    labels = np.where(truth, "yes", "no")
    reference = refer_to_labels("binary", score, truth, threshold=0.2)

    exact = measure("binary", Predictions(labels, np.column_stack([1 - score, score]), ("no", "yes"), 0.2))
    found = reference.estimate(reference.summary({"_score": score}))

    for name in ("accuracy", "f1"):
        counted = reference.metrics[name].value(
            *(c.astype(float) for c in (reference.positives, reference.negatives))
        )
        assert counted == pytest.approx(exact[name], abs=0.01)
        assert found[name].value == pytest.approx(exact[name], abs=0.03)
    assert LabelReference.from_dict(reference.as_dict()).threshold == 0.2
    assert "threshold" not in refer_to_labels("binary", score, truth).as_dict()
