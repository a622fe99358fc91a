"""Lets templates make what the emulator makes through EC2's API alone: rules of security groups, and flow logs.

References
----------
.. [1] Amazon VPC user guide, "Default security groups for your VPCs": their rules.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from ministack.services import ec2
from ministack.services.cloudformation import provisioners

from local_cloud.adapters.patching import require
from local_cloud.adapters.resource_types import register
from local_cloud.settings import ACCOUNT, Settings

_RULES = {"Ingress": "IpPermissions", "Egress": "IpPermissionsEgress"}


def install(settings: Settings) -> None:
    """Register the resource types, unless the emulator has learnt them."""
    require(provisioners, "_ec2_sg_permissions", "rules")
    require(ec2, "_create_flow_logs", "params")
    for direction, member in _RULES.items():
        rules = _Rules(member)
        register(
            f"AWS::EC2::SecurityGroup{direction}",
            create=rules.create,
            update=rules.update,
            delete=rules.delete,
        )
    vpc = provisioners._RESOURCE_HANDLERS["AWS::EC2::VPC"]
    vpc["create"] = _with_default_group(vpc["create"])
    register("AWS::EC2::FlowLog", create=_create_flow_log, update=_keep, delete=_delete_flow_log)


class _Rules:
    """Rules of one direction; `member` is where the emulator keeps them in a group."""

    def __init__(self, member: str) -> None:
        self._member = member

    def create(self, logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, str]]:
        group = ec2._security_groups.get(props["GroupId"])
        if group is None:
            raise ValueError(f"The security group '{props['GroupId']}' does not exist")
        group.setdefault(self._member, []).extend(provisioners._ec2_sg_permissions([props]))
        id = f"sgr-{uuid.uuid4().hex[:17]}"
        return id, {"Id": id}

    def update(
        self, physical_id: str, old_props: dict[str, Any], new_props: dict[str, Any], stack_name: str
    ) -> tuple[str, dict[str, str]]:
        self.delete(physical_id, old_props)
        return self.create(physical_id, new_props, stack_name)

    def delete(self, physical_id: str, props: Mapping[str, Any]) -> None:
        group = ec2._security_groups.get(props["GroupId"], {})
        gone = provisioners._ec2_sg_permissions([props])
        group[self._member] = [rule for rule in group.get(self._member, []) if rule not in gone]


def _with_default_group(create: Any) -> Any:
    """Let the members of a network's default security group reach each other, as AWS makes it; the emulator lets them send alone."""

    def create_vpc(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, str]]:
        id, attributes = create(logical_id, props, stack_name)
        group = attributes["DefaultSecurityGroup"]
        among_itself = {"UserIdGroupPairs": [{"GroupId": group, "UserId": ACCOUNT}]}
        nobody_else: dict[str, Any] = {"IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": []}
        ec2._security_groups[group]["IpPermissions"] = [{"IpProtocol": "-1", **nobody_else, **among_itself}]
        return id, attributes

    return create_vpc


def _create_flow_log(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, str]]:
    if props["ResourceType"] == "VPC" and props["ResourceId"] not in ec2._vpcs:
        raise ValueError(f"The vpc ID '{props['ResourceId']}' does not exist")
    known = set(ec2._flow_logs)
    destination = props.get("LogDestination") or props.get("LogGroupName", "")
    ec2._create_flow_logs(
        {
            "ResourceId.1": [props["ResourceId"]],
            "ResourceType": [props["ResourceType"]],
            "TrafficType": [props.get("TrafficType", "ALL")],
            "LogDestinationType": [props.get("LogDestinationType", "cloud-watch-logs")],
            "LogDestination": [destination],
        }
    )
    made = (set(ec2._flow_logs) - known).pop()
    return made, {"Id": made}


def _keep(
    physical_id: str, old_props: dict[str, Any], new_props: dict[str, Any], stack_name: str
) -> tuple[str, dict[str, str]]:
    return physical_id, {"Id": physical_id}


def _delete_flow_log(physical_id: str, props: dict[str, Any]) -> None:
    ec2._flow_logs.pop(physical_id, None)
