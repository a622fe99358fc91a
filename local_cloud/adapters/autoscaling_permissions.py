"""Who may call Application Auto Scaling, and the role under which it scales.

References
----------
.. [1] Service authorization reference, "Actions, resources, and condition keys for AWS Application Auto Scaling".
.. [2] Application Auto Scaling user guide, "Service-linked roles for Application Auto Scaling".
.. [3] Application Auto Scaling user guide, "Permissions validation for API calls on target resources", and "Permissions required
   for actions on target services and CloudWatch": the caller's own, at ``RegisterScalableTarget``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ministack.core import iam_actions
from ministack.core.responses import request_scope
from ministack.services import iam

from local_cloud.adapters import further_permissions
from local_cloud.adapters.patching import replace
from local_cloud.autoscaling.service import ROLE, ROLE_SERVICE, role_arn
from local_cloud.settings import ACCOUNT, REGION

_NAME = "application-autoscaling"
_REQUEST = "service method path headers body query_params region account_id"


def authorise() -> None:
    """Tell IAM which action a request is, on which resource, and what its conditions look at."""
    iam_actions.SERVICE_TO_IAM_NAMESPACE[_NAME] = _NAME
    replace(iam_actions, "extract_resource_arn", _REQUEST, _with_target)
    replace(iam_actions, "request_tag_context", "service iam_action body params", _with_scope)


def _with_target(original: Any) -> Any:
    def resource_arn(service: str, *request: Any) -> str:
        if service != _NAME:
            found: str = original(service, *request)
            return found
        _, _, headers, _, _, region, account = request
        describes = ".Describe" in headers.get("x-amz-target", "")  # which has no resource
        return "*" if describes else f"arn:aws:{_NAME}:{region}:{account}:scalable-target/random"

    return resource_arn


def _with_scope(original: Any) -> Any:
    def context(service: str, iam_action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = original(service, iam_action, body, params)
        if service != _NAME:
            return found
        request = json.loads(body or b"{}")
        return {
            **found,
            f"{_NAME}:service-namespace": request.get("ServiceNamespace", ""),
            f"{_NAME}:scalable-dimension": request.get("ScalableDimension", ""),
        }

    return context


def make_role(headers: dict[str, str], query: dict[str, Any]) -> Any:
    """Make the role under which AWS scales endpoints, at the account's first target; return the refusal, if there is one."""
    with request_scope(ACCOUNT, REGION):
        if ROLE in iam._roles:
            return None
    needed = ("iam:CreateServiceLinkedRole", role_arn(ACCOUNT))
    refused = further_permissions.refusal(_NAME, needed, headers, query, {"iam:AWSServiceName": ROLE_SERVICE})
    if refused:
        return refused
    trust = {"Effect": "Allow", "Principal": {"Service": ROLE_SERVICE}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    path = f"/aws-service-role/{ROLE_SERVICE}/"
    with request_scope(ACCOUNT, REGION):
        iam._create_role({"RoleName": ROLE, "Path": path, "AssumeRolePolicyDocument": document})
    return None


def missing(target: str, config: str, headers: dict[str, str], query: dict[str, Any]) -> str | None:
    """Return what the caller may not do whom AWS asks for it before anything scales; None if nothing is missing.

    Parameters
    ----------
    target : str
        ``ResourceId``: ``endpoint/<endpoint>/variant/<variant>``.
    config : str
        Name of the endpoint's configuration.
    headers, query : dict
        Of the request: they say who calls.
    """
    for permission in _asked(target, config):
        if further_permissions.refusal(_NAME, permission, headers, query):
            return f"is not authorized to perform: {permission[0]} on resource: {permission[1]}"
    return None


def _asked(target: str, config: str) -> Iterator[tuple[str, str]]:
    endpoint = f"endpoint/{target.split('/')[1]}"
    for action, resource in (
        ("DescribeEndpoint", endpoint),
        ("DescribeEndpointConfig", f"endpoint-config/{config}"),
        ("UpdateEndpointWeightsAndCapacities", endpoint),
    ):
        yield f"sagemaker:{action}", f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{resource}"
    yield "cloudwatch:DescribeAlarms", "*"
    alarm = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:TargetTracking-{target}-AlarmHigh"
    yield from ((f"cloudwatch:{action}", alarm) for action in ("PutMetricAlarm", "DeleteAlarms"))
