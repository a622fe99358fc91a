"""Repair: a state machine may do only what its role allows."""

from __future__ import annotations

import functools
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.iam_actions import identity_denial_message
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam, stepfunctions

from local_cloud.adapters import recorded_decisions
from local_cloud.adapters.patching import replace, require
from local_cloud.repairs.state_frame import current
from local_cloud.repairs.task_permissions import Permission, Place, permissions
from local_cloud.sagemaker.caller import caller
from local_cloud.settings import Settings

# The error of an integration that was denied; aws-sdk integrations have the SDK's general exception.
_DENIALS = {
    "lambda": "Lambda.AWSLambdaException",
    "sqs": "SQS.AmazonSQSException",
    "sns": "SNS.AmazonSNSException",
    "dynamodb": "DynamoDB.AmazonDynamoDBException",
    "events": "EventBridge.AmazonEventBridgeException",
    "states": "StepFunctions.AWSStepFunctionsException",
    "sagemaker": "SageMaker.AmazonSageMakerException",
    "glue": "Glue.AWSGlueException",
}


def install(settings: Settings) -> None:
    """Evaluate the role's policies before a task's call is made."""
    require(iam_evaluator, "_gather_role_policies", "role_name account_id")
    require(iam_evaluator, "_permissions_boundary", "store name account_id")
    require(iam_evaluator, "_resource_policy", "service resource_arn")
    replace(stepfunctions, "_invoke_resource", "resource input_data", _as_the_role)
    replace(stepfunctions, "_invoke_with_callback", "resource input_data token state_def", _as_the_role)


def _as_the_role(original: Any) -> Any:
    @functools.wraps(original)
    def invoke(resource: str, arguments: Any, *rest: Any) -> Any:
        frame = current()
        role = frame.ctx["Execution"].get("RoleArn") if frame else None
        if not (frame and role and isinstance(arguments, dict)):
            return original(resource, arguments, *rest)
        name = role.rpartition("/")[2]
        principal = f"arn:aws:sts::{get_account_id()}:assumed-role/{name}/{frame.ctx['Execution']['Name']}"
        _authorize(principal, name, resource, arguments)
        before = caller.set(principal)
        try:
            return original(resource, arguments, *rest)
        finally:
            caller.reset(before)

    return invoke


def _authorize(principal: str, role_name: str, resource: str, arguments: dict[str, Any]) -> None:
    place = Place(get_account_id(), get_region())
    for permission in permissions(resource, arguments, place):
        decision = _decision(permission, principal, role_name, place)
        if decision != "Allow":
            raise stepfunctions._ExecutionError(
                _denial(resource),
                identity_denial_message(
                    permission.action, principal, permission.resource, explicit_deny=decision == "Deny"
                ),
            )


def _decision(permission: Permission, principal: str, role_name: str, place: Place) -> str:
    """Decide by the role's policies and boundary, and by the resource's own policy."""
    context = iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=place.account,
        action=permission.action,
        resource_arn=permission.resource,
        region=place.region,
        service_context={name.lower(): value for name, value in permission.context.items()},
    )
    limits = iam_evaluator._permissions_boundary(iam._roles, role_name, place.account)
    policies = iam_evaluator._gather_role_policies(role_name, place.account)
    result = iam_evaluator.evaluate(context, policies, *limits)
    found = iam_evaluator._resource_policy(permission.action.partition(":")[0], permission.resource)
    if found is not None:
        result = iam_evaluator.combine_resource_policy(result, context, *found, required=False, limits=limits)
    recorded_decisions.record(context, result.decision)
    return str(result.decision)


def _denial(resource: str) -> str:
    if "aws-sdk:" in resource:
        prefix = stepfunctions._prefix_sdk_error(resource.split(":")[6].lower(), "X").removesuffix(".X")
        return f"{prefix}.{prefix}Exception"
    service = "lambda" if ":function:" in resource else resource.split(":")[5]
    return _DENIALS.get(service, "States.TaskFailed")
