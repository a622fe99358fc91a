"""The deployment, walked through with answers for its tasks."""

import copy

import pytest

from tests.infra.test_state_machines import definition_of
from tests.infra.walk import TaskError, Walk
from tests.unit.lambdas.releases import ALL_AT_ONCE

APPROVED = {"ModelPackageArn": "arn:4", "ModelApprovalStatus": "Approved"}
NAME, OLD = ALL_AT_ONCE["name"], ALL_AT_ONCE["previous_config"]


def payload(value):
    return {"Payload": value, "StatusCode": 200}


class Hosting:
    """An endpoint that is updated at once, after it was seen to be updating."""

    def __init__(self, config=OLD):
        self.config, self.status, self.moves = config, "InService", []

    def update(self, arguments):
        self.config, self.status = arguments["EndpointConfigName"], "Updating"
        self.moves.append(self.config)
        return {}

    def describe(self, arguments):
        seen, self.status = self.status, "InService"
        return {"EndpointStatus": seen, "EndpointConfigName": self.config}


def walk(definition, plan=ALL_AT_ONCE, **answers):
    hosting = Hosting()
    known = {
        "PlanDeployment": payload(plan),
        "VerifyModel": lambda arguments: payload({**arguments["Payload"]["plan"], "signed": True}),
        "VerifyKept": lambda arguments: payload(arguments["Payload"]["plan"]),
        "CreateModel": {},
        "CreateEndpointConfig": {},
        "CreateEndpoint": hosting.update,
        "UpdateEndpoint": hosting.update,
        "DescribeEndpoint": hosting.describe,
        "SmokeTest": payload({"variant": "v4"}),
        "PublishModel": payload({}),
        "RemovePrevious": payload({}),
        "RollBack": [payload({"done": False}), payload({"done": True, "failed": True, "why": "why"})],
    }
    return Walk(definition, {**known, **answers})


@pytest.fixture(scope="module")
def definition():
    return definition_of("Deployment")


def test_a_model_is_made_moved_to_tested_published_and_what_is_not_needed_removed(definition):
    execution = walk(definition)

    assert execution.run(APPROVED) == "ModelDeployed"
    tasks = [name for name, _ in execution.calls if name != "DescribeEndpoint"]
    assert tasks == [
        "PlanDeployment",
        "VerifyModel",
        "CreateModel",
        "CreateEndpointConfig",
        "UpdateEndpoint",
        "SmokeTest",
        "PublishModel",
        "RemovePrevious",
    ]
    assert execution.arguments("UpdateEndpoint")[0]["EndpointConfigName"] == NAME


def test_nothing_is_made_of_a_model_that_is_refused(definition):
    refusal = TaskError("ModelRefusedError", "unsigned: there is no signed_manifest.json")
    execution = walk(definition, VerifyModel=refusal)

    assert execution.run(APPROVED) == "DeploymentFailed"
    assert "CreateModel" not in execution.visited


def test_the_container_is_given_what_it_verifies_its_model_by(definition):
    plan = {**ALL_AT_ONCE, "environment": {"HEADRACE_SIGNING_KEY": "cHVibGlj"}}
    execution = walk(definition, VerifyModel=payload(plan))

    execution.run(APPROVED)

    (container,) = [call["PrimaryContainer"] for call in execution.arguments("CreateModel")]
    assert container["Environment"] == {"HEADRACE_SIGNING_KEY": "cHVibGlj"}


def test_a_first_model_gets_an_endpoint(definition):
    plan = {**ALL_AT_ONCE, "endpoint_exists": False, "previous_config": None}
    execution = walk(definition, plan)

    assert execution.run(APPROVED) == "ModelDeployed"
    assert "CreateEndpoint" in execution.visited
    assert "UpdateEndpoint" not in execution.visited


@pytest.mark.parametrize("action", ["skip", "queue"])
def test_what_needs_nothing_or_has_to_wait_for_its_turn_ends_at_once(definition, action):
    execution = walk(definition, {"action": action, "why": "…"})

    assert execution.run(APPROVED) == "NothingToDo"
    assert [name for name, _ in execution.calls] == ["PlanDeployment"]


def test_an_endpoint_that_is_busy_is_asked_again(definition):
    plans = [payload({"action": "wait", "why": "…"}), payload(ALL_AT_ONCE)]

    execution = walk(definition, PlanDeployment=plans)

    assert execution.run(APPROVED) == "ModelDeployed"
    assert "WaitForTurn" in execution.visited


@pytest.mark.parametrize(
    "state", ["CreateModel", "UpdateEndpoint", "DescribeEndpoint", "SmokeTest", "PublishModel"]
)
def test_whatever_fails_leads_back_step_by_step_and_says_what_it_was(definition, state):
    execution = walk(definition, **{state: TaskError("Boom", "it broke")})

    assert execution.run(APPROVED) == "DeploymentFailed"
    assert len(execution.arguments("RollBack")) == 2
    assert execution.arguments("RollBack")[0]["Payload"]["error"] == {"Error": "Boom", "Cause": "it broke"}
    assert execution.cause == "why"


