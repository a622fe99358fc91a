"""A release, walked through with answers for its tasks."""

import pytest

from tests.infra.test_deploy_flow import APPROVED, NAME, OLD, Hosting, payload, walk
from tests.infra.test_state_machines import VARIANTS, definition_of
from tests.infra.walk import TaskError
from tests.unit.lambdas.releases import ALL_AT_ONCE, PLAN

CONFIG = PLAN["release"]["config"]
TIMEOUT = TaskError("States.Timeout", "")
GO_ON = payload({"decision": "hold", "share": 1.0, "why": "no alarm", "figures": {}})
STAY = payload({"decision": "hold", "share": None, "why": "not sure yet", "figures": {}})
PROMOTE = payload({"decision": "promote", "share": None, "why": "it is better", "figures": {}})
WITHDRAW = payload({"decision": "withdraw", "share": None, "why": "on: errors", "figures": {}})
LOOK = {"what": "look", "by": "headrace-bike-release-errors", "why": "3 > 1"}
TAKE_BACK = {"what": "rollback", "by": "arn:ann", "why": "complaints"}
LET_IT_BE = {"what": "promote", "by": "arn:ann", "why": "good enough"}


@pytest.fixture(scope="module")
def canary():
    return definition_of("Deployment", VARIANTS["canary"])


@pytest.fixture(scope="module")
def shadow():
    return definition_of("Deployment", VARIANTS["shadow"])


@pytest.fixture(scope="module")
def by_hand():
    return definition_of("Deployment", VARIANTS["a person has the last word"])


def release(definition, plan=PLAN, **answers):
    """Walk through a release; the endpoint's weights are noted with its configurations."""
    hosting = Hosting()

    def shift(arguments):
        hosting.status = "Updating"
        weights = [item["DesiredWeight"] for item in arguments["DesiredWeightsAndCapacities"]]
        hosting.moves.append(tuple(weights))
        return {}

    known = {
        **dict.fromkeys(("EnterRelease", "PromoteRelease", "UpdateEndpoint"), hosting.update),
        **{f"Describe{name}": hosting.describe for name in ("Endpoint", "Release", "Shift")},
        "CreateReleaseConfig": {},
        "SmokeTestChallenger": payload({"variant": "v4"}),
        "BeginRelease": payload({"share": 0.1, "alarms": []}),
        "ShiftTraffic": shift,
        "WithdrawTraffic": shift,
        "HoldRelease": TIMEOUT,
        "AwaitPromotion": TIMEOUT,
        "RollBack": payload({"done": True, "failed": True, "why": "why"}),
    }
    execution = walk(definition, plan, **{**known, **answers})
    return execution, hosting


def test_a_good_model_gets_more_requests_step_by_step_and_then_serves_alone(canary):
    execution, hosting = release(canary, JudgeRelease=[GO_ON, PROMOTE])

    assert execution.run(APPROVED) == "ModelDeployed"
    assert hosting.moves == [CONFIG, (0.9, 0.1), (0, 1.0), NAME]
    asked = [
        (call["Payload"]["step"], call["Payload"]["plan"] == {**PLAN, "signed": True})
        for call in execution.arguments("JudgeRelease")
    ]
    assert asked == [(0, True), (1, True)]
    assert execution.arguments("PublishModel")[0]["Payload"]["judged"]["why"] == "it is better"


def test_the_challenger_answers_a_known_row_before_it_gets_the_first_request(canary):
    execution, hosting = release(canary, SmokeTestChallenger=TaskError("SmokeTestError", "answered 500"))

    assert execution.run(APPROVED) == "DeploymentFailed"
    assert hosting.moves == [CONFIG]
    assert execution.arguments("SmokeTestChallenger")[0]["Payload"]["challenger"] is True


def test_the_challenger_begins_beside_the_champion_without_requests(canary):
    execution, _ = release(canary, JudgeRelease=[GO_ON, PROMOTE])
    execution.run(APPROVED)

    variants = execution.arguments("CreateReleaseConfig")[0]["ProductionVariants"]
    assert [(v["VariantName"], v["ModelName"], v["InitialVariantWeight"]) for v in variants] == [
        ("v3", OLD, 1),
        ("v4", NAME, 0),
    ]


def test_while_nothing_is_decided_the_share_stays(canary):
    execution, hosting = release(canary, JudgeRelease=[STAY, STAY, GO_ON, PROMOTE])

    assert execution.run(APPROVED) == "ModelDeployed"
    assert len(execution.arguments("HoldRelease")) == 4
    assert hosting.moves == [CONFIG, (0.9, 0.1), (0, 1.0), NAME]


def test_a_bad_model_loses_all_requests_before_the_endpoint_is_led_back(canary):
    execution, hosting = release(canary, JudgeRelease=[GO_ON, WITHDRAW])

    assert execution.run(APPROVED) == "DeploymentFailed"
    assert hosting.moves == [CONFIG, (0.9, 0.1), (0, 1.0), (1, 0)]
    error = execution.arguments("RollBack")[0]["Payload"]["error"]
    assert error == {"Error": "ReleaseWithdrawn", "Cause": "on: errors"}


def test_an_alarm_does_not_wait_for_the_end_of_a_step(canary):
    execution, hosting = release(canary, HoldRelease=LOOK, JudgeRelease=WITHDRAW)

    assert execution.run(APPROVED) == "DeploymentFailed"
    assert hosting.moves == [CONFIG, (0.9, 0.1), (1, 0)]


@pytest.mark.parametrize("judged", [GO_ON, PROMOTE])
def test_an_alarm_that_is_over_before_somebody_looks_does_not_cut_a_step_short(canary, judged):
    execution, hosting = release(canary, HoldRelease=[LOOK, TIMEOUT], JudgeRelease=[judged, GO_ON, PROMOTE])

    assert execution.run(APPROVED) == "ModelDeployed"
    assert len(execution.arguments("HoldRelease")) == 3
    assert hosting.moves == [CONFIG, (0.9, 0.1), (0, 1.0), NAME]


