"""Tells IAM which SageMaker action a request is, and on which resource; the emulator does not know the service.

References
----------
.. [1] Service authorization reference, "Actions, resources, and condition keys for Amazon SageMaker".
"""

from __future__ import annotations

import json
import re
from typing import Any

from ministack.core import iam_actions

from local_cloud.adapters.patching import replace
from local_cloud.settings import Settings

_REQUEST = "service method path headers body query_params region account_id"
_RESOURCES = {
    "TrainingJob": "training-job",
    "ProcessingJob": "processing-job",
    "TransformJob": "transform-job",
    "HyperParameterTuningJob": "hyper-parameter-tuning-job",
    "Model": "model",
    "EndpointConfig": "endpoint-config",
    "Endpoint": "endpoint",
    "EndpointWeightsAndCapacities": "endpoint",
    "ModelPackageGroup": "model-package-group",
    "ModelPackage": "model-package",
}
_OPERATION = re.compile(r"^(Create|Describe|Update|Delete|Stop)([A-Z]\w+)$")


def install(settings: Settings) -> None:
    """Answer for SageMaker where the emulator asks for action and resource."""
    replace(iam_actions, "extract_iam_action", "service method path headers body query_params", _with_action)
    replace(iam_actions, "extract_resource_arn", _REQUEST, _with_resource)


def _with_action(original: Any) -> Any:
    def action(service: str, method: str, path: str, headers: dict[str, str], *rest: Any) -> str | None:
        if service != "sagemaker":
            found: str | None = original(service, method, path, headers, *rest)
            return found
        return f"sagemaker:{_operation(path, headers)}"

    return action


def _with_resource(original: Any) -> Any:
    def resource(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any
    ) -> str:
        if service != "sagemaker":
            found: str = original(service, method, path, headers, body, *rest)
            return found
        _, region, account = rest
        name = sagemaker_resource(_operation(path, headers), path, body)
        return (
            name if name == "*" or name.startswith("arn:") else f"arn:aws:sagemaker:{region}:{account}:{name}"
        )

    return resource


def sagemaker_resource(operation: str, path: str, body: bytes) -> str:
    """Return the resource part of the ARN that `operation` is authorised on, an ARN, or ``*``.

    Examples
    --------
    >>> sagemaker_resource("CreateModel", "/", b'{"ModelName": "m"}')
    'model/m'
    >>> sagemaker_resource("InvokeEndpoint", "/endpoints/e/invocations", b"1,2")
    'endpoint/e'
    >>> sagemaker_resource(
    ...     "ListTrainingJobsForHyperParameterTuningJob", "/", b'{"HyperParameterTuningJobName": "t"}'
    ... )
    'hyper-parameter-tuning-job/t'
    """
    if operation.startswith("InvokeEndpoint"):
        return f"endpoint/{path.split('/')[2]}"
    request = json.loads(body or b"{}")
    if operation in ("AddTags", "ListTags", "DeleteTags"):
        return str(request.get("ResourceArn", "*"))
    if operation == "ListTrainingJobsForHyperParameterTuningJob":  # authorised on the tuning job
        operation = "DescribeHyperParameterTuningJob"
    match = _OPERATION.match(operation)
    if not match or match[2] not in _RESOURCES:
        return "*"
    if operation == "CreateModelPackage":  # authorised on the group, whose versions have no names yet
        return _named("model-package-group", request.get("ModelPackageGroupName", "*"))
    noun = match[2].removesuffix("WeightsAndCapacities")
    name = request.get(f"{noun}Name") or request.get(f"{noun}Arn") or "*"
    return _named(_RESOURCES[match[2]], name)


def _named(kind: str, name: str) -> str:
    return name if name.startswith("arn:") or name == "*" else f"{kind}/{name}"


def _operation(path: str, headers: dict[str, str]) -> str:
    if path.startswith("/endpoints/"):
        return "InvokeEndpointAsync" if path.endswith("/async-invocations") else "InvokeEndpoint"
    return headers.get("x-amz-target", "").rsplit(".", 1)[-1]
