"""Deployment guardrails: requests move in steps, alarms are watched, and everything moves back if one rings."""

from collections import Counter

import pytest

from local_cloud.sagemaker.errors import ApiError
from tests.unit.local_cloud.sagemaker.hosting import variant

SERVERLESS = {"MemorySizeInMB": 1024, "MaxConcurrency": 2}
TEN_PERCENT = {"Type": "CAPACITY_PERCENT", "Value": 10}
LAUNCHING = "Launching 4 instance(s)."


def config(kind="ALL_AT_ONCE", *, wait=600, termination=300, timeout=3600, alarms=("errors",), **sizes):
    """Return a ``DeploymentConfig``."""
    routing = {"Type": kind, "WaitIntervalInSeconds": wait, **sizes}
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": termination,
            "MaximumExecutionTimeoutInSeconds": timeout,
        },
        **(
            {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}}
            if alarms
            else {}
        ),
    }


CANARY = config("CANARY", CanarySize=TEN_PERCENT)


@pytest.fixture
def endpoint(hosting):
    """An endpoint `e` of model `a` on four instances, a configuration `green` of model `b`, and a quiet alarm."""
    hosting.start("e", variant("main", "a", InitialInstanceCount=4))
    hosting.configure("green", variant("main", "b", InitialInstanceCount=4))
    hosting.around.alarms["errors"] = "OK"
    return "e"


@pytest.fixture
def asked_at(hosting, endpoint):
    """Ask 200 times at a moment of the deployment; return who has answered, after it."""

    def asked_at(time):
        seen = Counter()
        hosting.around.clock.at(time, lambda: seen.update(hosting.ask(endpoint)[0] for _ in range(200)))
        return seen

    return asked_at


def deployed(hosting, deployment, **more):
    return hosting.update("e", "green", DeploymentConfig=deployment, **more)


def statuses(hosting):
    """Return status and message of the variant in each event of the deployment."""
    return [
        (state["Status"], state["StatusMessage"])
        for kind, detail in hosting.around.events
        if kind == "SageMaker Endpoint Deployment State Change"
        and detail["PendingDeploymentSummary"]["EndpointConfigName"] == "green"
        for state in detail["PendingDeploymentSummary"]["ProductionVariants"][0]["VariantStatus"]
    ]


# --- how requests move


def test_a_canary_gets_its_share_before_it_gets_everything(hosting, endpoint, asked_at):
    canary, whole = asked_at(300), asked_at(700)

    after = deployed(hosting, CANARY)

    assert 4 < canary["b:x"] < 45
    assert canary["a:x"] + canary["b:x"] == 200
    assert whole == {"b:x": 200}
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", "green")
    assert "PendingDeploymentSummary" not in after
    assert hosting.running() == ["b"] * 4
    assert hosting.around.clock.time == 900


def test_a_linear_deployment_moves_in_equal_steps(hosting, endpoint, asked_at):
    moments = [asked_at(300 + 600 * i) for i in range(4)]
    step = {"Type": "INSTANCE_COUNT", "Value": 1}

    deployed(hosting, config("LINEAR", LinearStepSize=step))

    shares = [seen["b:x"] / 200 for seen in moments[:3]]
    assert all(
        abs(share - expected) < 0.15 for share, expected in zip(shares, (0.25, 0.5, 0.75), strict=True)
    )
    assert moments[3] == {"b:x": 200}
    assert hosting.around.clock.time == 3 * 600 + 300


def test_all_at_once_bakes_before_the_old_fleet_ends(hosting, endpoint, asked_at):
    during, running = asked_at(100), []
    hosting.around.clock.at(100, lambda: running.extend(hosting.running()))

    deployed(hosting, config())

    assert during == {"b:x": 200}
    assert sorted(running) == ["a"] * 4 + ["b"] * 4
    assert hosting.running() == ["b"] * 4
    assert hosting.around.clock.time == 300


