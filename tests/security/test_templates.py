"""References of templates become the names and ARNs of deployed resources."""

from security.recordings import normalised
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
