import numpy as np
import pytest

from headrace.ml.evaluation.bootstrap import draws, interval, resampled
from headrace.ml.evaluation.measured import intervals_of, measure_models
from headrace.ml.metrics import METRICS, Predictions, measure


def answers(rows, noise, seed=1, rare=0.3):
    """Return probabilities of two labels that know the truth but for some noise."""
    truth = np.random.default_rng(0).random(rows) < rare
    rng = np.random.default_rng(seed)
    scores = 1 / (1 + np.exp(-(2 * truth - 1 + rng.normal(0, noise, rows))))
    return Predictions(np.where(truth, "yes", "no"), np.column_stack([1 - scores, scores]), ("no", "yes"))


def test_a_resample_has_as_many_rows_and_is_what_drawing_rows_gives():
    model = answers(200, 1.0)
    rng = np.random.default_rng(7)
    drawn = measure("binary", model.rows(rng.integers(0, 200, 200)))

    first = {
        name: values[0, 0] for name, values in resampled("binary", METRICS["binary"], [model], 7).items()
    }

    assert first == pytest.approx(drawn)
    assert all(block.sum(axis=1).tolist() == [200] * len(block) for block in draws(200, rng))


def test_the_same_seed_gives_the_same_limits():
    models = [answers(300, 1.0), answers(300, 1.5, 2)]

    assert measure_models("binary", models, 7) == measure_models("binary", models, 7)


def test_differences_of_two_models_are_of_the_same_rows():
    model = answers(300, 1.0)

    improvement = measure_models("binary", [model, model], 7)["improvement"]

    assert all((each["value"], each["low"], each["high"]) == (0, 0, 0) for each in improvement.values())


def test_a_better_model_is_better_beyond_luck_whichever_way_the_metric_goes():
    improvement = measure_models("binary", [answers(2000, 0.5), answers(2000, 2.0, 2)], 7)["improvement"]

    for name in ("roc_auc", "log_loss", "brier", "f1", "recall", "mcc"):
        assert 0 < improvement[name]["low"] < improvement[name]["value"] < improvement[name]["high"], name


def test_limits_hold_the_truth_about_as_often_as_they_say():
    hits = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        truth = rng.normal(size=150)
        found = measure_models("regression", [Predictions(truth, truth + rng.normal(0, 2, 150))], 7)
        hits += found["challenger"]["rmse"]["low"] < 2.0 < found["challenger"]["rmse"]["high"]

    assert 50 <= hits <= 60


def test_each_resample_has_rows_of_a_rare_label():
    model = answers(400, 1.0, rare=0.01)
    assert 0 < (model.truth == "yes").sum() < 10

    found = resampled("binary", ["roc_auc"], [model], 7)["roc_auc"]

    assert np.isfinite(found).all()


def test_rows_that_are_drawn_within_labels_stay_as_many():
    strata = np.array([0, 1, 1, 0, 2, 1])

    for block in draws(6, np.random.default_rng(1), strata):
        for line in block:
            assert np.bincount(strata, line).tolist() == [2, 3, 1]


def test_what_cannot_be_measured_has_no_limits():
    one_label = Predictions(np.array(["no"] * 50), np.tile([0.6, 0.4], (50, 1)), ("no", "yes"))

    found = measure_models("binary", [one_label], 7)

    assert "roc_auc" not in found["challenger"]
    assert intervals_of(found, "roc_auc") == {"coverage": 0.95, "challenger": None}
    assert interval(np.full(100, np.nan)) is None
