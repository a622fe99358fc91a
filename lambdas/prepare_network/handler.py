"""Close the default security group of a new network, and find the addresses of S3 and DynamoDB, for CloudFormation."""

from __future__ import annotations

from typing import Any

import boto3

from headrace.aws.custom_resource import Context, answer
from headrace.ml.privacy.redaction import redact_errors

_SERVICES = {"S3PrefixListId": "s3", "DynamoDbPrefixListId": "dynamodb"}


class NoPrefixListError(Exception):
    """The region has no prefix list of a service; the text says of which."""


def prepare_network(event: dict[str, Any], ec2: Any) -> dict[str, str]:
    """Prepare the network on creation and update, and return prefix lists by attribute; do nothing on deletion."""
    if event["RequestType"] == "Delete":
        return {}
    asked = event["ResourceProperties"]
    close_security_group(ec2, asked["DefaultSecurityGroupId"])
    return {name: prefix_list(ec2, asked["Region"], service) for name, service in _SERVICES.items()}


def close_security_group(ec2: Any, group_id: str) -> None:
    """Take away every rule of a group, so that whatever is put into it by mistake reaches nothing and nobody."""
    group = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]
    if group["IpPermissions"]:
        ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=group["IpPermissions"])
    if group["IpPermissionsEgress"]:
        ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=group["IpPermissionsEgress"])


def prefix_list(ec2: Any, region: str, service: str) -> str:
    """Return the prefix list of a service's addresses in a region.

    Raises
    ------
    NoPrefixListError
        If AWS has none.
    """
    name = f"com.amazonaws.{region}.{service}"
    found = ec2.describe_prefix_lists(Filters=[{"Name": "prefix-list-name", "Values": [name]}])["PrefixLists"]
    if not found:
        raise NoPrefixListError(f"EC2 knows no prefix list {name}")
    return str(found[0]["PrefixListId"])


@redact_errors
def handler(event: dict[str, Any], context: Context) -> None:
    """Lambda entry point: tell CloudFormation how it went."""
    answer(event, context, lambda: prepare_network(event, boto3.client("ec2")))
