import numpy as np
import pytest
from sklearn import metrics as sk

from headrace.ml.evaluation.fairness import GAPS, MOST_GROUPS, FairnessRule, compare_groups
from headrace.ml.evaluation.fairness_words import gap_in_words, unfair
from headrace.ml.gate import GateRule, decide
from headrace.ml.metrics import Predictions


def two_labels(rows=900, seed=0, against=0.0, threshold=None):
    """Return answers about three groups, of which the last is small; `against` lowers the scores of F."""
    rng = np.random.default_rng(seed)
    groups = rng.choice(["F", "M", "X"], rows, p=[0.4, 0.57, 0.03])
    truth = rng.random(rows) < 0.4
    logits = rng.normal(2 * truth - 1, 1.2, rows) - against * (groups == "F")
    scores = 1 / (1 + np.exp(-logits))
    labels = np.where(truth, "yes", "no")
    return Predictions(labels, np.column_stack([1 - scores, scores]), ("no", "yes"), threshold), groups


def compare(model, groups, problem="binary", min_rows=50):
    return compare_groups(problem, model, groups, min_rows=min_rows, seed=7)


@pytest.mark.parametrize("threshold", [None, 0.3])
def test_figures_of_two_labels_are_those_of_each_groups_rows(threshold):
    model, groups = two_labels(threshold=threshold)

    found = compare(model, groups)["groups"]

    for name in "FMX":
        truth, answered = (each[groups == name] == "yes" for each in (model.truth, model.labels))
        assert found[name] == {
            "rows": len(truth),
            "selection_rate": pytest.approx(answered.mean()),
            "tpr": pytest.approx(answered[truth].mean()),
            "fpr": pytest.approx(answered[~truth].mean()),
            "accuracy": pytest.approx((answered == truth).mean()),
        }


def test_gaps_are_between_the_groups_that_are_large_enough():
    model, groups = two_labels(against=1.0)

    found = compare(model, groups)
    gaps, of = found["gaps"], found["groups"]

    assert gaps["demographic_parity"]["value"] == pytest.approx(
        abs(of["F"]["selection_rate"] - of["M"]["selection_rate"])
    )
    differences = {rate: abs(of["F"][rate] - of["M"][rate]) for rate in ("tpr", "fpr")}
    assert gaps["equal_opportunity"]["value"] == pytest.approx(differences["tpr"])
    assert gaps["equalised_odds"]["value"] == pytest.approx(max(differences.values()))
    assert gaps["equalised_odds"]["figure"] == max(differences, key=differences.get)
    for gap in gaps.values():
        assert gap["low"] < gap["value"] < gap["high"]
        assert gap["left_out"] == ["X"]
        assert {gap["lowest"], gap["highest"]} == {"F", "M"}


def test_a_rate_counts_by_the_rows_that_it_is_a_share_of():
    model, groups = two_labels(300)  # about 120 of F, 50 of them positive
    positives = {name: int(np.sum((groups == name) & (model.truth == "yes"))) for name in "FM"}

    found = compare(model, groups, min_rows=min(positives.values()) + 1)

    assert found["gaps"]["demographic_parity"]["value"] is not None
    assert found["gaps"]["equal_opportunity"]["value"] is None
    assert min(positives, key=positives.get) in found["gaps"]["equal_opportunity"]["left_out"]


def test_many_labels_are_compared_by_accuracy_and_f1():
    rng = np.random.default_rng(1)
    groups, truth = rng.choice(["a", "b"], 600), rng.choice(["x", "y", "z"], 600)
    values = rng.dirichlet(np.ones(3), 600) + 0.5 * (truth[:, None] == np.array(["x", "y", "z"]))
    model = Predictions(truth, values / values.sum(axis=1, keepdims=True), ("x", "y", "z"))

    found = compare(model, groups, "multiclass")

    for name in "ab":
        mine = groups == name
        assert found["groups"][name]["accuracy"] == pytest.approx((model.labels == truth)[mine].mean())
        f1 = sk.f1_score(truth[mine], model.labels[mine], average="macro")
        assert found["groups"][name]["f1_macro"] == pytest.approx(f1)
    assert set(found["gaps"]) == set(GAPS["multiclass"])


