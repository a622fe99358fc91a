import pytest

from headrace.ml.gate import GateRule, decide

RULE = GateRule("rmse")


def evaluation(challenger, champion=None, **more):
    return {
        "rows": 900,
        "challenger": {"rmse": challenger},
        "champion": None if champion is None else {"rmse": champion},
        **more,
    }


def test_the_first_model_is_promoted():
    assert decide(evaluation(42.0), RULE).promote


@pytest.mark.parametrize(("champion", "promoted"), [(50.0, True), (42.0, True), (41.9, False)])
def test_the_better_of_two_serves_and_of_equals_the_newer(champion, promoted):
    assert decide(evaluation(42.0, champion), RULE).promote is promoted


def test_of_scores_the_higher_is_better():
    rule = GateRule("roc_auc")
    found = {"rows": 900, "challenger": {"roc_auc": 0.9}, "champion": {"roc_auc": 0.8}}

    assert decide(found, rule).promote
    assert not decide({**found, "champion": {"roc_auc": 0.95}}, rule).promote


def test_an_improvement_that_is_too_small_keeps_the_champion():
    rule = GateRule("rmse", min_improvement=5.0)

    assert not decide(evaluation(42.0, 46.0), rule).promote
    assert decide(evaluation(42.0, 47.0), rule).promote


def test_limits_hold_for_the_first_model_too():
    assert not decide(evaluation(42.0), GateRule("rmse", max_value=40.0)).promote
    assert not decide({"rows": 9, "challenger": {"f1": 0.4}}, GateRule("f1", min_value=0.5)).promote


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"rows": 0, "challenger": {"rmse": 1.0}},
        {"rows": None, "challenger": {"rmse": 1.0}},
        {"rows": 900},
        {"rows": 900, "challenger": {}},
        {"rows": 900, "challenger": {"rmse": None}},
        {"rows": 900, "challenger": {"rmse": float("nan")}},
        {"rows": 900, "challenger": {"rmse": float("-inf")}},
        {"rows": 900, "challenger": {"rmse": True}},
        {"rows": 900, "challenger": {"rmse": "1"}},
        {"rows": 900, "challenger": [1.0]},
        {"rows": 900, "challenger": {"rmse": 1.0}, "champion": {}},
        {"rows": 900, "challenger": {"rmse": 1.0}, "champion": {"rmse": float("nan")}},
    ],
)
def test_what_is_not_proven_is_refused(found):
    assert not decide(found, RULE).promote


def test_silence_about_a_model_in_service_is_refused():
    assert not decide(evaluation(42.0), RULE, has_champion=True).promote


def test_a_model_in_service_that_cannot_answer_is_replaced_and_that_is_said():
    found = decide(evaluation(42.0, champion_problem="it lacks the column 'wind'"), RULE, has_champion=True)

    assert found.promote
    assert "it lacks the column 'wind'" in found.why
