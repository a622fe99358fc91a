"""A limit that a platform team sets on all roles of a pipeline: ``cdk deploy -c permissions_boundary=<name or ARN>``."""

from __future__ import annotations

import re

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

CONTEXT_KEY = "permissions_boundary"

_ARN = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]{1,512}")
_NAME = re.compile(r"[\w+=,.@/-]{1,512}")


def apply_permissions_boundary(stack: Stack) -> None:
    """Put the boundary that the context names, if it names one, on every role of `stack`.

    Raises
    ------
    SystemExit
        If what the context has is neither the name nor the ARN of a managed policy.
    """
    given = stack.node.try_get_context(CONTEXT_KEY)
    if given is None:
        return
    if isinstance(given, str) and _ARN.fullmatch(given):
        policy = iam.ManagedPolicy.from_managed_policy_arn(stack, "PermissionsBoundary", given)
    elif isinstance(given, str) and _NAME.fullmatch(given):
        policy = iam.ManagedPolicy.from_managed_policy_name(stack, "PermissionsBoundary", given)
    else:
        raise SystemExit(
            f"-c {CONTEXT_KEY}={given}: is neither the name nor the ARN of a managed policy of IAM, such as headrace-boundary"
        )
    iam.PermissionsBoundary.of(stack).apply(policy)
