from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto import mock_aws

from headrace.aws.alarm_states import AlarmState, AlarmStates
from headrace.aws.artifacts import Artifacts
from headrace.aws.capture_window import START, CapturedObject, Checkpoint
from headrace.aws.captured_data import CapturedData, CheckpointLog
from headrace.aws.endpoint_metrics import EndpointMetrics
from headrace.aws.topic import Topic
from headrace.config.pipeline import Pipeline
from lambdas.store_predictions import handler as store_predictions
from tests.unit.lambdas.captures import log_event, record

PREFIX = "capture/headrace-bike/v3/"


@pytest.fixture
def account(monkeypatch):
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "ARTIFACTS_BUCKET": "artifacts",
        "ENDPOINT_NAME": "headrace-bike",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="artifacts")
        yield


@pytest.fixture
def captured(account):
    return CapturedData(boto3.client("s3"), "artifacts", "headrace-bike")


@pytest.fixture
def checkpoints(account):
    table = boto3.resource("dynamodb").create_table(
        TableName="ledger",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    return CheckpointLog(table)


def put(key, body=b"{}\n"):
    boto3.client("s3").put_object(Bucket="artifacts", Key=key, Body=body)


def test_captured_objects_are_listed_by_variant_from_an_hour_on(captured):
    for key in ("2026/01/30/23/a", "2026/01/31/00/b", "2026/01/31/10/c"):
        put(f"{PREFIX}{key}.jsonl")
    put("capture/headrace-bike/v30/2026/01/31/10/other.jsonl")
    put("capture/headrace-bikes/v3/2026/01/31/10/other.jsonl")

    assert [item.key[-7:] for item in captured.list_objects("v3", "")] == ["a.jsonl", "b.jsonl", "c.jsonl"]
    from_midnight = captured.list_objects("v3", "2026/01/31/00")
    assert [item.key[-7:] for item in from_midnight] == ["b.jsonl", "c.jsonl"]
    assert from_midnight[0].size_bytes == 3
    assert from_midnight[0].modified.tzinfo is not None


def test_more_than_a_page_of_objects_is_listed(captured, monkeypatch):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    for number in range(7):
        put(f"{PREFIX}2026/01/31/10/{number:04}.jsonl", b"")

    assert len(captured.list_objects("v3", "")) == 7


def test_records_are_read_line_by_line(captured):
    put(f"{PREFIX}2026/01/31/10/a.jsonl", "first\n\nzweite Zeile: süß\n".encode())

    assert list(captured.lines(f"{PREFIX}2026/01/31/10/a.jsonl")) == ["first", "zweite Zeile: süß"]


def test_a_checkpoint_is_found_again_by_its_variant(checkpoints):
    noon = datetime(2026, 1, 31, 12, 0, 30, tzinfo=UTC)
    reached = START.advanced([CapturedObject("a", noon), CapturedObject("b", noon - timedelta(minutes=1))])

    checkpoints.save("v3", reached)

    assert checkpoints.load("v3") == reached
    assert checkpoints.load("v4") == START


def test_a_checkpoint_without_anything_seen_is_kept(checkpoints):
    empty = Checkpoint(datetime(2026, 1, 31, tzinfo=UTC), frozenset())

    checkpoints.save("v3", empty)

    assert checkpoints.load("v3") == empty


def test_a_document_that_is_not_there_is_none_even_if_a_longer_key_is(account):
    artifacts = Artifacts(boto3.client("s3"), "artifacts")
    put("drift/latest.json.old")

    assert artifacts.load("drift/latest.json") is None

    artifacts.store("drift/latest.json", {"drifted": True})
    assert artifacts.load("drift/latest.json") == {"drifted": True}


def test_a_message_reaches_the_subscribers(account):
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    arn = sns.create_topic(Name="alarms")["TopicArn"]
    queue = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)

    Topic(sns, arn).publish("Headrace bike: drift in temp", "temp: mean 0.2 → 0.56")

    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert "0.2 \\u2192 0.56" in message["Body"]


def test_a_log_batch_ends_in_the_bucket_and_in_the_metrics(account, captured, monkeypatch, capsys):
    pipeline = Pipeline(name="bike", problem="regression", target="cnt")
    monkeypatch.setattr(store_predictions, "bundled_pipeline", lambda: pipeline)
    store_predictions._deps.cache_clear()

    outcome = store_predictions.handler(log_event([record("e1", ["1,2"], ["3"]), "captureData"]), None)

    assert outcome == {"stored": 1, "unreadable": 1}
    (item,) = captured.list_objects("v3", "")
    assert list(captured.lines(item.key)) == [record("e1", ["1,2"], ["3"])]
    assert '"Dimensions":[["Pipeline"]]' in capsys.readouterr().out
    store_predictions._deps.cache_clear()


def test_states_of_alarms_come_in_the_order_asked_for_without_those_that_are_gone(account):
    client = boto3.client("cloudwatch")
    for name in ("b", "a"):
        client.put_metric_alarm(
            AlarmName=name,
            AlarmDescription=f"about {name}",
            Namespace="Headrace",
            MetricName=name.upper(),
            Period=60,
            EvaluationPeriods=1,
            Statistic="Maximum",
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
        )
    client.set_alarm_state(AlarmName="b", StateValue="ALARM", StateReason="too much")

    first, second = AlarmStates(client).named(["b", "gone", "a"])

    assert first == AlarmState("b", "about b", "B", "ALARM", "too much")
    assert second.name == "a"
    assert AlarmStates(client).named([]) == []


def test_statistics_of_an_endpoint_are_those_of_one_variant(account):
    client, end = boto3.client("cloudwatch"), datetime.now(UTC).replace(second=0, microsecond=0)
    start = end - timedelta(minutes=5)
    for variant, count in (("v1", 3.0), ("v2", 5.0)):
        client.put_metric_data(
            Namespace="AWS/SageMaker",
            MetricData=[
                {
                    "MetricName": "Invocations",
                    "Value": count,
                    "Timestamp": start + timedelta(minutes=1),
                    "Dimensions": [
                        {"Name": "EndpointName", "Value": "headrace-bike"},
                        {"Name": "VariantName", "Value": variant},
                    ],
                }
            ],
        )
    wanted = [("Invocations", "Sum"), ("Invocation4XXErrors", "Sum")]

    found = EndpointMetrics(client, "headrace-bike").over(start, end, "v2", wanted)

    assert found == {("Invocations", "Sum"): 5.0}