def test_the_stages_are_told_in_sagemakers_words(hosting, endpoint):
    deployed(hosting, CANARY)

    canary, full = "canary capacity of 1 instance(s).", "full capacity of 4 instance(s)."
    assert statuses(hosting) == [
        ("Creating", LAUNCHING),
        ("ActivatingTraffic", f"Activating traffic on {canary}"),
        ("Baking", f"Baking for 600 seconds (WaitIntervalInSeconds) with traffic enabled on {canary}"),
        ("ActivatingTraffic", f"Activating traffic on {full}"),
        ("Baking", f"Baking for 300 seconds (TerminationWaitInSeconds) with traffic enabled on {full}"),
    ]


def test_an_endpoint_shows_the_deployment_that_is_under_way_beside_what_serves(hosting, endpoint):
    seen = []
    hosting.around.clock.at(300, lambda: seen.append(hosting.describe("e")))

    deployed(hosting, CANARY)

    [during] = seen
    assert (during["EndpointStatus"], during["EndpointConfigName"]) == ("Updating", "e")
    pending = during["PendingDeploymentSummary"]
    [state] = pending["ProductionVariants"]
    assert pending["EndpointConfigName"] == "green"
    assert (state["VariantName"], state["CurrentInstanceCount"], state["DesiredInstanceCount"]) == (
        "main",
        1,
        4,
    )
    assert during["LastDeploymentConfig"] == CANARY


# --- how they move back


@pytest.mark.parametrize("moment", [100, 650])
def test_an_alarm_in_any_baking_moves_all_requests_back(hosting, endpoint, asked_at, moment):
    before = asked_at(moment - 30)
    hosting.around.clock.at(moment, lambda: hosting.around.alarms.update(errors="ALARM"))

    after = deployed(hosting, CANARY)

    assert before["b:x"] > 0
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", "e")
    assert "errors went into ALARM state" in after["FailureReason"]
    assert "PendingDeploymentSummary" not in after
    assert {hosting.ask("e")[0] for _ in range(50)} == {"a:x"}
    assert hosting.running() == ["a"] * 4
    assert moment <= hosting.around.clock.time <= moment + 15, "it does not bake on"


def test_an_alarm_that_rings_already_ends_the_deployment_before_a_request_moves(hosting, endpoint):
    hosting.around.alarms["errors"] = "ALARM"

    after = deployed(hosting, CANARY)

    assert after["EndpointConfigName"] == "e"
    assert statuses(hosting) == [("Creating", LAUNCHING)]


def test_an_alarm_without_data_does_not_end_a_deployment(hosting, endpoint):
    hosting.around.alarms["errors"] = "INSUFFICIENT_DATA"

    assert deployed(hosting, CANARY)["EndpointConfigName"] == "green"


def test_a_deployment_that_takes_too_long_moves_back(hosting, endpoint):
    def delay():
        hosting.around.clock.time += 3600

    hosting.around.clock.at(100, delay)

    after = deployed(hosting, CANARY)

    assert after["EndpointConfigName"] == "e"
    assert "longer than 3600 seconds" in after["FailureReason"]


def test_a_role_that_is_gone_meanwhile_moves_all_requests_back(hosting, endpoint, monkeypatch):
    def refuse(role):
        raise ApiError("ValidationException", f"Could not assume role {role}.")

    hosting.around.clock.at(100, lambda: monkeypatch.setattr(hosting.around, "role_session", refuse))

    after = deployed(hosting, CANARY)

    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", "e")
    assert "Could not assume role" in after["FailureReason"]
    assert {hosting.ask("e")[0] for _ in range(50)} == {"a:x"}
    assert hosting.running() == ["a"] * 4


def test_a_model_that_is_deleted_once_it_is_launched_does_not_end_the_deployment(hosting, endpoint):
    hosting.around.clock.at(100, lambda: hosting.call("DeleteModel", ModelName="b"))

    after = deployed(hosting, CANARY)

    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", "green")
    assert {hosting.ask("e")[0] for _ in range(50)} == {"b:x"}


def test_a_green_fleet_that_is_not_healthy_never_gets_a_request(hosting, endpoint):
    hosting.model("broken", BROKEN="yes")
    hosting.configure("bad", variant("main", "broken", InitialInstanceCount=4))

    after = hosting.update("e", "bad", DeploymentConfig=CANARY)

    assert "ping health check" in after["FailureReason"]
    assert hosting.around.clock.time == 0
    assert hosting.running() == ["a"] * 4


