"""What services ask for in the name of roles follows from the templates."""

from security.administrator import administrated, granted, with_administrator
from security.administrator import refused as tried_in_vain
from security.further_needs import from_networked_functions
from security.mutants import mutants
from security.needs import Needs
from security.policies import Policies, statements
from security.probes import halves, probes
from security.recordings import request
from security.templates import Templates

ROLE = "arn:aws:iam::123456789012:role/p.Role"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:p.Queue"
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
FUNCTION = {
    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
    "LoggingConfig": {"LogGroup": "group"},
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k",
}


def templates(**more):
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": [TRUST]}}}
    return Templates({"p": {"Resources": {"Role": role, **more}}})


def function(**more):
    return {"Type": "AWS::Lambda::Function", "Properties": {**FUNCTION, **more}}


def asked_by_the_role(found):
    return {(r.action, r.resource) for r in found if r.principal == ROLE}


def test_lambda_polls_queues_and_streams_in_the_name_of_functions():
    stream = "arn:aws:kinesis:us-east-1:123456789012:stream/s"
    sources = {
        name: {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {"FunctionName": {"Ref": "Function"}, "EventSourceArn": arn},
        }
        for name, arn in (("OfQueue", QUEUE), ("OfStream", stream))
    }

    found = asked_by_the_role(Needs(templates(Function=function(), **sources)).all([]))

    assert {action for action, arn in found if arn == QUEUE} == {
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
    }
    assert ("kinesis:GetRecords", stream) in found
    assert ("kinesis:SubscribeToShard", stream) not in found


def test_lambda_and_not_the_code_connects_functions_to_a_network():
    described = templates(Function=function(VpcConfig={"SubnetIds": ["subnet-1"]}))

    assert ("ec2:CreateNetworkInterface", "*") in asked_by_the_role(Needs(described).all([]))
    refused = {probe.context["lambda:sourcefunctionarn"] for probe in from_networked_functions(described)}
    assert refused == {("arn:aws:lambda:us-east-1:123456789012:function:p.Function",)}


def test_a_model_package_is_asked_for_with_its_group():
    package = "arn:aws:sagemaker:us-east-1:123456789012:model-package/rides/3"

    found = Needs(templates()).all([request(ROLE, "sagemaker:CreateModelPackage", package)])

    group = package.replace(":model-package/", ":model-package-group/").removesuffix("/3")
    assert ("sagemaker:CreateModelPackage", group) in asked_by_the_role(found)


def test_what_a_queue_denies_it_denies_to_administrators_too():
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    denies = {"Effect": "Deny", "Action": "sqs:*", "Resource": QUEUE, "Principal": "*", "Condition": plain}
    policies = with_administrator(Policies({}, {QUEUE: statements({"Statement": denies})}))

    [looks] = administrated(policies)

    assert policies.allow(looks)
    assert not policies.allow(request(looks.principal, looks.action, QUEUE, {"aws:SecureTransport": "false"}))


def test_a_topic_calls_the_functions_that_subscribe_to_it():
    topic = "arn:aws:sns:us-east-1:123456789012:p.Topic"
    given = {"Protocol": "lambda", "TopicArn": topic, "Endpoint": {"Fn::GetAtt": ["Function", "Arn"]}}
    subscription = {"Type": "AWS::SNS::Subscription", "Properties": given}
    described = templates(Function=function(), Subscription=subscription)

    [call] = [r for r in Needs(described).all([]) if r.principal == "sns.amazonaws.com"]

    assert (call.action, call.context["aws:sourcearn"]) == ("lambda:InvokeFunction", (topic,))


