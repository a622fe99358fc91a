import pytest

from headrace.ml.gate import GateRule, decide

RULE = GateRule("rmse")


def part(rows, challenger, champion=None, luck=None, metric="rmse"):
    """Rows on which both models were measured; `luck` is how far the improvement may be off."""
    found = {
        "rows": rows,
        "challenger": {metric: challenger},
        "champion": None if champion is None else {metric: champion},
    }
    if luck is None:
        return found
    gain = champion - challenger if metric == "rmse" else challenger - champion
    return {**found, "intervals": {"improvement": [gain - luck, gain + luck]}}


def evaluation(challenger, champion=None, **more):
    """An evaluation without recent rows."""
    whole = part(900, challenger, champion)
    return {**whole, "holdout": whole, "recent": NONE, **more}


NONE = {"rows": 0, "challenger": {}, "champion": None, "intervals": {}}


def apart(old, recent, whole=None):
    """An evaluation of which both parts are large; without `whole` the two together are in the middle."""
    if whole is None:
        values = [(old[name]["rmse"] + recent[name]["rmse"]) / 2 for name in ("challenger", "champion")]
        whole = part(old["rows"] + recent["rows"], *values)
    return {**whole, "holdout": old, "recent": recent}


def test_the_first_model_is_promoted():
    assert decide(evaluation(42.0), RULE).promote


@pytest.mark.parametrize(("champion", "promoted"), [(50.0, True), (42.0, True), (41.9, False)])
def test_the_better_of_two_serves_and_of_equals_the_newer(champion, promoted):
    assert decide(evaluation(42.0, champion), RULE).promote is promoted


def test_of_scores_the_higher_is_better():
    rule = GateRule("roc_auc")
    for champion, promoted in ((0.8, True), (0.95, False)):
        found = part(900, 0.9, champion, metric="roc_auc")

        assert decide({**found, "holdout": found, "recent": NONE}, rule).promote is promoted


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


AS_BEFORE, BETTER_NOW = part(600, 30.0, 30.0, luck=2), part(300, 50.0, 90.0, luck=5)


@pytest.mark.parametrize("reason", ["drift", "quality"])
@pytest.mark.parametrize(
    ("old", "recent", "promoted"),
    [
        (AS_BEFORE, BETTER_NOW, True),
        (part(600, 37.4, 30.0, luck=2), BETTER_NOW, True),
        (part(600, 37.6, 30.0, luck=2), BETTER_NOW, False),
        (part(600, 10.0, 30.0), part(300, 90.1, 90.0, luck=5), False),
        (part(600, 10.0, 30.0), part(300, 90.0, 90.0), True),
    ],
    ids=["as good", "tolerated", "too much lost", "worse now", "equal now"],
)
def test_after_a_change_what_came_since_decides_and_little_may_be_lost(reason, old, recent, promoted):
    assert decide(apart(old, recent), RULE, reason=reason).promote is promoted


@pytest.mark.parametrize("reason", ["new_data", "schedule", "manual"])
@pytest.mark.parametrize(
    ("old", "recent", "promoted"),
    [
        (AS_BEFORE, BETTER_NOW, True),
        (part(600, 37.4, 30.0, luck=2), BETTER_NOW, True),
        (part(600, 37.6, 30.0, luck=2), BETTER_NOW, False),
        (part(600, 10.0, 30.0), part(300, 91.0, 90.0, luck=2), True),
        (part(600, 10.0, 30.0), part(300, 93.0, 90.0, luck=2), False),
        (part(600, 10.0, 30.0), part(300, 91.0, 90.0), False),
        (part(600, 31.0, 30.0), part(300, 90.0, 90.0), False),
    ],
    ids=["better", "tolerated", "too much lost", "by luck", "worse now", "luck unknown", "worse together"],
)
def test_without_a_change_both_together_decide_and_recent_rows_may_not_become_worse(
    reason, old, recent, promoted
):
    assert decide(apart(old, recent), RULE, reason=reason).promote is promoted


def test_without_a_change_both_together_must_improve_by_what_is_asked_for():
    rule = GateRule("rmse", min_improvement=25.0)

    assert not decide(apart(AS_BEFORE, BETTER_NOW), rule).promote  # 20 better in the middle
    assert decide(apart(AS_BEFORE, BETTER_NOW), rule, reason="drift").promote  # 40 better on recent rows


@pytest.mark.parametrize(("recent", "promoted"), [(99, True), (100, False)])
def test_too_few_recent_rows_are_judged_together_with_the_old_holdout(recent, promoted):
    few = part(recent, 95.0, 90.0)
    found = decide(apart(part(600, 20.0, 30.0), few, part(600 + recent, 31.0, 32.0)), RULE, reason="drift")

    assert found.promote is promoted
    assert ("too few to be judged apart: 99 recent rows" in found.why) is promoted