def test_a_model_that_is_deleted_meanwhile_leaves_the_endpoint_as_it_was(hosting, endpoint):
    hosting.call("DeleteModel", ModelName="b")

    after = hosting.update("e", "green")

    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", "e")
    assert "Could not find model" in after["FailureReason"]


# --- what is kept for the next time


def test_the_last_deployments_configuration_can_be_used_again(hosting, endpoint):
    deployed(hosting, CANARY)

    after = hosting.update("e", "e", RetainDeploymentConfig=True)

    assert hosting.around.clock.time == 2 * 900
    assert after["LastDeploymentConfig"] == CANARY


def test_a_configuration_given_at_creation_can_be_used_by_the_first_update(hosting):
    hosting.configure("e", variant("main", "a", InitialInstanceCount=4))
    hosting.configure("green", variant("main", "b", InitialInstanceCount=4))
    deployment = config("CANARY", CanarySize=TEN_PERCENT, alarms=())
    hosting.call("CreateEndpoint", EndpointName="e", EndpointConfigName="e", DeploymentConfig=deployment)
    hosting.settled("e")

    hosting.update("e", "green", RetainDeploymentConfig=True)

    assert hosting.around.clock.time == 900


def test_an_update_without_guardrails_neither_waits_nor_keeps_names(hosting, endpoint):
    hosting.configure("other", variant("new", "b"))

    after = hosting.update("e", "other")

    assert after["EndpointConfigName"] == "other"
    assert hosting.around.clock.time == 0
    kinds = {kind for kind, detail in hosting.around.events}
    assert kinds == {"SageMaker Endpoint State Change"}, "the stages are told of guarded deployments"


def test_an_update_without_guardrails_leaves_the_last_deployments_configuration(hosting, endpoint):
    deployed(hosting, CANARY)

    after = hosting.update("e", "e")

    assert after["LastDeploymentConfig"] == CANARY
    assert hosting.around.clock.time == 900


# --- what is refused


@pytest.mark.parametrize(
    ("deployment", "words"),
    [
        (config("CANARY"), "CanarySize is required"),
        (config("LINEAR"), "LinearStepSize is required"),
        (config("CANARY", CanarySize={"Type": "CAPACITY_PERCENT", "Value": 51}), "at most 50 percent"),
        (config("CANARY", CanarySize={"Type": "INSTANCE_COUNT", "Value": 3}), "at most 50 percent"),
        (config("LINEAR", LinearStepSize={"Type": "CAPACITY_PERCENT", "Value": 9}), "from 10 to 50 percent"),
        (config("LINEAR", LinearStepSize=TEN_PERCENT), "must be larger than the total waiting time"),
        (config(wait=3601), "less than or equal to 3600"),
        (config(timeout=60), "MaximumExecutionTimeoutInSeconds"),
        (config(alarms=("errors", "none")), "Could not find CloudWatch alarm(s) none"),
        ({"RollingUpdatePolicy": {"MaximumBatchSize": TEN_PERCENT, "WaitIntervalInSeconds": 0}}, "Rolling"),
    ],
)
def test_a_deployment_that_contradicts_itself_is_refused(hosting, endpoint, deployment, words):
    with pytest.raises(ApiError) as refused:
        deployed(hosting, deployment)

    assert refused.value.code == "ValidationException"
    assert words in str(refused.value)
    assert hosting.describe("e")["EndpointStatus"] == "InService"


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (variant("other", "b"), "must have the same variant names as the old one (main), and it has other"),
        (variant("main", "b", ServerlessConfig=SERVERLESS), "not supported for serverless"),
    ],
)
def test_guardrails_are_for_the_same_variants_on_instances(hosting, endpoint, new, words):
    hosting.configure("new", new)

    with pytest.raises(ApiError) as refused:
        hosting.update("e", "new", DeploymentConfig=config())

    assert words in str(refused.value)
