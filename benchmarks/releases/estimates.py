"""A/B without labels: how often equal models are told apart by estimates, however much traffic there is."""

from __future__ import annotations

import sys

import numpy as np

from headrace.ml.quality.label_reference import refer_to_labels
from headrace.ml.quality.labelled import Labelled
from headrace.ml.quality.performance import describe_performance
from headrace.ml.release.estimated import Estimated, compare_estimates

RUNS, LOOKS, TEST_ROWS, ROWS = 60, 50, 2000, 100_000
_HALF = 0.5


def measure() -> dict[str, object]:
    """Return the share of equal models that are told apart at one look of fifty, and of much better ones that are found."""
    print("estimates …", file=sys.stderr)
    verdicts = [_verdict(np.random.default_rng([seed, 5]), 1.5) for seed in range(RUNS)]
    better = [_verdict(np.random.default_rng([seed, 6]), 4.0) for seed in range(20)]
    return {
        "estimated_false_picks": sum(verdict != "open" for verdict in verdicts) / RUNS,
        "estimated_power": better.count("better") / len(better),
    }


def _verdict(rng: np.random.Generator, skill: float) -> str:
    found = compare_estimates(_model(rng, 1.5), _model(rng, skill), error=0.05, looks=LOOKS)
    assert found is not None  # both can be estimated
    return found.finding.verdict


def _model(rng: np.random.Generator, skill: float) -> Estimated:
    """Return a model that is sure by so much, what it was on its test part, and what it answered since."""
    scores = [1.0 / (1.0 + np.exp(-rng.normal(0, skill, rows))) for rows in (TEST_ROWS, ROWS)]
    truth = rng.random(TEST_ROWS) < scores[0]
    answers = np.where(scores[0] > _HALF, "yes", "no")
    rows = Labelled("binary", np.where(truth, "yes", "no"), answers, scores[0], ("no", "yes"))
    reference = refer_to_labels("binary", scores[0], truth)
    performance = describe_performance("accuracy", rows, reference=reference)
    return Estimated(performance, reference.summary({"_score": scores[1]}))
