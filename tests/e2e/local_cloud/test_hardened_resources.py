"""Resources of hardened stacks, made from a template: what they refuse, as AWS does."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.e2e.cloud import ACCOUNT, REGION, code_archive, eventually


@pytest.fixture
def stack(client, name):
    """Make a stack of some resources, and delete it afterwards."""
    cloudformation = client("cloudformation")

    def make(resources, outputs):
        template = {
            "Resources": resources,
            "Outputs": {key: {"Value": value} for key, value in outputs.items()},
        }
        cloudformation.create_stack(
            StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
        )
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


def test_in_a_bucket_that_locks_nothing_a_version_is_kept_while_it_is_on_hold(client, stack):
    properties = {"ObjectLockEnabled": True, "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}
    bucket = stack(
        {"Data": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "Properties": properties}},
        {"Name": {"Ref": "Data"}},
    )["Name"]
    s3 = client("s3")
    free, held = (
        s3.put_object(Bucket=bucket, Key=key, Body=b"rows")["VersionId"] for key in ("free", "held")
    )
    s3.put_object_legal_hold(Bucket=bucket, Key="held", VersionId=held, LegalHold={"Status": "ON"})

    s3.delete_object(Bucket=bucket, Key="free", VersionId=free)

    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key="held", VersionId=held)
    s3.put_object_legal_hold(Bucket=bucket, Key="held", VersionId=held, LegalHold={"Status": "OFF"})
    s3.delete_object(Bucket=bucket, Key="held", VersionId=held)
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)


def test_a_web_acl_stands_before_a_stage_that_a_template_makes(client, stack):
    seen = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "acl"}
    acl = {
        "Name": "guarded",
        "Scope": "REGIONAL",
        "DefaultAction": {"Allow": {}},
        "VisibilityConfig": seen,
    }
    api = {"RestApiId": {"Ref": "Api"}}
    method = {
        "ResourceId": {"Fn::GetAtt": ["Api", "RootResourceId"]},
        "HttpMethod": "GET",
        "AuthorizationType": "NONE",
    }
    parts = [
        "arn:aws:apigateway:",
        {"Ref": "AWS::Region"},
        "::/restapis/",
        {"Ref": "Api"},
        "/stages/",
        {"Ref": "Stage"},
    ]
    stage = {"Fn::Join": ["", parts]}
    made = stack(
        {
            "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "guarded"}},
            "Method": {
                "Type": "AWS::ApiGateway::Method",
                "Properties": {**api, **method, "Integration": {"Type": "MOCK"}},
            },
            "Deployment": {"Type": "AWS::ApiGateway::Deployment", "Properties": api, "DependsOn": "Method"},
            "Stage": {
                "Type": "AWS::ApiGateway::Stage",
                "Properties": {**api, "DeploymentId": {"Ref": "Deployment"}, "StageName": "live"},
            },
            "Acl": {"Type": "AWS::WAFv2::WebACL", "Properties": acl},
            "Firewall": {
                "Type": "AWS::WAFv2::WebACLAssociation",
                "Properties": {"ResourceArn": stage, "WebACLArn": {"Fn::GetAtt": ["Acl", "Arn"]}},
            },
        },
        {"Stage": stage, "Acl": {"Fn::GetAtt": ["Acl", "Arn"]}},
    )

    found = client("wafv2").get_web_acl_for_resource(ResourceArn=made["Stage"])["WebACL"]["ARN"]

    assert found == made["Acl"]


def failure(client, name, resources):
    """Return why a stack of some resources cannot be made."""
    cloudformation = client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))

    def ended():
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]

    eventually(ended, lambda status: not status.endswith("_IN_PROGRESS"))
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    cloudformation.delete_stack(StackName=name)
    return [event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "CREATE_FAILED"]


def trail(name, *statements):
    """Return a bucket with a policy of these statements, and a trail for it."""
    bucket, policy = {"Ref": "Bucket"}, {"Bucket": {"Ref": "Bucket"}}
    return {
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Policy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": policy | {"PolicyDocument": {"Version": "2012-10-17", "Statement": [*statements]}},
        },
        "Trail": {
            "Type": "AWS::CloudTrail::Trail",
            "DependsOn": "Policy",
            "Properties": {"S3BucketName": bucket, "IsLogging": True, "TrailName": name},
        },
    }


def allowing(action, resource, **conditions):
    return {
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": action,
        "Resource": {"Fn::Sub": resource},
        **({"Condition": {"StringEquals": conditions}} if conditions else {}),
    }


LOOKING = allowing("s3:GetBucketAcl", "${Bucket.Arn}")
FILES = "${Bucket.Arn}/AWSLogs/${AWS::AccountId}/*"


def test_a_trail_is_made_with_its_name_and_logs(client, name, stack):
    ours = {"aws:SourceArn": f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/trail-{name}"}
    acl = {"s3:x-amz-acl": "bucket-owner-full-control", **ours}
    resources = trail(f"trail-{name}", LOOKING, allowing("s3:PutObject", FILES, **acl))

    arn = stack(resources, {"Arn": {"Fn::GetAtt": ["Trail", "Arn"]}})["Arn"]

    assert client("cloudtrail").get_trail(Name=arn)["Trail"]["Name"] == f"trail-{name}"
    assert client("cloudtrail").get_trail_status(Name=arn)["IsLogging"]


@pytest.mark.parametrize(
    "statements",
    [
        (LOOKING,),
        (
            LOOKING,
            allowing("s3:PutObject", FILES, **{"aws:SourceArn": "arn:aws:cloudtrail:us-east-1:1:trail/x"}),
        ),
        (allowing("s3:PutObject", FILES),),
    ],
)
def test_a_trail_whose_bucket_does_not_let_cloudtrail_write_is_refused(client, name, statements):
    (reason,) = failure(client, name, trail(f"trail-{name}", *statements))

    assert "InsufficientS3BucketPolicyException" in reason


def test_a_policy_can_demand_that_objects_are_put_only_where_there_are_none(client, cloud, stack):
    denied = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
        "Condition": {"Null": {"s3:if-none-match": "true"}},
    }
    resources = trail("unused", denied)
    del resources["Trail"]
    bucket = stack(resources, {"Name": {"Ref": "Bucket"}})["Name"]
    s3 = cloud.as_role({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})("s3")

    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    s3.put_object(Bucket=bucket, Key="a", Body=b"1", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=bucket, Key="a", Body=b"2", IfNoneMatch="*")
    client("s3").delete_object(Bucket=bucket, Key="a")


def allow(action, resource):
    return {"Effect": "Allow", "Action": f"dynamodb:{action}", "Resource": resource}


def test_a_function_whose_role_may_not_read_a_tables_stream_is_not_mapped_to_it(client, cloud, name):
    keys = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}
    table = client("dynamodb").create_table(
        TableName=name,
        **keys,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    stream = f"{table['TableArn']}/stream/*"
    reading = [allow(action, stream) for action in ("DescribeStream", "GetRecords", "GetShardIterator")]
    for allowed, refused in ((reading, True), ([*reading, allow("ListStreams", "*")], False)):
        function = f"{name}-{len(allowed)}"
        client("lambda").create_function(
            FunctionName=function,
            Role=cloud.role(*allowed, principal="lambda"),
            Runtime="python3.14",
            Handler="main.handler",
            Code={"ZipFile": code_archive("def handler(event, context): pass")},
        )
        mapping = {
            "FunctionName": function,
            "EventSourceArn": table["LatestStreamArn"],
            "StartingPosition": "LATEST",
        }
        if refused:
            with pytest.raises(ClientError, match="Cannot access stream"):
                client("lambda").create_event_source_mapping(**mapping)
        else:
            client("lambda").create_event_source_mapping(**mapping)


def test_a_policy_that_lets_one_role_alone_write_goes_by_the_role_and_not_by_its_session(
    client, cloud, stack
):
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    arn = cloud.role(everything, principal=root)
    denied = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": [arn]}},
    }
    resources = trail("unused", denied)
    del resources["Trail"]
    bucket = stack(resources, {"Name": {"Ref": "Bucket"}})["Name"]
    taken = client("sts").assume_role(RoleArn=arn, RoleSessionName="one")["Credentials"]
    keys = taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"]

    boto3.Session(*keys, REGION).client("s3", endpoint_url=cloud.endpoint).put_object(
        Bucket=bucket, Key="a", Body=b"1"
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        cloud.as_role(everything)("s3").put_object(Bucket=bucket, Key="b", Body=b"1")
    client("s3").delete_object(Bucket=bucket, Key="a")


def test_a_role_may_do_what_its_managed_policy_says_and_no_more(cloud, client, stack, name):
    account = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": account}
    bucket = f"{name}-bucket"
    may = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/incoming/*"}
    made = stack(
        {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}},
            },
            "Policy": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": [may]},
                    "Roles": [{"Ref": "Role"}],
                },
            },
        },
        {"Arn": {"Fn::GetAtt": ["Role", "Arn"]}, "Policy": {"Ref": "Policy"}},
    )
    client("s3").create_bucket(Bucket=bucket)
    s3 = cloud.taking(made["Arn"])("s3")

    s3.put_object(Bucket=bucket, Key="incoming/1.csv", Body=b"1")

    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=bucket, Key="curated/1.csv", Body=b"1")
    client("cloudformation").delete_stack(StackName=name)
    client("cloudformation").get_waiter("stack_delete_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    with pytest.raises(ClientError, match="NoSuchEntity"):
        client("iam").get_policy(PolicyArn=made["Policy"])


def test_members_of_a_networks_default_security_group_reach_each_other_until_that_is_revoked(client, stack):
    network = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.9.0.0/16"}}
    group = stack({"Network": network}, {"Group": {"Fn::GetAtt": ["Network", "DefaultSecurityGroup"]}})[
        "Group"
    ]
    ec2 = client("ec2")

    def rules():
        return ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]

    (rule,) = rules()
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule])

    assert [pair["GroupId"] for pair in rule["UserIdGroupPairs"]] == [group]
    assert rules() == []
