"""References of templates become the names and ARNs of deployed resources."""

import pytest

from security.recordings import normalised, pipeline_of, request
from security.templates import Templates

DATA = {
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {}},
        "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/aws/ours"}},
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": "sts:AssumeRole",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                        }
                    ]
                }
            },
        },
    },
    "Outputs": {"Out": {"Value": {"Fn::GetAtt": ["Bucket", "Arn"]}, "Export": {"Name": "p-data:bucket"}}},
}
TEMPLATES = Templates({"p-data": DATA, "p-training": {"Resources": {}}})


def test_references_are_resolved_across_stacks():
    objects = {"Fn::Join": ["", [{"Fn::ImportValue": "p-data:bucket"}, "/raw/*"]]}

    assert TEMPLATES.resolve("p-training", objects) == "arn:aws:s3:::p-data.Bucket/raw/*"
    assert TEMPLATES.resolve("p-data", {"Ref": "Queue"}).endswith("/123456789012/p-data.Queue")
    assert TEMPLATES.arn("p-data", "Group") == "arn:aws:logs:us-east-1:123456789012:log-group:/aws/ours:*"


def test_a_recording_names_what_the_templates_name():
    lines = [
        '{"stack": "p-data", "logical": "Bucket", "physical": "p-data-bucket-0a1b2c3d4e5f"}',
        '{"stack": "p-data", "logical": "Role", "physical": "p-data-Role-77A1B2C3D4E5"}',
        '{"role": "p-data-Role-77A1B2C3D4E5", "action": "s3:GetObject", "context": {"aws:tagkeys": []}, "decision": "Allow",'
        ' "resource": "arn:aws:s3:::p-data-bucket-0a1b2c3d4e5f/training/headrace-p-261130-174117-e077611a-0/model.tar.gz"}',
        '{"role": "cdk-deploy-role", "action": "s3:PutObject", "context": {}, "decision": "Allow", "resource": "*"}',
    ]

    assert normalised(lines, TEMPLATES) == [
        {
            "role": "p-data.Role",
            "action": "s3:GetObject",
            "resource": "arn:aws:s3:::p-data.Bucket/training/headrace-p-260131-120000-00000000-0/model.tar.gz",
            "context": {},
            "allowed": True,
        }
    ]


def test_what_has_an_id_instead_of_a_name_has_one_as_long_as_those_of_aws():
    subnets = {name: {"Type": "AWS::EC2::Subnet", "Properties": {}} for name in ("A", "B")}
    templates = Templates({"p-data": {"Resources": subnets}})

    first, second = templates.resolve("p-data", [{"Ref": "A"}, {"Ref": "B"}])

    assert first.startswith("subnet-")
    assert len(first) == len("subnet-0123456789abcdef0")
    assert first != second
    assert templates.resolve("p-data", {"Fn::Select": [1, {"Fn::GetAZs": ""}]}) == "us-east-1b"


def role(**more):
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    properties = {"AssumeRolePolicyDocument": {"Statement": [trust]}, **more}
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def managed(action, **more):
    document = {"Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}}
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document, **more}}


def test_managed_policies_and_boundaries_count():
    resources = {
        "Reads": managed("s3:*"),
        "Writes": managed("s3:PutObject", Roles=[{"Ref": "Role"}]),
        "Boundary": managed("s3:GetObject"),
        "Role": role(ManagedPolicyArns=[{"Ref": "Reads"}]),
        "Limited": role(ManagedPolicyArns=[{"Ref": "Reads"}], PermissionsBoundary={"Ref": "Boundary"}),
    }
    policies = Templates({"p": {"Resources": resources}}).policies()

    def may(name, action):
        return policies.allow(request(f"arn:aws:iam::123456789012:role/p.{name}", action, "arn:aws:s3:::b/1"))

    assert may("Role", "s3:PutObject")
    assert may("Role", "s3:DeleteObject")
    assert may("Limited", "s3:GetObject")
    assert not may("Limited", "s3:DeleteObject")


def test_a_policy_that_is_not_in_the_templates_cannot_be_judged():
    of_aws = "arn:aws:iam::aws:policy/AdministratorAccess"
    templates = Templates({"p": {"Resources": {"Role": role(ManagedPolicyArns=[of_aws])}}})

    with pytest.raises(ValueError, match="AdministratorAccess, which is in none of the templates"):
        templates.policies()


def test_mappings_are_looked_up():
    templates = Templates({"p": {"Resources": {}, "Mappings": {"Accounts": {"us-east-1": {"id": "1"}}}}})

    assert templates.resolve("p", {"Fn::FindInMap": ["Accounts", {"Ref": "AWS::Region"}, "id"]}) == "1"


def test_a_recording_says_of_which_pipeline_it_is():
    lines = [
        '{"role": "r"}',
        '{"pipeline": {"name": "p", "database": {"table": "t", "ca_certificates": "c"}}}',
    ]

    assert pipeline_of(lines) == {"name": "p", "database": {"table": "t"}}