def test_a_key_that_nobody_hands_on_is_proved_by_what_it_leaves_to_aws():
    key = "arn:aws:kms:us-east-1:123456789012:key/k"
    nobody = {"kms:GrantIsForAWSResource": "false", "aws:PrincipalIsAWSService": "false"}
    own = [
        {"Effect": "Allow", "Action": "kms:*", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
        {
            "Effect": "Deny",
            "Action": "kms:CreateGrant",
            "Principal": "*",
            "Condition": {"BoolIfExists": nobody},
        },
    ]
    document = {"Statement": [{**statement, "Resource": "*"} for statement in own]}
    policies = with_administrator(Policies({}, {key: statements(document, key)}))
    needed = granted(policies)
    tried = probes(needed)

    changes = mutants(policies, needed, tried)

    assert [c.what for c in changes if c.killed_by is None] == []
    assert sorted(c.kind for c in changes) == ["condition", "condition", "permission", "permission"]
    assert [probe for probe in tried if policies.allow(probe)] == []


def test_a_trail_delivers_into_its_bucket_under_its_key_and_writes_its_log_under_a_role():
    trail = {
        "TrailName": "headrace-p",
        "S3BucketName": "calls",
        "KMSKeyId": "arn:aws:kms:us-east-1:123456789012:key/k",
        "CloudWatchLogsLogGroupArn": "arn:aws:logs:us-east-1:123456789012:log-group:g:*",
        "CloudWatchLogsRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
    }
    described = templates(Trail={"Type": "AWS::CloudTrail::Trail", "Properties": trail})

    found = Needs(described).all([])

    asked = {
        r.action for r in found if r.context.get("aws:sourcearn", ("",))[0].endswith(":trail/headrace-p")
    }
    wanted = {"s3:GetBucketAcl", "s3:PutObject", "kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey"}
    stream = "arn:aws:logs:us-east-1:123456789012:log-group:g:log-stream:123456789012_CloudTrail_us-east-1"
    assert asked == wanted
    assert asked_by_the_role(found) == {("logs:CreateLogStream", stream), ("logs:PutLogEvents", stream)}


def test_what_a_bucket_keeps_to_one_role_an_administrator_tries_in_vain():
    entries = "arn:aws:s3:::ledger/ledger/*"
    puts = {"Effect": "Deny", "Action": "s3:PutObject", "Resource": entries, "Principal": "*"}
    one = {**puts, "Condition": {"ArnNotEquals": {"aws:PrincipalArn": ROLE}}}
    over = {**puts, "Condition": {"Null": {"s3:if-none-match": "true"}}}
    allows = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": entries}
    policies = with_administrator(
        Policies(
            {ROLE: statements({"Statement": allows})},
            {"arn:aws:s3:::ledger": statements({"Statement": [one, over]})},
        )
    )
    needed = [request(ROLE, "s3:PutObject", "arn:aws:s3:::ledger/ledger/1", {"s3:if-none-match": "*"})]

    changes = mutants(policies, needed, [*tried_in_vain(policies), *halves(needed)])

    of_bucket = [c for c in changes if c.owner == "arn:aws:s3:::ledger"]
    assert policies.allow(needed[0])
    assert len(of_bucket) == 4
    assert [c.what for c in of_bucket if c.killed_by is None] == []


def test_what_hardens_has_needs_of_its_own():
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/t"
    selection = {"IamRoleArn": {"Fn::GetAtt": ["Role", "Arn"]}, "Resources": [arn]}
    key = "arn:aws:kms:us-east-1:123456789012:key/k"
    flow_log = {"DeliverLogsPermissionArn": {"Fn::GetAtt": ["Role", "Arn"]}, "LogGroupName": "g"}
    described = templates(
        Function=function(TracingConfig={"Mode": "Active"}, DeadLetterConfig={"TargetArn": QUEUE}),
        Vault={"Type": "AWS::Backup::BackupVault", "Properties": {"EncryptionKeyArn": key}},
        Selection={"Type": "AWS::Backup::BackupSelection", "Properties": {"BackupSelection": selection}},
        Log={"Type": "AWS::EC2::FlowLog", "Properties": flow_log},
    )

    found = asked_by_the_role(Needs(described).all([]))

    vault = "arn:aws:backup:us-east-1:123456789012:backup-vault:p.Vault"
    assert {
        ("xray:PutTraceSegments", "*"),
        ("sqs:SendMessage", QUEUE),
        ("dynamodb:StartAwsBackupJob", arn),
        ("backup:CopyIntoBackupVault", vault),
        ("kms:CreateGrant", key),
        ("logs:DescribeLogStreams", "arn:aws:logs:us-east-1:123456789012:log-group:g:log-stream:s"),
    } <= found