def test_an_endpoint_that_sagemaker_has_rolled_back_itself_is_a_failure(definition):
    status = {"EndpointStatus": "InService", "EndpointConfigName": OLD, "FailureReason": "no capacity"}

    execution = walk(definition, DescribeEndpoint=status)

    assert execution.run(APPROVED) == "DeploymentFailed"
    error = execution.arguments("RollBack")[0]["Payload"]["error"]
    assert error == {"Error": "EndpointFailed", "Cause": "InService: no capacity"}


def test_what_could_not_be_removed_does_not_undo_a_deployment(definition):
    assert walk(definition, RemovePrevious=TaskError("Boom", "")).run(APPROVED) == "ModelDeployed"


ROLL_BACK = {"decision": "rollback", "by": "arn:ann", "why": "complaints"}


def test_going_back_makes_nothing_and_serves_the_version_before(definition):
    plan = {**copy.deepcopy(ALL_AT_ONCE), "action": "roll_back", "name": OLD, "previous_config": NAME}
    decided = payload({"action": "roll_back", "plan": plan, "why": "…"})
    execution = walk(definition, DecideRelease=decided)

    assert execution.run(ROLL_BACK) == "ModelDeployed"
    tasks = [name for name, _ in execution.calls if name != "DescribeEndpoint"]
    assert tasks == ["DecideRelease", "UpdateEndpoint", "SmokeTest", "PublishModel", "RemovePrevious"]
    assert execution.arguments("UpdateEndpoint")[0]["EndpointConfigName"] == OLD


@pytest.mark.parametrize("action", ["told", "nothing"])
def test_a_decision_that_others_carry_out_ends_at_once(definition, action):
    decided = payload({"action": action, "why": "…"})

    execution = walk(definition, DecideRelease=decided)

    assert execution.run(ROLL_BACK) == "DecisionTaken"
    assert execution.arguments("DecideRelease")[0]["Payload"]["request"] == ROLL_BACK


def test_what_a_stopped_execution_has_left_is_undone(definition):
    decided = payload({"action": "withdraw", "plan": ALL_AT_ONCE, "why": "its execution ended as ABORTED"})
    execution = walk(definition, DecideRelease=decided)

    assert execution.run({"executionArn": "e0", "status": "ABORTED"}) == "DeploymentFailed"
    given = execution.arguments("RollBack")[0]["Payload"]
    assert given["error"] == {"Error": "ReleaseLost", "Cause": "its execution ended as ABORTED"}
    assert given["plan"] == ALL_AT_ONCE


def test_a_version_whose_deployment_is_not_kept_is_made_again_when_somebody_goes_back_to_it(definition):
    plan = {**ALL_AT_ONCE, "rejects": "arn:5"}
    decided = payload({"action": "deploy", "plan": plan, "why": "from v5 back to v4"})
    execution = walk(definition, DecideRelease=decided)

    assert (
        execution.run({"decision": "rollback", "version": 4, "by": "arn:ann", "why": "x"}) == "ModelDeployed"
    )
    tasks = [name for name, _ in execution.calls if name != "DescribeEndpoint"]
    assert tasks[:3] == ["DecideRelease", "VerifyModel", "CreateModel"]
    assert execution.arguments("PublishModel")[0]["Payload"]["plan"]["rejects"] == "arn:5"


GO_BACK = {"decision": "rollback", "by": "arn:ann", "why": "complaints"}


def way_back(definition, signed, **answers):
    plan = {**ALL_AT_ONCE, "action": "roll_back", "rejects": "arn:5", "signed": signed}
    decided = payload({"action": "roll_back", "plan": plan, "why": "from v5 back to v4"})
    return walk(definition, DecideRelease=decided, **answers)


def test_a_deployment_that_is_kept_is_verified_before_the_endpoint_goes_back_to_it(definition):
    execution = way_back(definition, signed=True)

    assert execution.run(GO_BACK) == "ModelDeployed"
    tasks = [name for name, _ in execution.calls if name != "DescribeEndpoint"]
    assert tasks[:3] == ["DecideRelease", "VerifyKept", "UpdateEndpoint"]


def test_the_endpoint_does_not_go_back_to_a_model_that_was_changed(definition):
    refusal = TaskError("ModelRefusedError", "changed: the archive's SHA-256 is another")
    execution = way_back(definition, signed=True, VerifyKept=refusal)

    assert execution.run(GO_BACK) == "DeploymentFailed"
    assert "UpdateEndpoint" not in execution.visited


def test_a_kept_deployment_of_before_there_were_signatures_is_gone_back_to(definition):
    execution = way_back(definition, signed=False)

    assert execution.run(GO_BACK) == "ModelDeployed"
    assert "VerifyKept" not in execution.visited