def test_numbers_are_compared_by_which_way_and_how_far_they_are_off():
    rng = np.random.default_rng(1)
    groups, truth = np.repeat(["old", "young"], 200), rng.normal(100, 10, 400)
    model = Predictions(truth, truth + np.where(groups == "old", 5.0, -3.0) + rng.normal(0, 1, 400))

    found = compare(model, groups, "regression")

    assert found["groups"]["old"]["mean_error"] == pytest.approx(5, abs=0.3)
    assert found["gaps"]["mean_error"]["value"] == pytest.approx(8, abs=0.5)
    assert (found["gaps"]["mean_error"]["lowest"], found["gaps"]["mean_error"]["highest"]) == ("young", "old")
    errors = (model.values - truth)[groups == "young"]
    assert found["groups"]["young"]["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)))


def test_one_group_has_nobody_to_differ_from():
    model, _ = two_labels()

    gap = compare(model, np.full(900, "all"))["gaps"]["equalised_odds"]

    assert gap == {"value": None, "low": None, "high": None, "left_out": []}


def test_of_very_many_groups_the_largest_are_told():
    model, _ = two_labels()
    groups = np.array([f"g{n % 60:02}" for n in range(900)])

    found = compare(model, groups, min_rows=10)

    assert len(found["groups"]) == MOST_GROUPS
    assert found["more_groups"] == 10


def test_the_same_rows_give_the_same_figures():
    assert compare(*two_labels()) == compare(*two_labels())


def test_the_sentence_names_the_groups_and_their_figures():
    model, groups = two_labels(against=1.5)
    found = compare(model, groups)

    told = gap_in_words("sex", found, "equal_opportunity")

    rates = found["groups"]
    assert f"{rates['F']['tpr']:.3g} of 'F' ({rates['F']['rows']} rows)" in told
    assert f"{rates['M']['tpr']:.3g} of 'M'" in told
    assert told.endswith("too small to be compared: 'X'")


RULE = FairnessRule(("sex",), "equalised_odds", 0.1)


def judged(fairness):
    return decide(
        {"rows": 900, "challenger": {"roc_auc": 0.9}, "fairness": fairness},
        GateRule("roc_auc", fairness=RULE),
    )


def test_the_gate_lets_a_fair_model_in_and_refuses_an_unfair_one_with_its_groups():
    fair, unequal = ({"sex": compare(*two_labels(4000, against=bias))} for bias in (0.0, 1.5))

    assert judged(fair).promote
    refused = judged(unequal)
    assert not refused.promote
    assert refused.why.startswith("refused: equalised odds by 'sex': the true positive rate is ")
    assert "'F'" in refused.why
    assert ", where at most 0.1 is let in" in refused.why


@pytest.mark.parametrize(
    "fairness",
    [
        None,
        {},
        {"sex": None},
        {"sex": {}},
        {"sex": {"groups": {}, "gaps": {"equalised_odds": {"value": None}}}},
        {"sex": {"groups": {}, "gaps": {"equalised_odds": {"value": float("nan")}}}},
        {"sex": {"groups": {}, "gaps": {"accuracy": {"value": 0.0}}}},
    ],
)
def test_what_says_nothing_about_the_groups_is_refused(fairness):
    assert not judged(fairness).promote


def test_a_model_that_is_refused_anyway_is_so_for_its_quality():
    found = {"rows": 900, "challenger": {"roc_auc": 0.6}, "fairness": {}}

    assert "is below the limit" in decide(found, GateRule("roc_auc", min_value=0.8, fairness=RULE)).why


def test_each_column_must_be_fair():
    rule = FairnessRule(("sex", "region"), "equalised_odds", 0.2)
    fair, unequal = (compare(*two_labels(4000, against=bias)) for bias in (0.0, 1.5))

    assert unfair({"fairness": {"sex": fair, "region": fair}}, rule) is None
    assert "'region'" in unfair({"fairness": {"sex": fair, "region": unequal}}, rule)
