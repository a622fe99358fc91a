import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import boto3
import pytest

from headrace.aws.alarm_states import AlarmState, AlarmStates
from headrace.aws.artifacts import Artifacts
from headrace.aws.capture_window import START, StoredObject
from headrace.aws.captured_data import CapturedData
from headrace.aws.captured_profiles import CapturedProfiles
from headrace.aws.endpoint_metrics import EndpointMetrics
from headrace.aws.file_ledger import FileLedger, FileRecord
from headrace.aws.monitor_ledger import LastPrediction, OvertakenError, Progress, ProgressLog
from headrace.aws.topic import Topic
from headrace.config.pipeline import Pipeline
from headrace.ml.prediction_columns import COLUMNS
from lambdas.record_predictions import handler as record_predictions
from lambdas.store_predictions import handler as store_predictions
from tests.integration.ledger import create_ledger
from tests.unit.lambdas.captures import log_event, record
from tests.unit.lambdas.traffic import baseline

PREFIX = "capture/headrace-bike/v3/"


@pytest.fixture
def account(account, monkeypatch):
    """An account with the bucket that predictions are recorded in."""
    monkeypatch.setenv("ARTIFACTS_BUCKET", "artifacts")
    monkeypatch.setenv("ENDPOINT_NAME", "headrace-bike")
    boto3.client("s3").create_bucket(Bucket="artifacts")


@pytest.fixture
def captured(account):
    return CapturedData(boto3.client("s3"), "artifacts", "headrace-bike")


@pytest.fixture
def ledger(account):
    return create_ledger()


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


def test_objects_are_read_in_the_order_that_is_asked_for(captured):
    keys = [f"{PREFIX}2026/01/31/10/{number}.jsonl" for number in range(20)]
    for key in keys:
        put(key, key.encode())

    assert [body.decode() for body in captured.read(keys[::-1])] == keys[::-1]


def test_the_variants_that_have_answered_are_those_that_have_a_folder(captured):
    for variant in ("v3", "v12"):
        put(f"capture/headrace-bike/{variant}/2026/01/31/10/a.jsonl")
    put("capture/headrace-bikes/v4/2026/01/31/10/a.jsonl")

    assert captured.variants() == ["v12", "v3"]


def test_progress_is_found_again_by_its_task_and_variant(ledger):
    noon = datetime(2026, 1, 31, 12, 0, 30, tzinfo=UTC)
    keys = ("v3/2026/01/31/12/a", "v3/2026/01/31/11/b")
    reached = START.advanced([StoredObject(key, noon - timedelta(minutes=n)) for n, key in enumerate(keys)])
    progress = Progress(reached, keys, 7)

    saved = ProgressLog(ledger, "recorded").save("v3", progress)

    assert len(saved.checkpoint.seen) == 2
    assert ProgressLog(ledger, "recorded").load("v3") == saved
    assert ProgressLog(ledger, "recorded").load("v4") == Progress()
    assert ProgressLog(ledger, "checked").load("v3") == Progress()


def test_of_two_runs_that_have_seen_the_same_progress_one_moves_on(ledger):
    log = ProgressLog(ledger, "recorded")
    seen = log.load("v3")
    first = log.save("v3", Progress(chunk=1, version=seen.version))

    with pytest.raises(OvertakenError):
        log.save("v3", Progress(chunk=2, version=seen.version))
    assert log.load("v3") == first


def test_the_time_of_the_last_prediction_only_grows(ledger):
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    last = LastPrediction(ledger)
    assert last.time() is None

    for minutes in (0, 5, -5):
        last.note(noon + timedelta(minutes=minutes))

    assert last.time() == noon + timedelta(minutes=5)


def test_the_last_accepted_file_is_the_newest_with_rows(ledger):
    files = FileLedger(ledger)
    assert files.last_accepted() is None
    for day, rows in (("01", 5), ("02", 7), ("03", 0)):
        files.record(FileRecord(f"incoming/{day}.csv", "v", f"2026-01-{day}T12:00:00Z", rows=rows))

    assert files.last_accepted() == datetime(2026, 1, 2, 12, tzinfo=UTC)


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
    assert list(captured.read([item.key])) == [f"{record('e1', ['1,2'], ['3'])}\n".encode()]
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


def test_a_captured_request_becomes_a_row_a_profile_and_a_column_of_the_catalogue(
    account, ledger, monkeypatch
):
    glue = boto3.client("glue")
    glue.create_database(DatabaseInput={"Name": "headrace_bike"})
    glue.create_table(
        DatabaseName="headrace_bike",
        TableInput={
            "Name": "predictions",
            "StorageDescriptor": {"Columns": [{"Name": name, "Type": "string"} for name in COLUMNS]},
            "Parameters": {"projection.variant.values": "v1"},
        },
    )
    for name, value in {
        "LEDGER_TABLE": "ledger",
        "GLUE_DATABASE": "headrace_bike",
        "PREDICTIONS_TABLE": "predictions",
    }.items():
        monkeypatch.setenv(name, value)
    pipeline = Pipeline(name="bike", problem="regression", target="cnt")
    monkeypatch.setattr(record_predictions, "bundled_pipeline", lambda: pipeline)
    record_predictions._deps.cache_clear()
    put("baselines/v3/baseline.json", json.dumps(baseline()).encode())
    put(f"{PREFIX}2026/01/31/10/a.jsonl", record("e1", ["0.3,winter"], ["30"]).encode())
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 600_000)

    answers = [record_predictions.handler({}, context) for _ in range(2)]

    assert answers == [{"more": False, "rows": 1}, {"more": False, "rows": 0}]
    keys = [item["Key"] for item in boto3.client("s3").list_objects_v2(Bucket="artifacts")["Contents"]]
    assert len([key for key in keys if key.startswith("predictions/variant=v3/date=2026-01-31/")]) == 1
    (profile,) = CapturedProfiles(boto3.client("s3"), "artifacts").list_objects("v3", "")
    assert profile.key.startswith("profiles/v3/2026/01/31/10/")
    table = glue.get_table(DatabaseName="headrace_bike", Name="predictions")["Table"]
    assert [column["Name"] for column in table["StorageDescriptor"]["Columns"]] == [
        *COLUMNS,
        "temp",
        "season",
    ]
    assert table["Parameters"]["projection.variant.values"] == "v1,v3"
    record_predictions._deps.cache_clear()
