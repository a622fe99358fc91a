"""Subnets and security groups of jobs and models: they must be there, of one VPC, and visible to the role.

SageMaker looks at them, and makes network interfaces in them, in the name of the role. Nothing runs in them here.

References
----------
.. [1] SageMaker API reference, ``VpcConfig``.
.. [2] SageMaker developer guide, "How to use SageMaker AI execution roles", the permissions for a private VPC.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from local_cloud.sagemaker.errors import invalid
from local_cloud.sagemaker.surroundings import RoleSession


def check_network(session: RoleSession, request: dict[str, Any]) -> None:
    """Refuse a request whose network the role cannot see, or that has none such; the words are ours."""
    config = request.get("VpcConfig") or request.get("NetworkConfig", {}).get("VpcConfig")
    if not config:
        return
    ec2 = session.client("ec2")
    try:
        subnets = ec2.describe_subnets(SubnetIds=config["Subnets"])["Subnets"]
        groups = ec2.describe_security_groups(GroupIds=config["SecurityGroupIds"])["SecurityGroups"]
        vpcs = sorted({found["VpcId"] for found in [*subnets, *groups]})
        ec2.describe_vpcs(VpcIds=vpcs)
    except ClientError as error:
        raise invalid(f"The VpcConfig cannot be used: {error.response['Error']['Message']}") from None
    for kind, asked, found in (
        ("subnet", config["Subnets"], {subnet["SubnetId"] for subnet in subnets}),
        ("security group", config["SecurityGroupIds"], {group["GroupId"] for group in groups}),
    ):
        if missing := sorted(set(asked) - found):
            raise invalid(f"The VpcConfig cannot be used: there is no {kind} {', '.join(missing)}")
    if len(vpcs) > 1:
        raise invalid(
            f"The VpcConfig cannot be used: subnets and security groups are of {', '.join(vpcs)}, and not of one VPC"
        )