def test_a_person_ends_a_release_at_any_moment_in_favour_of_either_model(canary):
    taken_back = payload({"done": True, "failed": False, "why": "arn:ann: complaints"})

    back, hosting_back = release(canary, HoldRelease=TAKE_BACK, RollBack=taken_back)
    on, hosting_on = release(canary, HoldRelease=LET_IT_BE)

    assert (back.run(APPROVED), hosting_back.moves[-1]) == ("ReleaseTakenBack", (1, 0))
    error = back.arguments("RollBack")[0]["Payload"]["error"]
    assert error == {"Error": "ReleaseTakenBack", "Cause": "arn:ann: complaints"}
    assert (on.run(APPROVED), hosting_on.moves[-1]) == ("ModelDeployed", NAME)


def test_weights_that_cannot_be_moved_do_not_hold_up_the_way_back(canary):
    execution, _ = release(canary, JudgeRelease=WITHDRAW, WithdrawTraffic=TaskError("SageMaker", "Updating"))

    assert execution.run(APPROVED) == "DeploymentFailed"
    assert execution.arguments("RollBack")


def test_a_release_that_cannot_be_judged_gives_the_champion_all_requests_first(canary):
    execution, hosting = release(canary, JudgeRelease=TaskError("ValueError", "no baseline"))

    assert execution.run(APPROVED) == "DeploymentFailed"
    assert hosting.moves == [CONFIG, (0.9, 0.1), (1, 0)]
    assert execution.arguments("RollBack")[0]["Payload"]["error"]["Error"] == "ValueError"


def test_a_first_model_is_not_released_against_anything(canary):
    plan = {**ALL_AT_ONCE, "endpoint_exists": False, "previous_config": None}

    execution, hosting = release(canary, plan, CreateEndpoint={})
    hosting.config = NAME

    assert execution.run(APPROVED) == "ModelDeployed"
    assert "EnterRelease" not in execution.visited


def test_a_release_that_was_lost_gives_the_champion_all_requests_first(canary):
    decided = payload({"action": "withdraw", "plan": PLAN, "why": "its execution ended as ABORTED"})

    execution, hosting = release(canary, DecideRelease=decided)

    assert execution.run({"executionArn": "e0", "status": "ABORTED"}) == "DeploymentFailed"
    assert hosting.moves == [(1, 0)]


SHADOW = {**PLAN, "strategy": "shadow", "release": {**PLAN["release"], "strategy": "shadow", "shares": [0.5]}}


def test_a_shadow_gets_copies_and_no_requests(shadow):
    execution, hosting = release(
        shadow,
        SHADOW,
        BeginRelease=payload({"share": 0.5, "alarms": []}),
        JudgeRelease=[STAY, PROMOTE],
    )

    assert execution.run(APPROVED) == "ModelDeployed"
    config = execution.arguments("CreateReleaseConfig")[0]
    assert [v["VariantName"] for v in config["ProductionVariants"]] == ["v3"]
    (copied,) = config["ShadowProductionVariants"]
    assert (copied["VariantName"], copied["InitialVariantWeight"]) == ("v4", 0.5)
    assert hosting.moves == [CONFIG, NAME]


def test_a_bad_shadow_goes_and_nobody_has_noticed_it(shadow):
    execution, hosting = release(shadow, SHADOW, JudgeRelease=[STAY, WITHDRAW])

    assert execution.run(APPROVED) == "DeploymentFailed"
    assert hosting.moves == [CONFIG]


def test_a_person_has_the_last_word_where_the_pipeline_file_says_so(by_hand):
    execution, hosting = release(by_hand, JudgeRelease=[GO_ON, PROMOTE], AwaitPromotion=LET_IT_BE)

    assert execution.run(APPROVED) == "ModelDeployed"
    assert hosting.moves == [CONFIG, (0.9, 0.1), (0, 1.0), NAME]


def test_a_model_that_nobody_promotes_is_withdrawn_in_the_end(by_hand):
    execution, _ = release(by_hand, JudgeRelease=[GO_ON, PROMOTE])

    assert execution.run(APPROVED) == "DeploymentFailed"
    error = execution.arguments("RollBack")[0]["Payload"]["error"]
    assert error["Cause"] == "nobody promoted it within 14 days"


def test_an_alarm_withdraws_a_model_that_waits_for_a_person(by_hand):
    execution, hosting = release(by_hand, JudgeRelease=[GO_ON, PROMOTE, WITHDRAW], AwaitPromotion=LOOK)

    assert execution.run(APPROVED) == "DeploymentFailed"
    assert hosting.moves[-1] == (1, 0)


@pytest.mark.parametrize("machine", ["canary", "by_hand"])
def test_the_longest_release_fits_into_an_execution(machine, request):
    definition = request.getfixturevalue(machine)
    execution, _ = release(definition, JudgeRelease=[STAY] * 50 + [WITHDRAW])
    execution.run(APPROVED)

    # A task state is five events of the history, six if it waits for a token, any other state is two.
    first = execution.visited.index("HoldRelease")
    assert execution.visited[first : first + 4] == [
        "HoldRelease",
        "JudgeRelease",
        "WhatIsJudged",
        "HoldRelease",
    ]
    longest = definition["TimeoutSeconds"] - 3 * 3600
    looks = longest / definition["States"]["HoldRelease"]["TimeoutSeconds"]
    assert (6 + 5 + 2) * looks < 10_000  # of 25,000: the rest is for waits
    assert longest < 365 * 86_400
