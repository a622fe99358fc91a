"""Kinesis data streams: who may use them, how functions read them, how Firehose delivers them."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.e2e.cloud import ACCOUNT, REGION, code_archive, eventually

FUNCTION_CODE = """
import base64, json, os
import boto3

def main(event, context):
    texts = [base64.b64decode(r["kinesis"]["data"]).decode() for r in event["Records"]]
    boto3.client("sqs").send_message(QueueUrl=os.environ["SEEN"], MessageBody=json.dumps(texts))
    if "error" in texts:
        raise ValueError("an error")
    failed = [r["kinesis"]["sequenceNumber"] for r, text in zip(event["Records"], texts) if text == "bad"]
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}
"""
READING = ["kinesis:DescribeStream", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"]


def arn(service, resource):
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


@pytest.fixture
def stream(client, name):
    client("kinesis").create_stream(StreamName=name, ShardCount=1)
    yield name
    client("kinesis").delete_stream(StreamName=name)


@pytest.fixture
def put(client, stream):
    def put(*texts):
        client("kinesis").put_records(
            StreamName=stream, Records=[{"PartitionKey": "k", "Data": text.encode()} for text in texts]
        )

    return put


@pytest.fixture
def queue(client, name):
    return client("sqs").create_queue(QueueName=name)["QueueUrl"]


@pytest.fixture
def messages(client, queue):
    """Return what came to the queue so far, in order."""
    found = []

    def messages():
        answer = client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            found.append(json.loads(message["Body"]))
        return found

    return messages


@pytest.fixture
def make_mapping(cloud, client, stream, queue, name):
    """Map a function to the stream; keywords are the mapping's."""

    def make_mapping(actions=(*READING, "sqs:SendMessage"), **options):
        function = client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.14",
            Role=cloud.role({"Action": list(actions), "Resource": "*"}, principal="lambda"),
            Handler="main.main",
            Code={"ZipFile": code_archive(FUNCTION_CODE)},
            Environment={"Variables": {"SEEN": queue}},
        )
        return client("lambda").create_event_source_mapping(
            EventSourceArn=arn("kinesis", f"stream/{stream}"),
            FunctionName=function["FunctionArn"],
            **{"StartingPosition": "TRIM_HORIZON", **options},
        )["UUID"]

    return make_mapping


def test_a_function_is_handed_the_rest_of_a_batch_from_the_record_that_failed(put, make_mapping, messages):
    put("good", "bad", "fine")

    make_mapping(FunctionResponseTypes=["ReportBatchItemFailures"], MaximumRetryAttempts=0)

    # "bad" heads the rest, fails again, and is given up together with what was behind it.
    assert eventually(messages, lambda found: len(found) > 1) == [["good", "bad", "fine"], ["bad", "fine"]]


def test_a_record_that_raises_is_isolated_and_reported(put, make_mapping, messages, stream, name):
    put("a", "error", "b")

    make_mapping(
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn("sqs", name)}},
    )

    found = eventually(messages, lambda found: ["b"] in found)
    reports = [message for message in found if isinstance(message, dict)]
    assert [message for message in found if isinstance(message, list)] == [
        ["a", "error", "b"],
        ["a"],
        ["error", "b"],
        ["error"],
        ["b"],
    ]
    (report,) = reports
    assert report["requestContext"]["condition"] == "RetryAttemptsExhausted"
    batch = report["KinesisBatchInfo"]
    assert (batch["batchSize"], batch["streamArn"]) == (1, arn("kinesis", f"stream/{stream}"))
    assert batch["startSequenceNumber"] == batch["endSequenceNumber"]


def test_a_mapping_begins_with_what_comes_after_it_was_made(put, make_mapping, messages):
    put("before")
    make_mapping(StartingPosition="LATEST")
    put("after")

    assert eventually(messages) == [["after"]]


def test_a_function_that_may_not_read_the_stream_cannot_be_mapped_to_it(make_mapping):
    with pytest.raises(ClientError, match="Please ensure the role can perform the GetRecords"):
        make_mapping(actions=["kinesis:DescribeStream"])


def test_the_age_of_what_a_function_reads_is_measured(client, put, make_mapping, messages, name):
    put("a")
    make_mapping()
    eventually(messages)

    def ages():
        metrics = client("cloudwatch").list_metrics(Namespace="AWS/Lambda", MetricName="IteratorAge")
        return [metric["Dimensions"] for metric in metrics["Metrics"]]

    eventually(ages, lambda found: [{"Name": "FunctionName", "Value": name}] in found)


