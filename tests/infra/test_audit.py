"""The audit ledger and the trail: who may write what, judged by the policies of the templates; and nothing without the switch."""

import json

import pytest
from aws_cdk.assertions import Match, Template

from security.policies import Request
from security.templates import Templates
from tests.infra.pipeline_stacks import stacks

ON = {"audit": {"ledger": True, "cloudtrail": True, "keep_days": 400}}
LOCKED = {**ON, "on_destroy": "retain", "retention": {"object_lock_days": 365, "mode": "compliance"}}


def template(options):
    return Template.from_stack(stacks(json.dumps(options))[0])


def of_type(options, kind, part=""):
    return {name: found for name, found in template(options).find_resources(kind).items() if part in name}


class Judged:
    """The policies of a data stack, and what they say about requests for entries of the ledger."""

    def __init__(self, options):
        self.templates = Templates({"bike-data": template(options).to_json()})
        self.policies = self.templates.policies()
        (self.bucket,) = (self.arn(name) for name in of_type(options, "AWS::S3::Bucket", "AuditLedger"))
        self.roles = {name: self.arn(name) for name in of_type(options, "AWS::IAM::Role")}
        (self.writer,) = (arn for name, arn in self.roles.items() if "WriteAudit" in name)

    def arn(self, name):
        return self.templates.arn("bike-data", name)

    def allow(self, role, action, key="ledger/000000000001.json", **context):
        keys = {"aws:principalarn": (role,), "aws:securetransport": ("true",)}
        given = {name.replace("_", "-"): (value,) for name, value in context.items()}
        put_only_new = {f"s3:{name}": value for name, value in given.items()}
        return self.policies.allow(Request(role, action, f"{self.bucket}/{key}", {**keys, **put_only_new}))


@pytest.fixture(scope="module", params=["delete", "retain"])
def judged(request):
    return Judged(LOCKED if request.param == "retain" else ON)


def test_the_writer_puts_an_entry_only_where_there_is_none_and_reads_entries(judged):
    assert judged.allow(judged.writer, "s3:PutObject", if_none_match="*")
    assert judged.allow(judged.writer, "s3:GetObject")
    assert not judged.allow(judged.writer, "s3:PutObject")


def test_nobody_else_puts_an_entry_and_nobody_deletes_one_but_what_empties_the_bucket(judged):
    putting = [
        name for name, role in judged.roles.items() if judged.allow(role, "s3:PutObject", if_none_match="*")
    ]
    deleting = {
        name
        for name, role in judged.roles.items()
        for action in ("s3:DeleteObject", "s3:DeleteObjectVersion")
        if judged.allow(role, action)
    }

    assert [judged.roles[name] for name in putting] == [judged.writer]
    assert not {name for name in deleting if "EmptyOnDelete" not in name}
    assert not judged.allow(judged.writer, "s3:DeleteObjectVersion")


def test_the_policy_denies_whoever_has_all_permissions_of_the_account(judged):
    admin = "arn:aws:iam::123456789012:role/admin"
    said = [
        statement
        for statement in judged.policies.resources[judged.bucket]
        if statement.effect == "Deny" and statement.names(admin)
    ]

    def denied(action, **keys):
        context = {"aws:principalarn": (admin,), "aws:securetransport": ("true",)} | {
            name: (value,) for name, value in keys.items()
        }
        request = Request(admin, action, f"{judged.bucket}/ledger/000000000001.json", context)
        return any(statement.applies(request) for statement in said)

    assert denied("s3:PutObject", **{"s3:if-none-match": "*"})
    assert denied("s3:DeleteObject")
    assert denied("s3:DeleteObjectVersion")
    assert not denied("s3:GetObject")


