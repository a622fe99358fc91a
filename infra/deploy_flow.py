"""The states between an approved model, or a decision, and an endpoint that serves it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from headrace.config.release import Release
from infra.deploy_tasks import EXECUTION, FOR_PLAN, SHORT, DeployTasks
from infra.endpoint_wait import DEADLINE, EndpointWait
from infra.release_flow import ReleaseCalls, ReleaseFunctions, ReleaseStates
from infra.scaling_states import ScalingStates
from infra.state_machine import lambda_task, says

_POLL = Duration.seconds(3)
_TURN = Duration.seconds(10)


@dataclass(frozen=True)
class DeployFunctions:
    """The functions that the states call."""

    plan_deployment: lambda_.IFunction
    verify_model: lambda_.IFunction
    decide_release: lambda_.IFunction
    smoke_test: lambda_.IFunction
    publish_model: lambda_.IFunction
    remove_previous: lambda_.IFunction
    roll_back_deployment: lambda_.IFunction
    scale_endpoint: lambda_.IFunction | None = None
    """Only where the instances follow the load."""
    release: ReleaseFunctions | None = None
    """Only where models are not exchanged all at once."""
    write_sample: lambda_.IFunction | None = None
    """Only where there is no endpoint to ask."""


@dataclass(frozen=True)
class DeployCalls:
    """The arguments of the states that call SageMaker."""

    create_model: dict[str, Any]
    create_endpoint_config: dict[str, Any]
    create_endpoint: dict[str, Any]
    update_endpoint: dict[str, Any]
    release: ReleaseCalls


def deploy_flow(
    scope: Construct, functions: DeployFunctions, calls: DeployCalls, release: Release
) -> sfn.IChainable:
    """Chain the states: plan, verify, create, release, smoke test, publish, remove what is not needed; or roll back."""
    return DeployFlow(Construct(scope, "States"), functions, calls, release).begin()


class DeployFlow:
    """The states are named as the functions are that they call."""

    def __init__(
        self, scope: Construct, functions: DeployFunctions, calls: DeployCalls, release: Release
    ) -> None:
        self._scope, self._functions, self._calls = scope, functions, calls
        scale = functions.scale_endpoint
        self._scaling = ScalingStates(scope, scale, FOR_PLAN) if scale else None
        self._roll_back = self._add_roll_back()
        self._tasks = DeployTasks(scope, self._roll_back)
        self._serve = self._add_waiting(self._add_serving())
        self._release = self._add_release(release)
        self._move = self._add_move()
        self._create = self._add_verification().next(self._add_creation())

    def begin(self) -> sfn.IChainable:
        """Return the first state: it gives every variable a value, so that a failure can tell how far it came."""
        begin = sfn.Pass.jsonata(
            self._scope,
            "Begin",
            assign={
                "request": "{% $states.input %}",
                "plan": {},
                "endpoint": {},
                "judged": {},
                "error": {},
                "deadline": DEADLINE,
            },
        )
        comes = (
            sfn.Choice.jsonata(self._scope, "WhatComes")
            .when(says("$exists($request.ModelPackageArn)"), self._add_plan())
            .otherwise(self._add_decision())
        )
        return begin.next(comes)

    @cached_property
    def _wait(self) -> EndpointWait:
        return EndpointWait(self._scope, self._roll_back)

    # --- what to do

    def _add_plan(self) -> sfn.IChainable:
        plan = self._tasks.function(
            "PlanDeployment",
            self._functions.plan_deployment,
            {"model_package_arn": "{% $request.ModelPackageArn %}", "execution": EXECUTION},
            assign={"plan": "{% $states.result.Payload %}", "deadline": DEADLINE},
        )
        turn = sfn.Wait.jsonata(self._scope, "WaitForTurn", time=sfn.WaitTime.duration(_TURN))
        act = (
            sfn.Choice.jsonata(self._scope, "WhatToDo")
            .when(says("$plan.action = 'deploy'"), self._create)
            .when(says("$plan.action = 'wait'"), turn.next(plan))
            .otherwise(sfn.Succeed.jsonata(self._scope, "NothingToDo"))
        )
        return plan.next(act)

    def _add_decision(self) -> sfn.IChainable:
        """Take in what a person, an alarm or a lost execution wants; most of it the execution does that is told."""
        decide = self._tasks.function(
            "DecideRelease",
            self._functions.decide_release,
            {"request": "{% $request %}", "execution": EXECUTION},
            assign={"decided": "{% $states.result.Payload %}", "deadline": DEADLINE},
        )
        adopt = sfn.Pass.jsonata(
            self._scope,
            "AdoptRelease",
            assign={
                "plan": "{% $decided.plan %}",
                "error": {"Error": "ReleaseLost", "Cause": "{% $decided.why %}"},
            },
        )
        withdraw = self._release.withdraw if self._release else self._roll_back
        go_back = sfn.Pass.jsonata(self._scope, "GoBack", assign={"plan": "{% $decided.plan %}"})
        again = sfn.Pass.jsonata(self._scope, "DeployAgain", assign={"plan": "{% $decided.plan %}"})
        act = (
            sfn.Choice.jsonata(self._scope, "WhatIsWanted")
            .when(says("$decided.action = 'roll_back'"), go_back.next(self._add_way_back()))
            .when(says("$decided.action = 'deploy'"), again.next(self._create))
            .when(says("$decided.action = 'withdraw'"), adopt.next(withdraw))
            .otherwise(sfn.Succeed.jsonata(self._scope, "DecisionTaken"))
        )
        return decide.next(act)

    def _add_verification(self) -> sfn.Chain:
        """Refuse a model that is not what was signed; the plan comes back with what its container verifies it by."""
        verify = self._tasks.function(
            "VerifyModel",
            self._functions.verify_model,
            {"plan": "{% $plan %}"},
            assign={"plan": "{% $states.result.Payload %}"},
        )
        return sfn.Chain.start(verify)

    def _add_way_back(self) -> sfn.IChainable:
        """Refuse a kept model that was changed meanwhile; one that was deployed before there were signatures has none."""
        verify = self._tasks.function(
            "VerifyKept",
            self._functions.verify_model,
            {"plan": "{% $plan %}"},
            assign={"plan": "{% $states.result.Payload %}"},
        )
        return (
            sfn.Choice.jsonata(self._scope, "WasItSigned")
            .when(says("$plan.signed = true"), verify.next(self._move))
            .otherwise(self._move)
        )

    def _add_creation(self) -> sfn.IChainable:
        model = self._tasks.call("CreateModel", "createModel", self._calls.create_model)
        config = self._tasks.call(
            "CreateEndpointConfig", "createEndpointConfig", self._calls.create_endpoint_config
        )
        create = self._tasks.call("CreateEndpoint", "createEndpoint", self._calls.create_endpoint)
        which = (
            sfn.Choice.jsonata(self._scope, "EndpointExists")
            .when(says("$plan.endpoint_exists"), self._move)
            .otherwise(create.next(self._serve))
        )
        return model.next(config).next(which)

    # --- how requests come to the model

    def _add_move(self) -> sfn.IChainable:
        """Exchange the models, or begin a release; what scales stops before."""
        update = self._tasks.call("UpdateEndpoint", "updateEndpoint", self._calls.update_endpoint).next(
            self._serve
        )
        move: sfn.IChainable = update
        if self._release:
            released = says("$type($plan.release) = 'object'")
            choice = sfn.Choice.jsonata(self._scope, "IsReleased")
            move = choice.when(released, self._release.enter).otherwise(update)
        return self._scaling.stop(move, self._roll_back) if self._scaling else move

    def _add_release(self, release: Release) -> ReleaseStates | None:
        functions = self._functions.release
        if functions is None:
            return None
        return ReleaseStates(
            self._scope,
            release=release,
            functions=functions,
            calls=self._calls.release,
            wait=self._wait,
            roll_back=self._roll_back,
            serve=self._serve,
        )

    def _add_waiting(self, serving: sfn.IChainable) -> sfn.IChainable:
        """Wait until the endpoint has the new model."""
        return self._wait.until("Endpoint", "$plan.name", serving, poll=_POLL)

    def _add_serving(self) -> sfn.IChainable:
        smoke_test = self._tasks.function(
            "SmokeTest", self._functions.smoke_test, FOR_PLAN, timeout=Duration.minutes(10)
        )
        publish = self._tasks.function(
            "PublishModel", self._functions.publish_model, {**FOR_PLAN, "judged": "{% $judged %}"}
        )
        remove = lambda_task(
            self._scope,
            "RemovePrevious",
            self._functions.remove_previous,
            payload=FOR_PLAN,
            timeout=SHORT,
        )
        deployed = sfn.Succeed.jsonata(self._scope, "ModelDeployed")
        # The new model serves by now: what is left over does no harm, and is removed after the next deployment.
        remove.add_catch(deployed, errors=["States.ALL"])
        published = publish.next(remove).next(deployed)
        return smoke_test.next(
            self._scaling.start(published, self._roll_back) if self._scaling else published
        )

    # --- the way back

    def _add_roll_back(self) -> sfn.IChainable:
        """One step back per call, until the endpoint is as it was."""
        step = lambda_task(
            self._scope,
            "RollBack",
            self._functions.roll_back_deployment,
            payload={**FOR_PLAN, "error": "{% $error %}"},
            timeout=SHORT,
            assign={"rolled_back": "{% $states.result.Payload %}"},
        )
        failed = sfn.Fail.jsonata(
            self._scope, "DeploymentFailed", error="DeploymentFailed", cause="{% $rolled_back.why %}"
        )
        ended = (
            sfn.Choice.jsonata(self._scope, "HasFailed")
            .when(says("$rolled_back.failed"), failed)
            .otherwise(sfn.Succeed.jsonata(self._scope, "ReleaseTakenBack"))
        )
        again = sfn.Wait.jsonata(self._scope, "WaitForRollBack", time=sfn.WaitTime.duration(_POLL))
        done = (
            sfn.Choice.jsonata(self._scope, "IsRolledBack")
            .when(says("$rolled_back.done"), self._scaling.restore(ended) if self._scaling else ended)
            .otherwise(again.next(step))
        )
        rolling_back = step.next(done)
        return self._scaling.stop_again(rolling_back) if self._scaling else rolling_back
