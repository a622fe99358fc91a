"""A stricter rule on wildcards than that of the packs, which finds fault with every prefix of a bucket.

Each wildcard must have a reason that can be checked: what stands before it bounds it to a part of something of the pipeline, or
the action has no resources that one could name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from policy_sentry.querying.actions import get_action_data

from security.checks.deployed import Deployed, Grant, role_of
from security.checks.rules.rule import of_deployments

_ARN_PARTS = 6
_ASKS_FOR_ALL = {"cloudwatch:DescribeAlarms"}
"""CloudWatch API reference, DescribeAlarms: who asks with a narrower permission is told of no composite alarms. It only reads."""

_OF_JOBS_IN_A_NETWORK = {
    f"ec2:{verb}NetworkInterface{noun}" for verb in ("Create", "Delete") for noun in ("", "Permission")
}
"""SageMaker developer guide, "How to use SageMaker AI execution roles": what a role needs whose job or model is in a VPC, on ``*``.
SageMaker makes and removes the interfaces; a container that is isolated from the network has no credentials."""

_EMPTYING = {"s3:DeleteObject", "s3:DeleteObjectVersion"}
_OF_VARIANTS = {
    "application-autoscaling:service-namespace",
    "application-autoscaling:scalable-dimension",
}
_SIZES = "sagemaker:UpdateEndpointWeightsAndCapacities"
"""Application Auto Scaling gives targets random ids. SageMaker developer guide, "Auto scaling policies: prerequisites", says what
who registers a variant has to be allowed on the endpoint: its size."""

_OF_FUNCTIONS = "lambda:sourcefunctionarn"


@dataclass(frozen=True, order=True)
class Wildcard:
    """A wildcard of a policy, and what bounds it; empty if nothing does."""

    path: str
    what: str
    bound: str


def wildcards(deployed: Deployed) -> list[Wildcard]:
    """Return all wildcards of what roles are allowed."""
    denied = {
        (grant.role, action)
        for grant in deployed.grants
        if grant.statement["Effect"] == "Deny" and _OF_FUNCTIONS in grant.conditions
        for action in grant.actions
    }
    found = []
    for grant in deployed.grants:
        if grant.statement["Effect"] != "Allow":
            continue
        for what, bound in _bounds(deployed, grant):
            kept = all((grant.role, action) in denied for action in grant.actions)
            found.append(Wildcard(grant.path, what, bound or "denied to the function's code" * kept))
    return sorted(set(found))


@of_deployments
def wildcards_are_bounded(deployed: Deployed) -> Iterator[tuple[str, str]]:
    """Allow no family of actions, and of resources only a part of what is the pipeline's, unless the action knows no resources."""
    yield from ((one.path, one.what) for one in wildcards(deployed) if not one.bound)


def _bounds(deployed: Deployed, grant: Grant) -> Iterator[tuple[str, str]]:
    """Yield each wildcard of a statement with what bounds it, or with nothing."""
    for action in grant.actions:
        if "*" in action:
            yield action, ""
    for resource in grant.resources:
        if resource == "*":
            named = sorted(
                a for a in grant.actions if "*" not in a and a not in _ASKS_FOR_ALL and has_resources(a)
            )
            yield f"{', '.join(named or grant.actions)} on *", _bound_of_all(grant, named)
        elif "*" in resource:
            yield resource, bound(resource, grant.pipeline) or _bound_beside(deployed, grant, resource)


def _bound_of_all(grant: Grant, named: Sequence[str]) -> str:
    """Return what bounds ``*``; `named` are the actions that know resources."""
    if not named:
        return "an action without resources"
    if grant.services == {"sagemaker.amazonaws.com"} and _OF_JOBS_IN_A_NETWORK.issuperset(named):
        return "what SageMaker asks for in a network"
    return ""


def _bound_beside(deployed: Deployed, grant: Grant, resource: str) -> str:
    """Return what bounds an ARN with a wildcard beside what it says itself: conditions, and what the pipeline consists of."""
    if _EMPTYING.issuperset(grant.actions) and resource in _emptied_by(deployed, grant.role):
        return "a bucket of the pipeline, to empty it"
    if (
        resource.endswith(":scalable-target/*")
        and grant.conditions >= _OF_VARIANTS
        and _sizes(deployed, grant.role)
    ):
        return "the sizes of one endpoint"
    return ""


def _emptied_by(deployed: Deployed, role: str) -> set[str]:
    """Return the objects of all buckets that a role is there to empty, by a custom resource that names them, before they are deleted."""
    functions = {
        deployed.arn(function)
        for function in deployed.of_type("AWS::Lambda::Function")
        if role_of(function) == role
    }
    return {
        f"arn:aws:s3:::{bucket}/*"
        for custom in deployed.of_type("Custom::EmptyBuckets")
        if custom.properties["ServiceToken"] in functions
        for bucket in custom.properties["BucketNames"]
    }


def _sizes(deployed: Deployed, role: str) -> bool:
    """Tell whether a role may change the size of named endpoints alone, which AWS asks of whoever registers a scalable target of one."""
    named = [
        resource
        for grant in deployed.grants
        if grant.role == role and _SIZES in grant.actions
        for resource in grant.resources
    ]
    return bool(named) and not any("*" in resource for resource in named)


def bound(resource: str, pipeline: str) -> str:
    """Return what bounds an ARN with a wildcard: the part before it, or nothing.

    Examples
    --------
    >>> bound("arn:aws:s3:::price-data.Data/raw/*", "price")
    'a prefix of a bucket'
    >>> bound("arn:aws:s3:::price-data.Data/*", "price"), bound("arn:aws:s3:::*/raw/*", "price")
    ('', '')
    >>> bound("arn:aws:sagemaker:us-east-1:123456789012:training-job/headrace-price-*", "price")
    "a prefix of the pipeline's"
    >>> bound("arn:aws:sagemaker:us-east-1:123456789012:endpoint/headrace-price*", "price")
    ''
    """
    parts = resource.partition("*")[0].split(":", _ARN_PARTS - 1)
    if len(parts) < _ARN_PARTS:
        return ""
    name = parts[-1]
    if re.fullmatch(r"log-group:[^*]+:", name):
        return "the streams of one log group"
    if not re.search(rf"(^|[-_/:.]){re.escape(pipeline)}[-_/:.]", name):
        return ""
    if parts[2] == "s3":
        return "a prefix of a bucket" if re.search(r"/[^/]+/", name) else ""
    return "a prefix of the pipeline's"


@cache
def has_resources(action: str) -> bool:
    """Tell whether one can say on which resources an action is allowed, by AWS's service authorization reference.

    An action that is not known there is taken to have some.

    Examples
    --------
    >>> has_resources("s3:GetObject"), has_resources("ecr:GetAuthorizationToken")
    (True, False)
    """
    service, _, name = action.partition(":")
    data = get_action_data(service, name)
    if not data:
        return True
    return any(row["resource_arn_format"] != "*" for row in data[service])
