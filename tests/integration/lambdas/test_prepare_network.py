import json
from types import SimpleNamespace

import boto3
import pytest

from headrace.aws import custom_resource
from lambdas.prepare_network import handler as prepare_network

CONTEXT = SimpleNamespace(log_group_name="group", get_remaining_time_in_millis=lambda: 60_000)


class Ec2:
    """EC2 with the prefix lists of its region; moto has those of none."""

    def __init__(self, client, **lists):
        self._client, self._lists = client, lists

    def __getattr__(self, name):
        return getattr(self._client, name)

    def describe_prefix_lists(self, *, Filters):  # noqa: N803 - AWS's name
        (asked,) = Filters
        assert asked["Name"] == "prefix-list-name"
        return {
            "PrefixLists": [
                {"PrefixListId": id, "PrefixListName": name}
                for name, id in self._lists.items()
                if name in asked["Values"]
            ]
        }


@pytest.fixture
def ec2(account):
    lists = {"com.amazonaws.us-east-1.s3": "pl-63a5400a", "com.amazonaws.us-east-1.dynamodb": "pl-02cd2c6b"}
    return Ec2(boto3.client("ec2", region_name="us-east-1"), **lists)


@pytest.fixture
def group(ec2):
    """The default security group of a new network."""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/24")["Vpc"]["VpcId"]
    mine = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    return ec2.describe_security_groups(Filters=mine)["SecurityGroups"][0]["GroupId"]


def request(kind, group, region="us-east-1"):
    return {
        "RequestType": kind,
        "ResponseURL": "https://answer",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Prepared",
        "ResourceProperties": {"DefaultSecurityGroupId": group, "Region": region},
    }


def rules(ec2, group):
    found = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    return found["IpPermissions"] + found["IpPermissionsEgress"]


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_the_default_group_is_closed_and_the_services_are_found(ec2, group, kind):
    assert rules(ec2, group)

    found = prepare_network.prepare_network(request(kind, group), ec2)

    assert found == {"S3PrefixListId": "pl-63a5400a", "DynamoDbPrefixListId": "pl-02cd2c6b"}
    assert rules(ec2, group) == []


def test_a_closed_group_stays_closed(ec2, group):
    for _ in range(2):
        prepare_network.prepare_network(request("Update", group), ec2)

    assert rules(ec2, group) == []


def test_nothing_is_done_when_the_network_goes(ec2, group):
    assert prepare_network.prepare_network(request("Delete", group), ec2) == {}
    assert rules(ec2, group)


def test_a_region_without_a_prefix_list_is_a_failure_that_says_so(ec2, group, monkeypatch):
    sent = []
    monkeypatch.setattr(custom_resource, "_put", lambda _, body: sent.append(json.loads(body)))
    monkeypatch.setattr(prepare_network.boto3, "client", lambda _: ec2)

    prepare_network.handler(request("Create", group, region="mars-1"), CONTEXT)

    assert sent[0]["Status"] == "FAILED"
    assert "com.amazonaws.mars-1.s3" in sent[0]["Reason"]
