"""Puts a function into the user's network, where a private database can be reached."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from headrace.config.database import DatabaseNetwork as Network

_INTERFACES = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
]


def place_in_network(function: lambda_.Function, network: Network) -> None:
    """Attach `function` to the subnets and security groups of `network`.

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
        subnet_ids=list(network.subnets), security_group_ids=list(network.security_groups)
    )
    allowed = _policy(
        function, "NetworkInterfaces", iam.PolicyStatement(actions=_INTERFACES, resources=["*"])
    )
    # Lambda tries the permissions when the function is created.
    resource.node.add_dependency(allowed)
    _policy(
        function,
        "NoInterfacesForCode",
        iam.PolicyStatement(
            effect=iam.Effect.DENY,
            actions=_INTERFACES,
            resources=["*"],
            conditions={"ArnEquals": {"lambda:SourceFunctionArn": function.function_arn}},
        ),
    )


def _policy(function: lambda_.Function, id: str, statement: iam.PolicyStatement) -> iam.Policy:
    assert function.role is not None
    policy = iam.Policy(function, id, statements=[statement], roles=[function.role])
    reason = "Network interfaces are named when Lambda makes them, and listing them has no resources."
    Validations.of(policy).acknowledge(Acknowledgment(id="AwsSolutions-IAM5", reason=reason))
    return policy
