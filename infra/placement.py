"""Puts functions, jobs and models into subnets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Acknowledgment, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

_INTERFACES_OF_FUNCTIONS = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
]
_INTERFACES_OF_JOBS = [
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
]
_REASON = "Network interfaces are named when the service makes them, and listing them has no resources."


@dataclass(frozen=True)
class Placement:
    """Subnets and security groups, by their ids.

    Parameters
    ----------
    subnets, security_groups : sequence of str
        Of one VPC.
    """

    subnets: Sequence[str]
    security_groups: Sequence[str]

    @property
    def vpc_config(self) -> dict[str, Any]:
        """What jobs and models of SageMaker take.

        Examples
        --------
        >>> Placement(["subnet-1"], ["sg-1"]).vpc_config
        {'VpcConfig': {'Subnets': ['subnet-1'], 'SecurityGroupIds': ['sg-1']}}
        """
        return {"VpcConfig": {"Subnets": list(self.subnets), "SecurityGroupIds": list(self.security_groups)}}


def place_function(function: lambda_.Function, placement: Placement) -> None:
    """Attach `function` to the subnets and security groups of `placement`.

    Lambda makes and removes the function's network interfaces with the function's role, so the role must be allowed to;
    the second statement keeps the same from the function's code.

    References
    ----------
    .. [1] Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC": the permissions, and
       the denial by ``lambda:SourceFunctionArn``.
    """
    resource = function.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)
    # The L2 takes a whole Vpc, which can only be looked up with credentials.
    resource.vpc_config = lambda_.CfnFunction.VpcConfigProperty(
        subnet_ids=list(placement.subnets), security_group_ids=list(placement.security_groups)
    )
    allowed = _policy(
        function, "NetworkInterfaces", iam.PolicyStatement(actions=_INTERFACES_OF_FUNCTIONS, resources=["*"])
    )
    # Lambda tries the permissions when the function is created.
    resource.node.add_dependency(allowed)
    _policy(
        function,
        "NoInterfacesForCode",
        iam.PolicyStatement(
            effect=iam.Effect.DENY,
            actions=_INTERFACES_OF_FUNCTIONS,
            resources=["*"],
            conditions={"ArnEquals": {"lambda:SourceFunctionArn": function.function_arn}},
        ),
    )


def _policy(function: lambda_.Function, id: str, statement: iam.PolicyStatement) -> iam.Policy:
    assert function.role is not None
    policy = iam.Policy(function, id, statements=[statement], roles=[function.role])
    Validations.of(policy).acknowledge(Acknowledgment(id="AwsSolutions-IAM5", reason=_REASON))
    return policy


def allow_job_interfaces(role: iam.Role) -> None:
    """Allow SageMaker to connect the jobs and models of `role` with subnets. A container that is isolated cannot use it.

    References
    ----------
    .. [1] SageMaker developer guide, "How to use SageMaker AI execution roles", the permissions for a private VPC.
    """
    statement = iam.PolicyStatement(actions=_INTERFACES_OF_JOBS, resources=["*"])
    policy = iam.Policy(role, "NetworkInterfaces", statements=[statement], roles=[role])
    Validations.of(policy).acknowledge(Acknowledgment(id="AwsSolutions-IAM5", reason=_REASON))