@pytest.mark.parametrize("name", ["holdout", "recent"])
@pytest.mark.parametrize(
    "broken",
    [
        None,
        {},
        {"rows": None},
        {"rows": True},
        {"rows": 300, "challenger": {}, "champion": {"rmse": 1.0}},
        {"rows": 300, "challenger": {"rmse": float("nan")}, "champion": {"rmse": 1.0}},
        {"rows": 300, "challenger": {"rmse": 1.0}, "champion": None},
    ],
)
@pytest.mark.parametrize("reason", ["drift", "manual"])
def test_a_part_that_proves_nothing_is_refused(name, broken, reason):
    found = {**apart(AS_BEFORE, BETTER_NOW), name: broken}

    decision = decide(found, RULE, reason=reason)

    assert not decision.promote
    assert decision.why.startswith("refused: ")


def test_limits_hold_where_it_is_decided():
    rule = GateRule("rmse", max_value=45.0)

    assert decide(apart(AS_BEFORE, BETTER_NOW), rule).promote  # 40 on both together
    assert not decide(apart(AS_BEFORE, BETTER_NOW), rule, reason="drift").promote  # 50 on recent rows


def test_the_sentence_has_the_figures_of_both_parts():
    found = decide(apart(part(600, 31.0, 30.0, luck=2), BETTER_NOW), RULE, reason="quality")

    assert found.why == (
        "rmse 50 on 300 recent rows, 40 better than the 90 of the model in service (95 %: 35 to 45); "
        "rmse 31 on 600 rows of the old holdout, 1 worse than the 30 of the model in service (95 %: -3 to 1), "
        "within the 7.5 that are tolerated"
    )


def test_rows_that_the_model_in_service_may_have_learned_from_are_told():
    found = decide({**evaluation(42.0, 50.0), "learned_rows": 7}, RULE)

    assert "7 more rows do not count" in found.why


FLOORS = GateRule("roc_auc", floors={"recall": 0.8, "log_loss": 0.4})


def of_labels(recall, log_loss, rows=900):
    return {"rows": rows, "challenger": {"roc_auc": 0.9, "recall": recall, "log_loss": log_loss}}


@pytest.mark.parametrize(
    ("recall", "log_loss", "said"),
    [
        (0.8, 0.4, ""),
        (0.79, 0.3, "recall 0.79 on 900 unseen rows is below the 0.8 that it must be at least"),
        (0.9, 0.41, "log_loss 0.41 on 900 unseen rows is above the 0.4 that it must be at most"),
        (None, 0.3, "the new model has no value for recall on 900 unseen rows, where 0.8 is asked"),
        (float("nan"), 0.3, "no value for recall"),
        (0.9, float("inf"), "no value for log_loss"),
    ],
)
def test_further_metrics_must_reach_their_floors(recall, log_loss, said):
    found = decide(of_labels(recall, log_loss), FLOORS)

    assert found.promote is (not said)
    assert said in found.why


def test_floors_hold_on_the_rows_that_decide():
    rule = GateRule("rmse", floors={"mae": 25.0})
    old, recent = part(600, 30.0, 31.0), part(300, 50.0, 90.0)
    whole = part(900, 37.0, 50.0)
    for each, mae in ((old, 20.0), (recent, 40.0), (whole, 24.0)):
        each["challenger"]["mae"] = mae
    found = {**whole, "holdout": old, "recent": recent}

    assert decide(found, rule).promote  # 24 on both together
    refused = decide(found, rule, reason="drift")
    assert "mae 40 on 300 recent rows is above the 25" in refused.why


@pytest.mark.parametrize(
    ("luck", "least", "promoted"), [(7.0, 0, True), (9.0, 0, False), (None, 0, False), (5.0, 4.0, False)]
)
def test_an_improvement_may_have_to_be_beyond_luck(luck, least, promoted):
    rule = GateRule("rmse", beyond_luck=True, min_improvement=least)
    whole = part(900, 42.0, 50.0, luck)

    found = decide({**whole, "holdout": whole, "recent": NONE}, rule)

    assert found.promote is promoted
    if not promoted:
        assert found.why.startswith(
            "the model in service stays: rmse 42 on 900 unseen rows, 8 better than the 50"
        )
        assert "luck may explain" in found.why


def test_the_first_model_has_nobody_to_be_better_than():
    assert decide(evaluation(42.0), GateRule("rmse", beyond_luck=True)).promote
