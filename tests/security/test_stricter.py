"""Every stricter rule accepts a template that is right, and refuses each that is right but for one thing."""

import copy
from types import SimpleNamespace

import pytest

from security.checks.checkers import STRICTER_MODULES
from security.checks.deployed import Deployed
from security.checks.findings import Finding
from security.checks.same_questions import SAME_QUESTIONS, question
from security.checks.stricter import deliveries, interfaces, log_buckets, surroundings
from security.checks.stricter.answer import STRICTER, verdicts
from security.templates import ACCOUNT, REGION, Templates

GONE = object()
ASSET = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}/{'0a' * 32}.zip"


def arn(logical):
    return {"Fn::GetAtt": [logical, "Arn"]}


def statement(action, resource, effect="Allow", **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def role(service="lambda.amazonaws.com"):
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return "AWS::IAM::Role", {"AssumeRolePolicyDocument": {"Statement": [trust]}}


def policy(*statements):
    return "AWS::IAM::ManagedPolicy", {
        "Roles": [{"Ref": "Role"}],
        "PolicyDocument": {"Statement": [*statements]},
    }


KEY = ("AWS::KMS::Key", {"EnableKeyRotation": True})
OLD_KEY = ("AWS::KMS::Key", {"EnableKeyRotation": False})
DEAD_LETTERS = (
    "AWS::SQS::Queue",
    {"MessageRetentionPeriod": 1_209_600, "KmsMasterKeyId": arn("Key")},
)
QUEUE = (
    "AWS::SQS::Queue",
    {"RedrivePolicy": {"deadLetterTargetArn": arn("DeadLetters"), "maxReceiveCount": 3}},
)
ALARM = (
    "AWS::CloudWatch::Alarm",
    {
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["DeadLetters", "QueueName"]}}],
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    },
)
LEFT_OVER = {"Key": KEY, "OldKey": OLD_KEY, "DeadLetters": DEAD_LETTERS, "Queue": QUEUE, "Alarm": ALARM}
READ = {
    **LEFT_OVER,
    "Mapping": (
        "AWS::Lambda::EventSourceMapping",
        {"EventSourceArn": arn("Queue"), "FunctionResponseTypes": ["ReportBatchItemFailures"]},
    ),
}
STREAM = ("AWS::Kinesis::Stream", {"StreamEncryption": {"EncryptionType": "KMS", "KeyId": arn("Key")}})
DELIVERED = {
    "Key": KEY,
    "OldKey": OLD_KEY,
    "Stream": STREAM,
    "Delivery": (
        "AWS::KinesisFirehose::DeliveryStream",
        {
            "DeliveryStreamType": "KinesisStreamAsSource",
            "KinesisStreamSourceConfiguration": {"KinesisStreamARN": arn("Stream")},
            "ExtendedS3DestinationConfiguration": {
                "EncryptionConfiguration": {"KMSEncryptionConfig": {"AWSKMSKeyARN": arn("Key")}}
            },
        },
    ),
}
LOGS = {
    "Logs": (
        "AWS::S3::Bucket",
        {
            "VersioningConfiguration": {"Status": "Enabled"},
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
                ]
            },
            "PublicAccessBlockConfiguration": dict.fromkeys(
                ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
            ),
            "LifecycleConfiguration": {"Rules": [{"ExpirationInDays": 365}]},
        },
    ),
    "Data": ("AWS::S3::Bucket", {"LoggingConfiguration": {"DestinationBucketName": {"Ref": "Logs"}}}),
    "More": ("AWS::S3::Bucket", {"LoggingConfiguration": {"DestinationBucketName": {"Ref": "Logs"}}}),
    "LogsPolicy": (
        "AWS::S3::BucketPolicy",
        {
            "Bucket": {"Ref": "Logs"},
            "PolicyDocument": {
                "Statement": [
                    statement(
                        "s3:PutObject",
                        "*",
                        Principal={"Service": "logging.s3.amazonaws.com"},
                        Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}},
                    )
                ]
            },
        },
    ),
    "Role": role(),
    "Policy": policy(statement("s3:GetObject", {"Fn::Join": ["", [arn("Data"), "/*"]]})),
}
GROUP = {"Fn::GetAtt": ["Network", "DefaultSecurityGroup"]}
GROUP_ARN = {"Fn::Join": ["", [f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/", GROUP]]}
CLOSING = ["ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"]
NETWORK = {
    "Network": ("AWS::EC2::VPC", {}),
    "Prepared": (
        "Custom::PreparedNetwork",
        {"ServiceToken": arn("Prepare"), "DefaultSecurityGroupId": GROUP},
    ),
    "Prepare": ("AWS::Lambda::Function", {"Role": arn("Role")}),
    "Role": role(),
    "Policy": policy(statement(CLOSING, GROUP_ARN)),
}
BUILT = {"Build": ("AWS::CodeBuild::Project", {"Source": {"Type": "S3", "Location": ASSET}})}
API = {
    "Api": ("AWS::ApiGateway::RestApi", {}),
    "Method": (
        "AWS::ApiGateway::Method",
        {
            "RestApiId": {"Ref": "Api"},
            "AuthorizationType": "AWS_IAM",
            "Integration": {"Type": "AWS", "Credentials": arn("Role")},
        },
    ),
    "Stage": ("AWS::ApiGateway::Stage", {"RestApiId": {"Ref": "Api"}}),
    "Role": role("apigateway.amazonaws.com"),
}
REACHES = statement("s3:*", {"Fn::Join": ["", [arn("Logs"), "/*"]]})


def with_statement(more):
    return {("Policy", "PolicyDocument", "Statement", 1): more}


CASES = [
    (
        deliveries.dead_letters_are_kept_and_watched,
        "DeadLetters",
        LEFT_OVER,
        {
            "nothing names it": {("Queue", "RedrivePolicy"): GONE},
            "consumes it": {
                ("Mapping",): ("AWS::Lambda::EventSourceMapping", {"EventSourceArn": arn("DeadLetters")})
            },
            "no alarm": {("Alarm", "Threshold"): 100},
            "no alarm goes": {("Alarm", "MetricName"): "NumberOfMessagesSent"},
            "14 days": {("DeadLetters", "MessageRetentionPeriod"): 345_600},
            "not encrypted": {("DeadLetters", "KmsMasterKeyId"): "alias/aws/sqs"},
        },
    ),
    (
        deliveries.failed_messages_go_to_dead_letters,
        "Mapping",
        READ,
        {
            "no queue of the pipeline": {("Mapping", "EventSourceArn"): f"arn:aws:sqs:{REGION}:1:other"},
            "no dead-letter queue": {("Queue", "RedrivePolicy", "deadLetterTargetArn"): "arn:aws:sqs:::gone"},
            "for ever": {("Queue", "RedrivePolicy", "maxReceiveCount"): 1000},
            "batch along": {("Mapping", "FunctionResponseTypes"): []},
        },
    ),
    (
        deliveries.streams_have_the_pipelines_key,
        "Stream",
        DELIVERED,
        {
            "not encrypted": {("Stream", "StreamEncryption"): GONE},
            "not encrypted with": {("Stream", "StreamEncryption", "KeyId"): "alias/foreign"},
            "pipeline's own": {("Stream", "StreamEncryption", "KeyId"): arn("OldKey")},
        },
    ),
    (
        deliveries.deliveries_are_encrypted_throughout,
        "Delivery",
        DELIVERED,
        {
            "not read from a stream": {("Delivery", "DeliveryStreamType"): "DirectPut"},
            "not encrypted": {("Stream", "StreamEncryption"): GONE},
            "what it writes": {("Delivery", "ExtendedS3DestinationConfiguration"): {}},
        },
    ),
    (
        log_buckets.logs_are_delivered_by_s3_alone,
        "Logs",
        LOGS,
        {
            "does not log to it": {("More", "LoggingConfiguration"): GONE},
            "its policy allows": {
                ("LogsPolicy", "PolicyDocument", "Statement", 0, "Principal"): {"AWS": "*"}
            },
            "any account": {("LogsPolicy", "PolicyDocument", "Statement", 0, "Condition"): {}},
            "allows s3:PutObject": with_statement(REACHES),
            "within a year": {("Logs", "LifecycleConfiguration", "Rules", 0, "ExpirationInDays"): 30},
        },
    ),
    (
        log_buckets.logs_are_delivered_by_s3_alone,
        "Data",
        {**LOGS, "Data": ("AWS::S3::Bucket", {})},
        {"no bucket logs to it": {}},
    ),
    (
        log_buckets.logs_are_deleted_by_nobody,
        "Logs",
        LOGS,
        {
            "no versions": {("Logs", "VersioningConfiguration"): GONE},
            "allows s3:DeleteObjectVersion": with_statement(REACHES),
            "does not log to it": {("More", "LoggingConfiguration"): GONE},
        },
    ),
    (
        log_buckets.logs_are_read_by_no_role,
        "Logs",
        LOGS,
        {
            "does not encrypt": {("Logs", "BucketEncryption"): GONE},
            "closed to the public": {("Logs", "PublicAccessBlockConfiguration", "BlockPublicAcls"): False},
            "allows s3:GetObject": with_statement(REACHES),
            "does not log to it": {("More", "LoggingConfiguration"): GONE},
        },
    ),
    (
        surroundings.default_groups_are_closed,
        "Network",
        NETWORK,
        {
            "nothing closes": {("Prepared", "DefaultSecurityGroupId"): "sg-other"},
            "may not do so": {("Policy", "PolicyDocument", "Statement", 0, "Action"): CLOSING[:1]},
            "change other groups": {("Policy", "PolicyDocument", "Statement", 0, "Resource"): "*"},
        },
    ),
    (
        surroundings.outside_is_what_prepares_the_network,
        "Prepare",
        NETWORK,
        {
            "prepares no network": {("Prepared", "ServiceToken"): "arn:aws:lambda:::function:other"},
            "lets it be called": {("Call",): ("AWS::Lambda::Permission", {"FunctionName": arn("Prepare")})},
            "allows s3:GetObject": with_statement(statement("s3:GetObject", "arn:aws:s3:::data/*")),
        },
    ),
    (
        surroundings.sources_are_archives_by_their_hash,
        "Build",
        BUILT,
        {
            "its source is GITHUB": {("Build", "Source", "Type"): "GITHUB"},
            "its source is S3": {("Build", "Source", "Location"): "somebodys-bucket/source.zip"},
            "credentials": {("Build", "Source", "Auth"): {"Type": "OAUTH"}},
            "another source": {("Build", "SecondarySources"): [{"Type": "S3"}]},
            "from outside": {("Build", "Triggers"): {"Webhook": True}},
        },
    ),
    (
        interfaces.callers_sign_with_iam,
        "Method",
        API,
        {
            "authorised by NONE": {("Method", "AuthorizationType"): "NONE"},
            "p-data/Open": {
                ("Open",): (
                    "AWS::ApiGateway::Method",
                    {"RestApiId": {"Ref": "Api"}, "AuthorizationType": "CUSTOM"},
                )
            },
        },
    ),
    (
        interfaces.backends_know_the_api_by_its_role,
        "Stage",
        API,
        {
            "type HTTP": {("Method", "Integration", "Type"): "HTTP"},
            "without a role": {("Method", "Integration", "Credentials"): "arn:aws:iam::*:user/*"},
            "without a role of its own": {("Role",): role()},
            "no methods": {("Method",): ("AWS::ApiGateway::Model", {})},
        },
    ),
    (
        interfaces.answers_are_not_kept,
        "Stage",
        API,
        {
            "has a cache": {("Stage", "CacheClusterEnabled"): True},
            "a method keeps": {("Stage", "MethodSettings"): [{"CachingEnabled": True}]},
        },
    ),
]
RIGHT = [(rule, path, template) for rule, path, template, wrong in CASES if {} not in wrong.values()]
WRONG = [
    pytest.param(rule, path, template, change, words, id=f"{rule.__name__}: {words}")
    for rule, path, template, wrong in CASES
    for words, change in wrong.items()
]


def deployed(template):
    resources = {name: {"Type": kind, "Properties": held} for name, (kind, held) in template.items()}
    paths = {("p-data", name): f"p-data/{name}" for name in template}
    templates = Templates({"p-data": {"Resources": resources}})
    return Deployed(SimpleNamespace(templates=templates, paths=paths, pipeline=None))


def complaints(rule, path, template):
    seen = deployed(template)
    [resource] = [resource for resource in seen.resources if resource.path == f"p-data/{path}"]
    return list(rule(seen, resource))


def changed(template, change):
    """Return a template with one thing put, or taken away."""
    other = copy.deepcopy({name: list(resource) for name, resource in template.items()})
    for (name, *steps), value in change.items():
        if not steps:
            other[name] = list(value)
            continue
        *way, last = steps
        held = other[name][1]
        for step in way:
            held = held[step]
        if value is GONE:
            del held[last]
        elif isinstance(held, list) and last == len(held):
            held.append(value)
        else:
            held[last] = value
    return other


@pytest.mark.parametrize(("rule", "path", "template"), RIGHT, ids=lambda part: getattr(part, "__name__", ""))
def test_a_template_that_is_right_is_accepted(rule, path, template):
    assert complaints(rule, path, template) == []


@pytest.mark.parametrize(("rule", "path", "template", "change", "words"), WRONG)
def test_a_template_that_is_right_but_for_one_thing_is_refused(rule, path, template, change, words):
    wrong = complaints(rule, path, changed(template, change))

    assert any(words in complaint for complaint in wrong), wrong


def test_every_stricter_rule_is_tried_and_each_rule_of_a_pack_has_one_at_most():
    assert STRICTER_MODULES
    tried = {f"Headrace-{rule.__name__.title().replace('_', '')}" for rule, *_ in CASES}
    answered = [rule for stricter in STRICTER.values() for rule in stricter.answers]

    assert tried == STRICTER.keys()
    assert len(answered) == len(set(answered))


@pytest.mark.parametrize(
    "named",
    [
        ("AWS::Events::Rule", {"Targets": [{"DeadLetterConfig": {"Arn": arn("DeadLetters")}}]}),
        ("AWS::Scheduler::Schedule", {"Target": {"DeadLetterConfig": {"Arn": arn("DeadLetters")}}}),
        ("AWS::Lambda::Function", {"DeadLetterConfig": {"TargetArn": arn("DeadLetters")}}),
        ("AWS::SNS::Subscription", {"RedrivePolicy": {"deadLetterTargetArn": arn("DeadLetters")}}),
        (
            "AWS::Lambda::EventInvokeConfig",
            {"DestinationConfig": {"OnFailure": {"Destination": arn("DeadLetters")}}},
        ),
    ],
    ids=lambda named: named[0],
)
def test_whatever_sends_dead_letters_names_their_queue(named):
    template = {name: resource for name, resource in LEFT_OVER.items() if name != "Queue"}

    assert complaints(deliveries.dead_letters_are_kept_and_watched, "DeadLetters", template)
    assert not complaints(
        deliveries.dead_letters_are_kept_and_watched, "DeadLetters", {**template, "Sender": named}
    )


def test_what_a_pack_finds_is_answered_or_stays_open_with_what_is_wrong():
    bare = Finding("Serverless", "Serverless-SQSRedrivePolicy", "p-data/DeadLetters", "No policy.")
    unseen = Finding("Serverless", "Serverless-SQSRedrivePolicy", "p-other/Queue", "No policy.")
    unlocked = Finding("Serverless", "Serverless-LambdaDLQ", "p-data/DeadLetters", "No queue.")

    kept, elsewhere, other = verdicts(deployed(LEFT_OVER), [bare, unseen, unlocked])
    [refused] = verdicts(deployed(changed(LEFT_OVER, {("Alarm", "Threshold"): 5})), [bare])

    assert (kept.answered, kept.by) == (True, "Headrace-DeadLettersAreKeptAndWatched")
    assert not elsewhere.answered
    assert (other.answered, other.open) == (False, unlocked)
    assert (
        refused.open.why
        == "No policy. Headrace-DeadLettersAreKeptAndWatched: no alarm goes off at its first message"
    )


def test_questions_that_are_the_same_end_at_one_name():
    assert {question(rule) for rule in SAME_QUESTIONS}.isdisjoint(SAME_QUESTIONS)
    assert question("CT.SQS.PR.1") == question("SQSRedrivePolicy") == "AwsSolutions-SQS3"