def test_the_function_is_told_of_lines_and_of_nothing_else():
    (mapping,) = of_type(ON, "AWS::Lambda::EventSourceMapping", "Audit").values()

    patterns = [json.loads(each["Pattern"]) for each in mapping["Properties"]["FilterCriteria"]["Filters"]]
    keys = [pattern["dynamodb"]["Keys"] for pattern in patterns]
    assert [(key["pk"]["S"], key["sk"]["S"]) for key in keys] == [
        (["release"], [{"prefix": "entry#"}]),
        (["training"], [{"prefix": "run#"}]),
        (["audit"], [{"prefix": "line#"}]),
    ]
    assert "OnFailure" in mapping["Properties"]["DestinationConfig"]
    (table,) = of_type(ON, "AWS::DynamoDB::Table", "Ledger").values()
    assert table["Properties"]["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}


def test_the_function_is_told_of_every_change_of_a_package_and_reads_packages_of_this_group_alone(judged):
    (rule,) = of_type(ON, "AWS::Events::Rule", "Audit").values()
    described = "sagemaker:DescribeModelPackage"
    of_group = "arn:aws:sagemaker:us-east-1:123456789012:model-package/headrace-{}/1"

    assert rule["Properties"]["EventPattern"] == {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": ["headrace-bike"]},
    }
    (target,) = rule["Properties"]["Targets"]
    assert target["DeadLetterConfig"]
    assert [
        judged.policies.allow(Request(judged.writer, described, of_group.format(name), {}))
        for name in ("bike", "rides")
    ] == [True, False]
    writing = ("sagemaker:UpdateModelPackage", "sagemaker:DeleteModelPackage")
    assert not any(
        judged.policies.allow(Request(judged.writer, action, of_group.format("bike"), {}))
        for action in writing
    )


def test_the_trail_has_what_happens_to_the_pipelines_data_and_not_to_its_own_files():
    (trail,) = of_type(ON, "AWS::CloudTrail::Trail").values()
    (calls,) = of_type(ON, "AWS::S3::Bucket", "AuditCalls")
    properties = trail["Properties"]

    kinds = [
        next(
            (f["Equals"][0] for f in chosen["FieldSelectors"] if f["Field"] == "resources.type"), "management"
        )
        for chosen in properties["AdvancedEventSelectors"]
    ]
    assert kinds == [
        "management",
        "AWS::S3::Object",
        "AWS::DynamoDB::Table",
        "AWS::Lambda::Function",
        "AWS::SageMaker::Endpoint",
    ]
    assert calls not in json.dumps(properties["AdvancedEventSelectors"])
    assert (properties["EnableLogFileValidation"], properties["IsLogging"]) == (True, True)
    assert properties["KMSKeyId"] == {"Fn::GetAtt": [the_key(), "Arn"]}
    assert any("AuditCallsPolicy" in name for name in trail["DependsOn"])


def the_key():
    """Return the logical id of the pipeline's key."""
    (key,) = of_type(ON, "AWS::KMS::Key")
    return key


def test_the_trails_files_are_kept_as_long_as_the_pipeline_file_says_and_locked():
    (bucket,) = of_type(LOCKED, "AWS::S3::Bucket", "AuditCalls").values()
    properties = bucket["Properties"]

    assert {"ExpirationInDays": 400, "Id": "ForgetCalls", "Status": "Enabled"} in properties[
        "LifecycleConfiguration"
    ]["Rules"]
    assert properties["ObjectLockConfiguration"]["Rule"]["DefaultRetention"] == {
        "Days": 365,
        "Mode": "COMPLIANCE",
    }
    assert bucket["DeletionPolicy"] == "Retain"


def test_cloudtrail_writes_for_this_trail_alone():
    template(ON).has_resource_properties(
        "AWS::S3::BucketPolicy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [
                        Match.object_like(
                            {
                                "Action": "s3:PutObject",
                                "Principal": {"Service": "cloudtrail.amazonaws.com"},
                                "Condition": {
                                    "StringEquals": {
                                        "aws:SourceArn": Match.any_value(),
                                        "s3:x-amz-acl": "bucket-owner-full-control",
                                    }
                                },
                            }
                        )
                    ]
                )
            }
        },
    )


def test_whatever_writes_is_deleted_before_the_buckets_are_emptied_and_emptying_comes_before_the_buckets():
    (emptying,) = of_type(ON, "Custom::EmptyBuckets")
    emptied = of_type(ON, "Custom::EmptyBuckets")[emptying]
    writing = {
        **of_type(ON, "AWS::CloudTrail::Trail"),
        **of_type(ON, "AWS::Lambda::EventSourceMapping", "Audit"),
        **of_type(ON, "Custom::AuditedSettings"),
    }

    assert {name for name, each in writing.items() if emptying not in each["DependsOn"]} == set()
    assert set(of_type(ON, "AWS::S3::Bucket", "Audit")) <= set(emptied["DependsOn"])


def test_a_legal_hold_that_is_set_or_lifted_changes_what_the_function_is_told():
    def told(privacy):
        (settings,) = of_type({**LOCKED, **privacy}, "Custom::AuditedSettings").values()
        return settings["Properties"]["LegalHold"], settings["Properties"]["PipelineSha256"]

    without, held = told({}), told({"privacy": {"legal_hold": "lawsuit"}})
    assert (without[0], held[0]) == ("", "lawsuit")
    assert without[1] != held[1]


def test_without_the_switch_there_is_nothing_of_it():
    data = template({})

    data.resource_count_is("AWS::CloudTrail::Trail", 0)
    assert not of_type({}, "AWS::Lambda::EventSourceMapping", "Audit")
    assert not of_type({}, "AWS::S3::Bucket", "Audit")
    assert "StreamSpecification" not in json.dumps(of_type({}, "AWS::DynamoDB::Table"))
    assert "AuditBucketName" not in data.find_outputs("*")
