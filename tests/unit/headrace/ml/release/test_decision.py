from dataclasses import replace

import pytest

from headrace.ml.drift import DriftReport, FeatureDrift
from headrace.ml.release.decision import Decision, Situation, decide
from headrace.ml.release.sequential import Finding
from headrace.ml.release.shift import Shift, Stratum

CANARY = Situation("canary", (0.1, 1.0), 0, False, False, 1000, (900, 100))
AB = Situation("ab", (0.5,), 3, False, True, 1000, (5000, 5000), finding=Finding("open"))
SHADOW = replace(AB, strategy="shadow", shares=(1.0,))
MOVED = FeatureDrift("prediction", True, 0.68, 1e-30, 1e-4, 0.38, 500, "mean 5 → 9")
SHIFT = Shift("shift", 2.0, DriftReport(True, "drift", 500, "drift", [MOVED]), Stratum("10:00"))


def test_a_canary_gets_its_next_share_and_then_all():
    assert (decide(CANARY).outcome, decide(CANARY).share) == ("hold", 1.0)
    assert decide(replace(CANARY, step=1)) == Decision("promote", "no alarm at any share")


def test_a_step_says_if_there_were_too_few_answers_to_compare():
    few = replace(CANARY, shift=replace(SHIFT, verdict="not enough data"))

    assert "too few answers to compare" in decide(few).why
    assert "too few answers to compare" in decide(replace(few, step=1)).why
    assert "too few" not in decide(CANARY).why


def test_a_linear_release_goes_step_by_step():
    linear = Situation("linear", (0.25, 0.5, 0.75, 1.0), 0, False, False, 1000, (0, 0))

    assert [decide(replace(linear, step=step)).share for step in range(3)] == [0.5, 0.75, 1.0]
    assert decide(replace(linear, step=3)).outcome == "promote"


@pytest.mark.parametrize("situation", [CANARY, AB, SHADOW])
def test_an_alarm_withdraws_whatever_else_is_said(situation):
    harmed = replace(situation, alarms=("headrace-bike-release-errors",), finding=Finding("better"))

    assert decide(harmed) == Decision("withdraw", "an alarm is on: headrace-bike-release-errors")


@pytest.mark.parametrize("situation", [CANARY, AB, SHADOW])
def test_answers_that_have_shifted_withdraw(situation):
    found = decide(replace(situation, shift=SHIFT))

    assert found == Decision(
        "withdraw",
        "its answers lie 2.0 standard deviations from those of the model in service (prediction: mean 5 → 9)",
    )


@pytest.mark.parametrize(("wanted", "outcome"), [("promote", "promote"), ("rollback", "withdraw")])
def test_what_people_want_comes_first(wanted, outcome):
    assert decide(replace(AB, wanted=wanted, alarms=("x",), shift=SHIFT)).outcome == outcome


@pytest.mark.parametrize(
    ("verdict", "outcome"), [("better", "promote"), ("worse", "withdraw"), ("open", "hold")]
)
@pytest.mark.parametrize("situation", [AB, SHADOW])
def test_a_comparison_decides_once_it_is_sure(situation, verdict, outcome):
    assert decide(replace(situation, finding=Finding(verdict))).outcome == outcome


def test_a_comparison_of_too_few_rows_does_not_decide():
    early = decide(replace(AB, rows=(5000, 999), finding=Finding("better")))

    assert early == Decision("hold", "999 of 1000 rows have been answered by each model")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"finding": Finding("open")}, "no difference that is sure yet"),
        ({"finding": None}, "there is nothing to compare the models by"),
        ({"finding": Finding("wrong shares", requests=(900, 300))}, "900 and 300 are known"),
    ],
)
def test_without_a_difference_the_champion_stays(changed, why):
    undecided = replace(AB, **changed)

    assert (decide(undecided).outcome, decide(replace(undecided, over=True)).outcome) == ("hold", "withdraw")
    assert why in decide(undecided).why
    assert decide(replace(undecided, over=True)).why.startswith("the time is over: ")


@pytest.mark.parametrize("finding", [None, Finding("open"), Finding("better")])
def test_a_shadow_without_labels_is_promoted_unless_something_speaks_against_it(finding):
    shadow = replace(SHADOW, by_labels=False, finding=finding)

    assert decide(shadow).outcome == "promote"
    assert decide(replace(shadow, finding=Finding("worse"))).outcome == "withdraw"
    assert decide(replace(shadow, rows=(5000, 10))).outcome == "hold"
