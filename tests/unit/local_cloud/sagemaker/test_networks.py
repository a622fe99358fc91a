"""Subnets and security groups of jobs and models are looked at in the name of the role."""

import pytest
from botocore.exceptions import ClientError

from local_cloud.sagemaker.errors import ApiError
from local_cloud.sagemaker.networks import check_network

VPC_OF = {"subnet-1": "vpc-1", "subnet-2": "vpc-1", "sg-1": "vpc-1", "sg-other": "vpc-2"}


class Ec2:
    """EC2 as a role sees it, which may be not at all."""

    def __init__(self, allowed=True):
        self._allowed = allowed

    def client(self, service):
        assert service == "ec2"
        return self

    def describe_subnets(self, *, SubnetIds):  # noqa: N803 - AWS's name
        return {"Subnets": self._found(SubnetIds, "SubnetId")}

    def describe_security_groups(self, *, GroupIds):  # noqa: N803 - AWS's name
        return {"SecurityGroups": self._found(GroupIds, "GroupId")}

    def describe_vpcs(self, *, VpcIds):  # noqa: N803 - AWS's name
        return {"Vpcs": VpcIds}

    def _found(self, ids, name):
        if not self._allowed:
            error = {"Code": "UnauthorizedOperation", "Message": "You are not authorized."}
            raise ClientError({"Error": error}, "Describe")
        return [{name: id, "VpcId": VPC_OF[id]} for id in ids if id in VPC_OF]


def request(subnets, groups):
    return {"VpcConfig": {"Subnets": subnets, "SecurityGroupIds": groups}}


def test_a_network_that_is_there_is_taken_wherever_the_request_names_it():
    training = request(["subnet-1", "subnet-2"], ["sg-1"])

    check_network(Ec2(), training)
    check_network(Ec2(), {"NetworkConfig": training})
    check_network(Ec2(allowed=False), {"NetworkConfig": {"EnableNetworkIsolation": True}})


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (request(["subnet-1", "subnet-3"], ["sg-1"]), "there is no subnet subnet-3"),
        (request(["subnet-1"], ["sg-2"]), "there is no security group sg-2"),
        (request(["subnet-1"], ["sg-other"]), "are of vpc-1, vpc-2, and not of one VPC"),
    ],
)
def test_a_network_that_cannot_be_is_refused(asked, told):
    with pytest.raises(ApiError, match=told):
        check_network(Ec2(), asked)


def test_a_role_that_may_not_look_cannot_use_a_network():
    with pytest.raises(ApiError, match="You are not authorized"):
        check_network(Ec2(allowed=False), request(["subnet-1"], ["sg-1"]))
