"""Says which permissions a task of a state machine needs of the state machine's role.

References
----------
.. [1] Step Functions developer guide, "How Step Functions generates IAM policies for integrated services".
.. [2] Service authorization reference: the actions, resources and condition keys of each service.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """An account in a region."""

    account: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource here.

        >>> Place("123456789012", "us-east-1").arn("sns", "topic")
        'arn:aws:sns:us-east-1:123456789012:topic'
        """
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def full(self, service: str, kind: str, name: str) -> str:
        """Return the ARN of a resource that is given by its name, or by its ARN already."""
        return name if name.startswith("arn:") else self.arn(service, f"{kind}{name}")


@dataclass(frozen=True)
class Permission:
    """An action on a resource, with what conditions may ask for."""

    action: str
    resource: str
    context: Mapping[str, Any] = field(default_factory=dict)


_INTEGRATION = re.compile(
    r"arn:aws:states:::(?P<sdk>aws-sdk:)?(?P<service>\w+):(?P<action>\w+)(?P<pattern>\..*)?"
)


def permissions(resource: str, arguments: Arguments, place: Place) -> list[Permission]:
    """List what a task's role must be allowed to do.

    Parameters
    ----------
    resource : str
        The task's ``Resource``.
    arguments : mapping
        The task's arguments, evaluated.
    place : Place
        Where the state machine is.

    Returns
    -------
    list of Permission
        Empty for services that are not known here: those tasks are not checked.

    Examples
    --------
    >>> place = Place("123456789012", "us-east-1")
    >>> [needed] = permissions("arn:aws:states:::lambda:invoke", {"FunctionName": "clean"}, place)
    >>> needed.action, needed.resource
    ('lambda:InvokeFunction', 'arn:aws:lambda:us-east-1:123456789012:function:clean')
    """
    if ":function:" in resource:
        return [Permission("lambda:InvokeFunction", resource)]
    integration = _INTEGRATION.fullmatch(resource)
    service = integration["service"].lower() if integration else ""
    if integration is None or service not in _SERVICES:
        return []
    waits = (integration["pattern"] or "").startswith(".sync")
    return list(_SERVICES[service](integration["action"], arguments, place, waits))


def _operation(action: str) -> str:
    return action[:1].upper() + action[1:]


def _lambda(action: str, arguments: Arguments, place: Place, waits: bool) -> Iterator[Permission]:
    if action == "invoke":
        function = place.full("lambda", "function:", str(arguments.get("FunctionName", "")))
        yield Permission("lambda:InvokeFunction", function)


def _sqs(action: str, arguments: Arguments, place: Place, waits: bool) -> Iterator[Permission]:
    queue = str(arguments.get("QueueUrl", "")).rpartition("/")[2]
    yield Permission(f"sqs:{_operation(action)}", place.arn("sqs", queue))


def _sns(action: str, arguments: Arguments, place: Place, waits: bool) -> Iterator[Permission]:
    if "TopicArn" in arguments:
        yield Permission(f"sns:{_operation(action)}", str(arguments["TopicArn"]))


def _dynamodb(action: str, arguments: Arguments, place: Place, waits: bool) -> Iterator[Permission]:
    if "TableName" in arguments:
        table = place.full("dynamodb", "table/", str(arguments["TableName"]))
        yield Permission(f"dynamodb:{_operation(action)}", table)


def _events(action: str, arguments: Arguments, place: Place, waits: bool) -> Iterator[Permission]:
    for entry in arguments.get("Entries", []) if action == "putEvents" else []:
        bus = place.full("events", "event-bus/", entry.get("EventBusName") or "default")
        context = {"events:source": entry.get("Source"), "events:detail-type": entry.get("DetailType")}
        yield Permission("events:PutEvents", bus, context)


def _states(action: str, arguments: Arguments, place: Place, waits: bool) -> Iterator[Permission]:
    if action == "startExecution":
        yield Permission("states:StartExecution", str(arguments.get("StateMachineArn", "")))
        if waits:
            yield from _watching_rule(place, "StepFunctionsGetEventsForStepFunctionsExecutionRule")


def _watching_rule(place: Place, name: str) -> Iterator[Permission]:
    """Step Functions learns of an end by a rule, which it makes in the name of the role."""
    for action in ("PutRule", "PutTargets", "DescribeRule"):
        yield Permission(f"events:{action}", place.arn("events", f"rule/{name}"))


# --- SageMaker: the parameter that names a resource, by the noun of the operation

