import numpy as np
import pytest
from sklearn import metrics as sk

from headrace.ml.evaluation.threshold import ThresholdError, ThresholdRule, choose_threshold
from headrace.ml.metrics import Predictions, measure

CLASSES = ("no", "yes")
RULES = [
    ThresholdRule("cost", false_positive_cost=1.0, false_negative_cost=4.0),
    ThresholdRule("f_beta", beta=2.0),
    ThresholdRule("youden"),
    ThresholdRule("recall_at", at_least=0.8),
    ThresholdRule("precision_at", at_least=0.6),
]


def world(rows=1500, seed=0, decimals=None):
    """Return calibrated probabilities and what came of them."""
    rng = np.random.default_rng(seed)
    scores = rng.beta(1, 2, rows)
    truth = np.where(rng.random(rows) < scores, "yes", "no")
    scores = scores if decimals is None else scores.round(decimals)
    return Predictions(truth, np.column_stack([1 - scores, scores]), CLASSES)


def at(model, threshold):
    return Predictions(model.truth, model.values, model.classes, threshold)


def brute_force(model, rule):
    """Return the best worth over all thresholds, one by one."""
    every = np.unique(np.concatenate([[0.0], model.values[:, 1]]))
    found = [rule.worth_of(at(model, threshold)) for threshold in every]
    known = [worth for worth in found if worth is not None]
    return min(known) if rule.by == "cost" else max(known)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.by)
@pytest.mark.parametrize("decimals", [None, 1])
def test_no_threshold_is_better(rule, decimals):
    model = world(decimals=decimals)

    chosen = choose_threshold(model, rule, 7)

    assert rule.worth_of(at(model, chosen.value)) == pytest.approx(brute_force(model, rule))
    assert chosen.limits[0] <= chosen.value <= chosen.limits[1]


def test_of_calibrated_probabilities_costs_say_where_it_lies():
    # Elkan (2001): c_fp / (c_fp + c_fn)
    chosen = choose_threshold(world(20_000), RULES[0], 7)

    assert chosen.value == pytest.approx(0.2, abs=0.05)
    assert chosen.limits[0] < 0.2 < chosen.limits[1]


def test_a_recall_and_a_precision_are_reached():
    model = world()

    recall = measure("binary", at(model, choose_threshold(model, RULES[3], 7).value))["recall"]
    precision = measure("binary", at(model, choose_threshold(model, RULES[4], 7).value))["precision"]

    assert recall >= 0.8
    assert precision >= 0.6


def test_f_beta_is_that_of_scikit_learn():
    model = at(world(), 0.3)

    expected = sk.fbeta_score(model.truth == "yes", model.labels == "yes", beta=2)
    assert RULES[1].worth_of(model) == pytest.approx(expected)


def test_of_equally_good_thresholds_the_nearest_to_one_half_is_taken():
    scores = np.array([0.1, 0.2, 0.7, 0.9])
    model = Predictions(np.array(["no", "no", "yes", "yes"]), np.column_stack([1 - scores, scores]), CLASSES)

    assert choose_threshold(model, ThresholdRule("youden"), 7).value == pytest.approx(0.45)


def test_it_lies_between_scores_so_that_their_last_digit_decides_nothing():
    model = world(decimals=2)

    assert choose_threshold(model, RULES[0], 7).value not in model.values[:, 1]


def test_the_same_rows_give_the_same_threshold():
    assert choose_threshold(world(), RULES[1], 7) == choose_threshold(world(), RULES[1], 7)


def test_fewer_rows_are_less_sure():
    def width(rows):
        low, high = choose_threshold(world(rows), RULES[0], 7).limits
        return high - low

    assert width(100) > width(10_000)


def test_rows_of_one_label_choose_nothing():
    one = Predictions(np.array(["no", "no"]), np.array([[0.4, 0.6], [0.7, 0.3]]), CLASSES)

    with pytest.raises(ThresholdError, match="one label only"):
        choose_threshold(one, RULES[0], 7)


def test_what_cannot_be_reached_is_said():
    scores = np.full(40, 0.5)
    model = Predictions(np.repeat(CLASSES, 20), np.column_stack([1 - scores, scores]), CLASSES)

    with pytest.raises(ThresholdError, match=r"a precision of at least 0\.9 on the 40 rows"):
        choose_threshold(model, ThresholdRule("precision_at", at_least=0.9), 7)


def test_where_a_false_alarm_costs_nothing_all_are_positive():
    model = world()
    chosen = choose_threshold(model, ThresholdRule("cost", 0.0, 1.0), 7)

    assert measure("binary", at(model, chosen.value))["recall"] == 1.0
