"""Resources of hardened stacks, made from a template: what they refuse, as AWS does."""

import json

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def stack(client, name):
    """Make a stack of some resources, and delete it afterwards."""
    cloudformation = client("cloudformation")

    def make(resources, outputs):
        template = {
            "Resources": resources,
            "Outputs": {key: {"Value": value} for key, value in outputs.items()},
        }
        cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
        found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
        return {output["OutputKey"]: output["OutputValue"] for output in found}

    yield make
    cloudformation.delete_stack(StackName=name)


def test_a_record_in_a_locked_bucket_cannot_be_deleted(client, stack):
    lock = {"Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}}
    properties = {
        "ObjectLockEnabled": True,
        "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", **lock},
    }
    bucket = stack(
        {"Records": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "Properties": properties}},
        {"Name": {"Ref": "Records"}},
    )["Name"]
    s3 = client("s3")

    version = s3.put_object(Bucket=bucket, Key="record", Body=b"it was so")["VersionId"]

    assert s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"] == {
        "ObjectLockEnabled": "Enabled",
        **lock,
    }
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key="record", VersionId=version, BypassGovernanceRetention=True)