def test_a_reader_needs_permission_on_its_stream_alone(cloud, stream, put):
    put("a")
    reading = cloud.as_role({"Action": READING, "Resource": arn("kinesis", f"stream/{stream}")})("kinesis")
    other = cloud.as_role({"Action": READING, "Resource": arn("kinesis", "stream/other")})("kinesis")
    shard = {
        "StreamName": stream,
        "ShardId": "shardId-000000000000",
        "ShardIteratorType": "TRIM_HORIZON",
    }
    iterator = reading.get_shard_iterator(**shard)["ShardIterator"]

    (record,) = reading.get_records(ShardIterator=iterator)["Records"]

    assert record["Data"] == b"a"
    with pytest.raises(ClientError, match="not authorized to perform: kinesis:GetRecords"):
        other.get_records(ShardIterator=iterator)


def test_an_encrypted_stream_asks_for_its_key(cloud, client, name):
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    encryption = {"EncryptionType": "KMS", "KeyId": key}
    template = {
        "Resources": {
            "S": {
                "Type": "AWS::Kinesis::Stream",
                "Properties": {"Name": name, "ShardCount": 1, "StreamEncryption": encryption},
            }
        }
    }
    client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))
    client("cloudformation").get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1}
    )
    putting = {"Action": "kinesis:PutRecord", "Resource": arn("kinesis", f"stream/{name}")}
    with_key = cloud.as_role(putting, {"Action": "kms:GenerateDataKey", "Resource": key})("kinesis")
    record = {"StreamName": name, "PartitionKey": "k", "Data": b"a"}

    assert with_key.put_record(**record)["EncryptionType"] == "KMS"
    with pytest.raises(ClientError) as refused:
        cloud.as_role(putting)("kinesis").put_record(**record)
    assert refused.value.response["Error"]["Code"] == "KMSAccessDeniedException"


@pytest.fixture
def bucket(client, name):
    client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def deliver(cloud, client, stream, bucket, name):
    """Make a delivery stream from the stream to the bucket; keywords are of its target."""

    def deliver(role=None, **target):
        role = role or cloud.role(
            {"Action": READING, "Resource": arn("kinesis", f"stream/{stream}")},
            {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/in/*"},
            principal="firehose",
        )
        return client("firehose").create_delivery_stream(
            DeliveryStreamName=name,
            DeliveryStreamType="KinesisStreamAsSource",
            KinesisStreamSourceConfiguration={
                "KinesisStreamARN": arn("kinesis", f"stream/{stream}"),
                "RoleARN": role,
            },
            ExtendedS3DestinationConfiguration={
                "BucketARN": f"arn:aws:s3:::{bucket}",
                "RoleARN": role,
                "Prefix": "in/!{timestamp:yyyy}/",
                "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
                "FileExtension": ".jsonl",
                "BufferingHints": {"IntervalInSeconds": 1, "SizeInMBs": 1},
                "ProcessingConfiguration": {
                    "Enabled": True,
                    "Processors": [{"Type": "AppendDelimiterToRecord"}],
                },
                **target,
            },
        )

    return deliver


@pytest.fixture
def objects(client, bucket):
    def objects():
        found = client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
        return {
            entry["Key"]: client("s3").get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
            for entry in found
        }

    return objects


def test_records_are_delivered_together_one_per_line(put, deliver, objects, name):
    put("before")
    deliver()
    put("a", "b", "c")

    ((key, body),) = eventually(objects).items()

    assert body == b"a\nb\nc\n"
    assert key.startswith("in/20")
    assert f"/{name}-1-" in key
    assert key.endswith(".jsonl")


def test_what_the_role_may_not_write_waits_and_the_log_says_so(
    cloud, client, put, deliver, objects, stream, name
):
    client("logs").create_log_group(logGroupName=name)
    client("logs").create_log_stream(logGroupName=name, logStreamName="s3")
    reading = {"Action": READING, "Resource": arn("kinesis", f"stream/{stream}")}
    deliver(
        role=cloud.role(reading, principal="firehose"),
        CloudWatchLoggingOptions={"Enabled": True, "LogGroupName": name, "LogStreamName": "s3"},
    )
    put("a")

    def errors():
        events = client("logs").filter_log_events(logGroupName=name)["events"]
        return [json.loads(event["message"])["errorCode"] for event in events]

    assert eventually(errors)[0] == "S3.AccessDenied"
    assert objects() == {}


def test_a_role_that_does_not_trust_firehose_is_refused(cloud, deliver):
    with pytest.raises(ClientError, match="Firehose is unable to assume role"):
        deliver(role=cloud.role(principal="lambda"))


def test_a_prefix_of_expressions_needs_one_for_errors(deliver):
    with pytest.raises(ClientError, match="ErrorOutputPrefix cannot be null or empty when Prefix contains"):
        deliver(ErrorOutputPrefix="")
