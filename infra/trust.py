"""Whom roles trust that constructs of the CDK have made."""

from __future__ import annotations

from typing import cast

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn


def trust_rules_of_this_account(machine: sfn.IStateMachine) -> None:
    """Narrow the role under which the CDK lets rules start `machine`, once it is the target of one."""
    trust_only_this_account(cast("iam.IRole", machine.node.find_child("EventsRole")))


def trust_only_this_account(role: iam.IRole | None) -> None:
    """Let a service take on `role` on behalf of resources of this account alone, and of no other customer's.

    References
    ----------
    .. [1] IAM user guide, "The confused deputy problem": ``aws:SourceAccount``.
    """
    resource = role.node.default_child if role is not None else None
    if isinstance(resource, iam.CfnRole):
        resource.add_property_override(
            "AssumeRolePolicyDocument.Statement.0.Condition",
            {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
        )
