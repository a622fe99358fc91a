"""The states between an approved model and an endpoint that serves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.sagemaker_task import sagemaker_task
from infra.scaling_states import ScalingStates
from infra.state_machine import Task, catch_all, lambda_task

_SHORT = Duration.minutes(5)
_POLL = Duration.seconds(3)
_TURN = Duration.seconds(10)
_EXECUTION = "{% $states.context.Execution.Id %}"
_FOR_PLAN = {"plan": "{% $plan %}", "execution": _EXECUTION}


@dataclass(frozen=True)
class DeployFunctions:
    """The functions that the states call."""

    plan_deployment: lambda_.IFunction
    smoke_test: lambda_.IFunction
    publish_model: lambda_.IFunction
    remove_previous: lambda_.IFunction
    roll_back_deployment: lambda_.IFunction
    scale_endpoint: lambda_.IFunction | None = None
    """Only where the instances follow the load."""


@dataclass(frozen=True)
class DeployCalls:
    """The arguments of the states that call SageMaker."""

    create_model: dict[str, Any]
    create_endpoint_config: dict[str, Any]
    endpoint: dict[str, Any]


def deploy_flow(scope: Construct, functions: DeployFunctions, calls: DeployCalls) -> sfn.IChainable:
    """Chain the states: plan, create, wait, smoke test, publish, remove what served before; or roll back."""
    scope = Construct(scope, "States")  # states are named as the functions are that they call
    plan = lambda_task(
        scope,
        "PlanDeployment",
        functions.plan_deployment,
        payload={"model_package_arn": "{% $model_package_arn %}", "execution": _EXECUTION},
        timeout=_SHORT,
        assign={"plan": "{% $states.result.Payload %}"},
    )
    create_model = _call(scope, "CreateModel", "createModel", calls.create_model)
    create_config = _call(scope, "CreateEndpointConfig", "createEndpointConfig", calls.create_endpoint_config)
    create = _call(scope, "CreateEndpoint", "createEndpoint", calls.endpoint)
    update = _call(scope, "UpdateEndpoint", "updateEndpoint", calls.endpoint)
    wait = sfn.Wait.jsonata(scope, "WaitForEndpoint", time=sfn.WaitTime.duration(_POLL))
    describe = _describe(scope)
    smoke_test = lambda_task(
        scope, "SmokeTest", functions.smoke_test, payload=_FOR_PLAN, timeout=Duration.minutes(10)
    )
    publish = lambda_task(scope, "PublishModel", functions.publish_model, payload=_FOR_PLAN, timeout=_SHORT)
    remove = lambda_task(
        scope, "RemovePrevious", functions.remove_previous, payload=_FOR_PLAN, timeout=_SHORT
    )
    deployed = sfn.Succeed.jsonata(scope, "ModelDeployed")
    scaling = ScalingStates(scope, functions.scale_endpoint, _FOR_PLAN) if functions.scale_endpoint else None
    roll_back = _roll_back(scope, functions, scaling)

    working: list[Task] = [plan, create_model, create_config, create, update, describe, smoke_test, publish]
    catch_all(working, roll_back, assign={"error": "{% $states.errorOutput %}"})
    # The new model serves by now: what is left over does no harm, and is removed after the next deployment.
    remove.add_catch(deployed, errors=["States.ALL"])

    unhealthy = sfn.Pass.jsonata(
        scope,
        "EndpointFailed",
        assign={
            "error": {"Error": "EndpointFailed", "Cause": "{% $endpoint.status & ': ' & $endpoint.reason %}"}
        },
    )
    published = publish.next(remove).next(deployed)
    serving = smoke_test.next(scaling.start(published, roll_back) if scaling else published)
    observe = (
        sfn.Choice.jsonata(scope, "IsServing")
        .when(_says("$endpoint.status = 'InService' and $endpoint.config = $plan.name"), serving)
        .when(
            _says(
                "$endpoint.status in ['Creating', 'Updating', 'SystemUpdating', 'RollingBack'] "
                "and $states.context.State.EnteredTime < $plan.deadline"
            ),
            wait,
        )
        .otherwise(unhealthy.next(roll_back))
    )
    wait.next(describe).next(observe)
    which = (
        sfn.Choice.jsonata(scope, "EndpointExists")
        .when(
            _says("$plan.endpoint_exists"),
            scaling.stop(update.next(wait), roll_back) if scaling else update.next(wait),
        )
        .otherwise(create.next(wait))
    )
    act = (
        sfn.Choice.jsonata(scope, "WhatToDo")
        .when(_says("$plan.action = 'deploy'"), create_model.next(create_config).next(which))
        .when(
            _says("$plan.action = 'wait'"),
            sfn.Wait.jsonata(scope, "WaitForTurn", time=sfn.WaitTime.duration(_TURN)).next(plan),
        )
        .otherwise(sfn.Succeed.jsonata(scope, "NothingToDo"))
    )
    return _begin(scope).next(plan).next(act)


def _begin(scope: Construct) -> sfn.Pass:
    """Give every variable a value, so that a failure can tell how far the deployment came."""
    return sfn.Pass.jsonata(
        scope,
        "Begin",
        assign={
            "model_package_arn": "{% $states.input.ModelPackageArn %}",
            "plan": {},
            "endpoint": {},
            "error": {},
        },
    )


def _describe(scope: Construct) -> sfn.CustomState:
    result = "$states.result"
    return sagemaker_task(
        scope,
        "DescribeEndpoint",
        integration="aws-sdk:sagemaker:describeEndpoint",
        arguments={"EndpointName": "{% $plan.endpoint %}"},
        timeout=_SHORT,
        assign={
            "endpoint": {
                "status": f"{{% {result}.EndpointStatus %}}",
                "config": f"{{% {result}.EndpointConfigName %}}",
                "reason": f"{{% $exists({result}.FailureReason) ? {result}.FailureReason : '' %}}",
            }
        },
    )


def _roll_back(scope: Construct, functions: DeployFunctions, scaling: ScalingStates | None) -> sfn.IChainable:
    """One step back per call, until the endpoint is as it was."""
    step = lambda_task(
        scope,
        "RollBack",
        functions.roll_back_deployment,
        payload={**_FOR_PLAN, "error": "{% $error %}"},
        timeout=_SHORT,
        assign={"why": "{% $states.result.Payload.why %}"},
    )
    failed = sfn.Fail.jsonata(scope, "DeploymentFailed", error="DeploymentFailed", cause="{% $why %}")
    again = sfn.Wait.jsonata(scope, "WaitForRollBack", time=sfn.WaitTime.duration(_POLL)).next(step)
    done = (
        sfn.Choice.jsonata(scope, "IsRolledBack")
        .when(_says("$states.input.done"), scaling.restore(failed) if scaling else failed)
        .otherwise(again)
    )
    rolling_back = step.next(done)
    return scaling.stop_again(rolling_back) if scaling else rolling_back


def _call(scope: Construct, id: str, action: str, arguments: dict[str, Any]) -> sfn.CustomState:
    return sagemaker_task(
        scope, id, integration=f"aws-sdk:sagemaker:{action}", arguments=arguments, timeout=_SHORT
    )


def _says(expression: str) -> sfn.Condition:
    return sfn.Condition.jsonata(f"{{% {expression} %}}")
