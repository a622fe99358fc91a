"""What an object's arrival, a message and a schedule set in motion."""

import io
import json
import time
import zipfile

import pytest
from botocore.exceptions import ClientError

ACCOUNT, REGION = "123456789012", "us-east-1"
DEADLINE_S = 20
FUNCTION_CODE = """
import json, os
import boto3

def main(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
    failed = [r["messageId"] for r in event.get("Records", []) if r["body"] == "bad"]
    return {"batchItemFailures": [{"itemIdentifier": i} for i in failed]}
"""


def _arn(service, name):
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"


def _policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **s} for s in statements]})


@pytest.fixture(scope="module")
def make_queue(client):
    def make_queue(name, **attributes):
        policy = {
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": _arn("sqs", name),
        }
        attributes = {"Policy": _policy(policy), **attributes}
        return client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    return make_queue


@pytest.fixture(scope="module")
def receive(client):
    """Return the first message of a queue that matches, as an object."""

    def receive(queue, matches=lambda body: True):
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            answer = client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                if matches(body := json.loads(message["Body"])):
                    return body
        raise AssertionError("no such message")

    return receive


@pytest.fixture(scope="module")
def role(client):
    services = [
        "lambda.amazonaws.com",
        "states.amazonaws.com",
        "events.amazonaws.com",
        "scheduler.amazonaws.com",
    ]
    trust = {"Principal": {"Service": services}, "Action": "sts:AssumeRole"}
    actions = ["sqs:*", "states:StartExecution", "lambda:InvokeFunction"]
    made = client("iam").create_role(RoleName="delivery", AssumeRolePolicyDocument=_policy(trust))
    client("iam").put_role_policy(
        RoleName="delivery", PolicyName="p", PolicyDocument=_policy({"Action": actions, "Resource": "*"})
    )
    return made["Role"]["Arn"]


@pytest.fixture(scope="module")
def make_function(client, role):
    """Make a function that forwards its event to a queue."""

    def make_function(name, queue):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as bundle:
            bundle.writestr("forward.py", FUNCTION_CODE)
        function = client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.14",
            Role=role,
            Handler="forward.main",
            Code={"ZipFile": archive.getvalue()},
            Environment={"Variables": {"QUEUE": queue}},
            Timeout=10,
        )
        client("lambda").add_permission(
            FunctionName=name,
            StatementId="events",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
        )
        return function["FunctionArn"]

    return make_function


@pytest.fixture(scope="module")
def bucket(client):
    s3 = client("s3")
    s3.create_bucket(Bucket="delivery")
    s3.put_bucket_versioning(Bucket="delivery", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(
        Bucket="delivery", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    return "delivery"


@pytest.fixture(scope="module")
def targets(client, bucket, role, make_queue, make_function):
    """One rule on objects under in/, and a queue, a function and a state machine behind it."""
    arrivals, invoked = make_queue("arrivals"), make_queue("invoked")
    machine = client("stepfunctions").create_state_machine(
        name="arrivals",
        roleArn=role,
        definition=json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}),
    )["stateMachineArn"]
    client("events").put_rule(
        Name="arrivals",
        EventPattern=json.dumps(
            {
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": "in/"}]}},
            }
        ),
    )
    client("events").put_targets(
        Rule="arrivals",
        Targets=[
            {"Id": "queue", "Arn": _arn("sqs", "arrivals")},
            {"Id": "function", "Arn": make_function("arrivals", invoked)},
            {
                "Id": "machine",
                "Arn": machine,
                "RoleArn": role,
                "InputTransformer": {
                    "InputPathsMap": {"key": "$.detail.object.key"},
                    "InputTemplate": '{"key": <key>}',
                },
            },
        ],
    )
    return {"queue": arrivals, "function": invoked, "machine": machine}


@pytest.mark.parametrize("key", ["in/a.csv", "in/with space + plus.csv", "in/Größe.csv"])
def test_an_object_reaches_every_target_of_the_rule(client, bucket, targets, receive, key):
    other = client("s3").put_object(Bucket=bucket, Key=f"other/{key}", Body=b"not for the rule")
    version = client("s3").put_object(Bucket=bucket, Key=key, Body=b"1,2\n")["VersionId"]

    def of_this_version(body):
        assert body["detail"]["object"].get("version-id") != other["VersionId"]
        return body["detail"]["object"].get("version-id") == version

    message = receive(targets["queue"], of_this_version)
    event = receive(targets["function"], of_this_version)

    assert message["detail"]["object"]["key"] == event["detail"]["object"]["key"] == key
    assert message["detail"]["object"]["size"] == 4
    assert key in _inputs(client, targets["machine"], key)


def _inputs(client, machine, key):
    """Wait until an execution has the key as its input."""
    steps = client("stepfunctions")
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        executions = steps.list_executions(stateMachineArn=machine)["executions"]
        inputs = [
            json.loads(steps.describe_execution(executionArn=e["executionArn"])["input"])["key"]
            for e in executions
        ]
        if key in inputs:
            return inputs
        time.sleep(0.1)
    raise AssertionError("no execution was started")