_SAGEMAKER_RESOURCES = {
    "TrainingJob": ("TrainingJobName", "training-job"),
    "ProcessingJob": ("ProcessingJobName", "processing-job"),
    "TransformJob": ("TransformJobName", "transform-job"),
    "HyperParameterTuningJob": ("HyperParameterTuningJobName", "hyper-parameter-tuning-job"),
    "Model": ("ModelName", "model"),
    "EndpointConfig": ("EndpointConfigName", "endpoint-config"),
    "Endpoint": ("EndpointName", "endpoint"),
    "EndpointWeightsAndCapacities": ("EndpointName", "endpoint"),
    "ModelPackageGroup": ("ModelPackageGroupName", "model-package-group"),
}
_WATCHED = {
    "TrainingJob": "TrainingJobs",
    "ProcessingJob": "ProcessingJobs",
    "TransformJob": "TransformJobs",
    "HyperParameterTuningJob": "TuningJobs",
}
_VERB = re.compile(r"(Create|Describe|Update|Delete|Stop)(\w+)")


def _sagemaker(action: str, arguments: Arguments, place: Place, waits: bool) -> Iterator[Permission]:
    operation = _operation(action)
    verb = _VERB.fullmatch(operation)
    noun = verb[2] if verb else ""
    own = list(_sagemaker_arns(operation, noun, arguments, place))
    yield from (Permission(f"sagemaker:{operation}", arn) for arn in own)
    if arguments.get("Tags"):
        yield from (Permission("sagemaker:AddTags", arn) for arn in own[:1])
        if noun == "HyperParameterTuningJob":  # whose tags go on to its trials
            trial = f"training-job/{arguments.get('HyperParameterTuningJobName')}-001-00000000"
            yield Permission("sagemaker:AddTags", place.arn("sagemaker", trial))
    definition = arguments.get("TrainingJobDefinition") or {}
    for role in (arguments.get("RoleArn"), arguments.get("ExecutionRoleArn"), definition.get("RoleArn")):
        if role:
            yield Permission("iam:PassRole", role, {"iam:PassedToService": "sagemaker.amazonaws.com"})
    if waits and noun in _WATCHED:
        yield from (Permission(f"sagemaker:{v}{noun}", arn) for v in ("Describe", "Stop") for arn in own)
        yield from _watching_rule(place, f"StepFunctionsGetEventsForSageMaker{_WATCHED[noun]}Rule")


def _sagemaker_arns(operation: str, noun: str, arguments: Arguments, place: Place) -> Iterator[str]:
    if "ModelPackageArn" in arguments:
        yield str(arguments["ModelPackageArn"])
    elif noun in _SAGEMAKER_RESOURCES:
        parameter, kind = _SAGEMAKER_RESOURCES[noun]
        yield place.arn("sagemaker", f"{kind}/{arguments.get(parameter, '')}".lower())
    if operation in ("CreateEndpoint", "UpdateEndpoint"):
        yield place.arn("sagemaker", f"endpoint-config/{arguments.get('EndpointConfigName', '')}".lower())
    if operation == "CreateModelPackage" and "ModelPackageGroupName" in arguments:
        yield place.arn("sagemaker", f"model-package/{arguments['ModelPackageGroupName']}/1".lower())


# --- S3, by the few operations whose action has another name

_S3_ACTIONS = {"headObject": "GetObject", "listObjectsV2": "ListBucket", "listObjects": "ListBucket"}


def _s3(action: str, arguments: Arguments, place: Place, waits: bool) -> Iterator[Permission]:
    bucket = f"arn:aws:s3:::{arguments.get('Bucket', '')}"
    resource = f"{bucket}/{arguments['Key']}" if "Key" in arguments else bucket
    yield Permission(f"s3:{_S3_ACTIONS.get(action, _operation(action))}", resource)


def _glue(action: str, arguments: Arguments, place: Place, waits: bool) -> Iterator[Permission]:
    job = place.arn("glue", f"job/{arguments.get('JobName', '')}")
    # Step Functions learns of the end of a run by asking, and stops it when the execution is stopped.
    watching = ("GetJobRun", "GetJobRuns", "BatchStopJobRun") if waits else ()
    yield from (Permission(f"glue:{operation}", job) for operation in (_operation(action), *watching))


def _cloudwatch(action: str, arguments: Arguments, place: Place, waits: bool) -> Iterator[Permission]:
    if action == "putMetricData":
        context = {"cloudwatch:namespace": arguments.get("Namespace")}
        yield Permission("cloudwatch:PutMetricData", "*", context)


_SERVICES: dict[str, Callable[[str, Arguments, Place, bool], Iterator[Permission]]] = {
    "lambda": _lambda,
    "sqs": _sqs,
    "sns": _sns,
    "dynamodb": _dynamodb,
    "events": _events,
    "eventbridge": _events,
    "states": _states,
    "sfn": _states,
    "sagemaker": _sagemaker,
    "s3": _s3,
    "cloudwatch": _cloudwatch,
    "glue": _glue,
}
