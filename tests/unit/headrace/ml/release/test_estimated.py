import numpy as np
import pytest

from headrace.ml.quality.label_reference import refer_to_labels
from headrace.ml.quality.labelled import Labelled
from headrace.ml.quality.performance import describe_performance
from headrace.ml.release.estimated import Estimated, compare_estimates

CLASSES = ("no", "yes")


def answers(rng, n, *, skill, overconfidence=1.0):
    """Return scores and truths of a model: the more skill, the farther the scores are from one half."""
    logit = rng.normal(0, skill, n)
    truth = rng.random(n) < 1 / (1 + np.exp(-logit))
    return 1 / (1 + np.exp(-logit * overconfidence)), truth


def model(rng, rows, **how):
    score, truth = answers(rng, 4000, **how)
    labels = Labelled(
        "binary", np.where(truth, "yes", "no"), np.where(score > 0.5, "yes", "no"), score, CLASSES
    )
    performance = describe_performance("accuracy", labels, reference=refer_to_labels("binary", score, truth))
    return Estimated(performance, performance.reference.summary({"_score": answers(rng, rows, **how)[0]}))


def compare(old, new, **options):
    return compare_estimates(old, new, **{"error": 0.05, "looks": 50, **options})


def test_a_model_that_is_surer_with_reason_is_better():
    rng = np.random.default_rng(1)

    found = compare(model(rng, 5000, skill=1.0), model(rng, 5000, skill=4.0))

    assert (found.metric, found.finding.verdict) == ("accuracy", "better")
    assert found.finding.challenger > found.finding.champion
    assert found.finding.difference.high < 0
    assert found.finding.requests == (5000, 5000)


def test_and_the_other_way_round_it_is_worse():
    rng = np.random.default_rng(2)

    assert compare(model(rng, 5000, skill=4.0), model(rng, 5000, skill=1.0)).finding.verdict == "worse"


def test_a_model_that_is_surer_without_reason_is_not():
    rng = np.random.default_rng(3)

    found = compare(model(rng, 5000, skill=1.0), model(rng, 5000, skill=1.0, overconfidence=4.0))

    assert found.finding.verdict == "open"


def test_more_traffic_than_the_test_parts_can_bear_makes_equal_models_no_surer():
    rng = np.random.default_rng(4)
    verdicts = [
        compare(model(rng, 30_000, skill=1.0), model(rng, 30_000, skill=1.0)).finding.verdict
        for _ in range(8)
    ]

    assert verdicts.count("open") >= 7


def test_without_anything_to_estimate_by_there_is_no_comparison():
    rng = np.random.default_rng(6)
    known = model(rng, 1000, skill=1.0)
    performance = describe_performance(
        "rmse", Labelled("regression", np.ones(50), np.ones(50), np.ones(50), ())
    )

    assert compare(known, Estimated(performance, np.zeros(0))) is None


@pytest.mark.parametrize("moved", [0.0, 0.3])
def test_traffic_that_has_moved_makes_it_less_sure(moved):
    rng = np.random.default_rng(7)
    old, new = (model(rng, 3000, skill=2.0) for _ in range(2))
    for each in (old, new):
        object.__setattr__(each.performance.reference, "transfer", {"accuracy": 0.1})

    found = compare(old, new, moved=moved).finding.difference

    assert (found.high - found.low > 0.15) == (moved > 0)