def test_messages_reach_a_function_and_those_that_fail_end_in_the_dead_letter_queue(
    client, make_queue, make_function, receive
):
    dead, seen = make_queue("dead-letters"), make_queue("seen")
    redrive = json.dumps({"deadLetterTargetArn": _arn("sqs", "dead-letters"), "maxReceiveCount": 1})
    queue = make_queue("work", RedrivePolicy=redrive, VisibilityTimeout="5")
    make_function("works", seen)
    client("lambda").create_event_source_mapping(
        EventSourceArn=_arn("sqs", "work"),
        FunctionName="works",
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )

    client("sqs").send_message_batch(
        QueueUrl=queue,
        Entries=[{"Id": "1", "MessageBody": '"good"'}, {"Id": "2", "MessageBody": "bad"}],
    )
    received = client("sqs").receive_message
    deadline = time.monotonic() + DEADLINE_S
    while not (letters := received(QueueUrl=dead, WaitTimeSeconds=1).get("Messages")):
        assert time.monotonic() < deadline, "nothing came to the dead-letter queue"

    assert receive(seen)["Records"][0]["eventSource"] == "aws:sqs"
    assert [letter["Body"] for letter in letters] == ["bad"]


def test_an_execution_that_ends_is_an_event(client, make_queue, receive, targets, bucket):
    queue = make_queue("endings")
    client("events").put_rule(
        Name="endings",
        EventPattern=json.dumps(
            {
                "detail-type": ["Step Functions Execution Status Change"],
                "detail": {"status": ["SUCCEEDED"], "stateMachineArn": [targets["machine"]]},
            }
        ),
    )
    client("events").put_targets(Rule="endings", Targets=[{"Id": "1", "Arn": _arn("sqs", "endings")}])

    started = client("stepfunctions").start_execution(
        stateMachineArn=targets["machine"], input='{"key": "x"}'
    )
    event = receive(queue, lambda body: body["detail"]["executionArn"] == started["executionArn"])

    assert (event["source"], json.loads(event["detail"]["output"])) == ("aws.states", {"key": "x"})


@pytest.fixture(scope="module")
def scheduled(client, cloud, targets, make_queue, make_function, role):
    """Queues of what two schedules of the same moment send: the looks for what is due are seconds apart."""
    invoked, failed = make_queue("scheduled"), make_queue("not-started")
    sends = cloud.role(
        {"Action": "sqs:SendMessage", "Resource": _arn("sqs", "not-started")}, principal="scheduler"
    )
    function = {"Arn": make_function("scheduled", invoked), "RoleArn": role, "Input": '{"tick": true}'}
    machine = {
        "Arn": targets["machine"],
        "RoleArn": sends,
        "Input": '{"key": "not-allowed"}',
        "DeadLetterConfig": {"Arn": _arn("sqs", "not-started")},
    }
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 1))
    for name, target in {"soon": function, "not-allowed": machine}.items():
        client("scheduler").create_schedule(
            Name=name,
            ScheduleExpression=f"at({at})",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target=target,
        )
    return {"invoked": invoked, "failed": failed}


def test_a_schedule_invokes_its_target(scheduled, receive):
    assert receive(scheduled["invoked"]) == {"tick": True}


def test_a_schedule_may_do_what_its_role_may_and_keeps_what_fails(client, targets, scheduled, receive):
    """The role may send to the queue of what fails, and not start the state machine."""
    assert receive(scheduled["failed"]) == {"key": "not-allowed"}
    executions = client("stepfunctions").list_executions(stateMachineArn=targets["machine"])["executions"]
    inputs = [
        client("stepfunctions").describe_execution(executionArn=execution["executionArn"])["input"]
        for execution in executions
    ]
    assert '{"key": "not-allowed"}' not in inputs


def test_who_may_send_a_message_may_send_several_at_once(client, cloud, make_queue):
    queue = make_queue("several")
    messages = [{"Id": "1", "MessageBody": "a"}, {"Id": "2", "MessageBody": "b"}]
    sqs = cloud.as_role({"Action": "sqs:SendMessage", "Resource": _arn("sqs", "several")})("sqs")

    assert len(sqs.send_message_batch(QueueUrl=queue, Entries=messages)["Successful"]) == 2
    with pytest.raises(ClientError, match="AccessDenied"):
        sqs.delete_message_batch(QueueUrl=queue, Entries=[{"Id": "1", "ReceiptHandle": "h"}])


@pytest.mark.parametrize(("prefix", "code"), [("known/*", "404"), ("other/*", "403")])
def test_only_who_may_list_a_bucket_is_told_that_an_object_is_missing(client, cloud, name, prefix, code):
    client("s3").create_bucket(Bucket=name)
    s3 = cloud.as_role(
        {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"},
        {
            "Action": "s3:ListBucket",
            "Resource": f"arn:aws:s3:::{name}",
            "Condition": {"StringLike": {"s3:prefix": prefix}},
        },
    )("s3")

    with pytest.raises(ClientError) as head:
        s3.head_object(Bucket=name, Key="known/rows.csv")
    with pytest.raises(ClientError) as get:
        s3.get_object(Bucket=name, Key="known/rows.csv")

    assert head.value.response["Error"]["Code"] == code
    assert get.value.response["ResponseMetadata"]["HTTPStatusCode"] == int(code)


def test_a_range_of_an_older_version_can_be_read(client):
    s3, name = client("s3"), "versions-in-ranges"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    older = s3.put_object(Bucket=name, Key="rows", Body=b"0123456789")["VersionId"]
    s3.put_object(Bucket=name, Key="rows", Body=b"abc")

    answer = s3.get_object(Bucket=name, Key="rows", VersionId=older, Range="bytes=2-4")

    assert (answer["Body"].read(), answer["ContentRange"]) == (b"234", "bytes 2-4/10")
    with pytest.raises(s3.exceptions.ClientError, match="InvalidRange"):
        s3.get_object(Bucket=name, Key="rows", VersionId=older, Range="bytes=10-11")
