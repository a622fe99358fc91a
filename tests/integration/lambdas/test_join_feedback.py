"""Labels and predictions on moto, through the handlers, to everything that comes of them."""

import gzip
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from types import SimpleNamespace

import awswrangler as wr
import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from boto3.dynamodb.conditions import Key
from moto import mock_aws

from headrace.aws.contract_store import ContractStore
from headrace.aws.feedback_log import FeedbackLog
from headrace.aws.privacy import ErasedPeople
from headrace.aws.versioned_objects import VersionedObjects
from headrace.aws.waiting_labels import BusyError
from headrace.config.pipeline import Pipeline
from headrace.ml.privacy.hashing import hashed_value
from lambdas.join_feedback import handler as join_feedback
from lambdas.join_feedback import joining
from lambdas.take_feedback import handler as take_feedback
from tests.feedback import CONTRACT, at, labels, predictions
from tests.integration.ledger import create_ledger

REGION = "us-east-1"
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "DATA_BUCKET": "data",
    "ARTIFACTS_BUCKET": "artifacts",
    "LEDGER_TABLE": "ledger",
    "GLUE_DATABASE": "headrace_churn",
    "POWERTOOLS_METRICS_NAMESPACE": "Headrace",
}
PIPELINE = Pipeline(name="churn", problem="binary", target="churned", id="customer", feedback={})
NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)


class Cloud:
    """What the functions read and write."""

    def __init__(self):
        self.s3 = boto3.client("s3", region_name=REGION)
        self.log = FeedbackLog(boto3.resource("dynamodb", region_name=REGION).Table("ledger"))

    def create(self):
        for bucket in ("data", "artifacts"):
            self.s3.create_bucket(Bucket=bucket)
            self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        create_ledger()
        glue = boto3.client("glue", region_name=REGION)
        glue.create_database(DatabaseInput={"Name": "headrace_churn"})
        glue.create_table(
            DatabaseName="headrace_churn",
            TableInput={
                "Name": "labelled_predictions",
                "StorageDescriptor": {"Columns": [{"Name": "_event_id", "Type": "string"}]},
            },
        )
        ContractStore(self.s3, "artifacts").offer(CONTRACT)

    def predict(self, *rows, day="2026-01-10", name="a"):
        body = pa.BufferOutputStream()
        pq.write_table(predictions(*rows), body)
        key = f"predictions/variant=v1/date={day}/{name}.parquet"
        self.s3.put_object(Bucket="artifacts", Key=key, Body=body.getvalue().to_pybytes())

    def drop(self, body, key="feedback/a.csv", dropped_at="2026-01-20T11:00:00Z"):
        """Put a file of labels, and return the message that announces it."""
        body = body.encode() if isinstance(body, str) else body
        version = self.s3.put_object(Bucket="data", Key=key, Body=body)["VersionId"]
        item = {"key": key, "version-id": version, "size": len(body)}
        event = {"time": dropped_at, "detail": {"bucket": {"name": "data"}, "object": item}}
        return {"messageId": version, "body": json.dumps(event), "eventSource": "aws:sqs"}

    def keys(self, prefix, bucket="artifacts"):
        found = self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        return [item["Key"] for item in found]

    def tables(self, prefix, bucket="artifacts"):
        bodies = [
            self.s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in self.keys(prefix, bucket)
        ]
        return [pq.read_table(io.BytesIO(body)).to_pylist() for body in bodies]

    def labelled(self):
        return {row["_inference_id"]: row["_label"] for rows in self.tables("labelled/") for row in rows}

    def rows_to_learn_from(self):
        return self.tables("incoming/feedback/", "data")


@pytest.fixture(scope="module")
def functions():
    """The functions as they are deployed."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        for function in (join_feedback, take_feedback):
            patch.setattr(function, "bundled_pipeline", lambda: PIPELINE)
            function._deps.cache_clear()
        yield join_feedback._deps()
        for function in (join_feedback, take_feedback):
            function._deps.cache_clear()


@pytest.fixture
def cloud(functions):
    requests.post("http://motoapi.amazonaws.com/moto-api/reset", timeout=10)
    functions.joining.labelled._known.clear()
    cloud = Cloud()
    cloud.create()
    return cloud


@pytest.fixture
def take(monkeypatch):
    """Run the function on some messages, a second later each time, and return which are to come again."""
    seconds = count()
    clock = SimpleNamespace(now=lambda _: NOW + timedelta(seconds=next(seconds)))
    monkeypatch.setattr(join_feedback, "datetime", clock)

    def take(*messages):
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000)
        try:
            answer = join_feedback.handler({"Records": list(messages)}, context)
        except BatchProcessingError:
            return [message["messageId"] for message in messages]
        return [item["itemIdentifier"] for item in answer["batchItemFailures"]]

    return take


@pytest.fixture
def with_people(functions, monkeypatch):
    """Deploy it for a pipeline whose rows are about people, two of whom were erased."""
    secrets = boto3.client("secretsmanager", region_name=REGION)
    secret = secrets.create_secret(Name="key", SecretString="k" * 64)["ARN"]
    privacy = {"personal": {"customer": "hash"}, "subject": "customer"}
    pipeline = Pipeline.model_validate({**PIPELINE.model_dump(), "privacy": privacy})
    people = ErasedPeople(boto3.resource("dynamodb", region_name=REGION).Table("ledger"))
    for name in ("ann", "bob"):
        people.add(hashed_value(name, b"k" * 64), "2026-01-01T00:00:00Z")
    monkeypatch.setenv("PRIVACY_KEY_ARN", secret)
    ports = replace(functions.taking, protection=join_feedback._of_labels(pipeline, people))
    deps = replace(functions, pipeline=pipeline, taking=ports)
    monkeypatch.setattr(join_feedback, "_deps", lambda: deps)


@pytest.mark.parametrize("column", ["customer", "entity"])
def test_labels_of_people_who_were_erased_are_not_taken(cloud, with_people, take, column):
    body = f"inference_id,{column},label\na,ann,1\nb,bob,0\nc,cid,1\n"

    assert take(cloud.drop(body)) == []

    (item,) = cloud.log._table.query(KeyConditionExpression=Key("pk").eq("feedback"))["Items"][:1]
    assert (item["received"], item["refused"]) == (1, 0)


def test_what_an_erasure_has_left_of_labels_is_not_taken_again(cloud, with_people, take):
    message = cloud.drop("inference_id,label\nc,1\n")
    objects = VersionedObjects(cloud.s3)
    (item,) = objects.below("data", "feedback/a.csv")
    objects.replace(item, b"inference_id,label\nc,1\n", NOW.isoformat())
    rewritten = next(objects.below("data", "feedback/a.csv")).live
    event = json.loads(message["body"])
    event["detail"]["object"]["version-id"] = rewritten

    assert take({**message, "body": json.dumps(event)}) == []

    assert not [item for item in cloud.log._table.scan()["Items"] if item["pk"] == "feedback"]


def test_labels_of_a_file_are_joined_and_become_rows_to_learn_from(cloud, take):
    cloud.predict(("10 08:00", "a", "ann"), ("10 09:00", "b", "bob"), ("10 10:00", "c", "cid"))

    assert take(cloud.drop("inference_id,label\na,1\nc,0\n")) == []

    assert cloud.labelled() == {"a": "1", "c": "0"}
    (key,) = cloud.keys("labelled/")
    assert key.startswith("labelled/date=2026-01-10/")
    (rows,) = cloud.rows_to_learn_from()
    assert rows == [
        {"customer": "ann", "temp": "0", "season": "winter", "churned": "1"},
        {"customer": "cid", "temp": "0.2", "season": "winter", "churned": "0"},
    ]
    (labelled,) = cloud.tables("labelled/")
    assert cloud.keys("incoming/feedback/", "data") == [f"incoming/feedback/{labelled[0]['_join']}.parquet"]
    assert cloud.keys("feedback/") == []
    types = wr.catalog.get_table_types(database="headrace_churn", table="labelled_predictions")
    assert {name: types[name] for name in ("_time", "_row", "_label", "temp", "season")} == {
        "_time": "timestamp",
        "_row": "int",
        "_label": "string",
        "temp": "double",
        "season": "string",
    }


def parquet(table):
    body = pa.BufferOutputStream()
    pq.write_table(pa.table(table), body)
    return body.getvalue().to_pybytes()


@pytest.mark.parametrize(
    "body",
    [
        b'{"inference_id": "a", "label": 1}\n',
        gzip.compress(b"inference_id;churned\na;1.0\n"),
        parquet({"inference_id": ["a"], "label": [1], "labelled_at": [at("12 00:00")]}),
    ],
    ids="lines packed parquet".split(),
)
def test_every_format_is_taken(cloud, take, body):
    cloud.predict(("10 08:00", "a", "ann"))

    take(cloud.drop(body, "feedback/2026/labels"))

    assert cloud.labelled() == {"a": "1"}


def test_a_file_that_is_announced_twice_counts_once(cloud, take):
    cloud.predict(("10 08:00", "a", "ann"))
    message = cloud.drop("inference_id,label\na,1\n")

    take(message)
    take(message)

    assert len(cloud.rows_to_learn_from()) == 1
    assert cloud.log.status()["received"] == 1


def test_a_label_waits_for_its_prediction_and_is_corrected_by_a_later_one(cloud, take):
    cloud.predict(("10 08:00", "a", "ann"))
    take(cloud.drop("inference_id,label\na,1\nlate,0\n"))
    assert cloud.log.status()["pending"] == 1

    cloud.predict(("19 08:00", "late", "bob"), day="2026-01-19")
    take(cloud.drop("inference_id,label\na,0\n", dropped_at="2026-01-20T11:30:00Z"))

    assert cloud.labelled() == {"a": "0", "late": "0"}
    assert cloud.log.status() == {
        "received": 3,
        "refused": 0,
        "refused_files": 0,
        "matched": 3,
        "corrected": 1,
        "expired": 0,
        "pending": 0,
        "days": [
            {
                "day": "2026-01-20",
                "received": 3,
                "refused": 0,
                "refused_files": 0,
                "matched": 3,
                "corrected": 1,
                "expired": 0,
            }
        ],
    }


def test_bad_records_are_in_quarantine_and_the_others_are_joined(cloud, take, capsys):
    cloud.predict(("10 08:00", "a", "ann"))

    take(cloud.drop("inference_id,label\na,1\nb,secret\n,1\n"))

    assert cloud.labelled() == {"a": "1"}
    (prefix,) = {key.rpartition("/")[0] for key in cloud.keys("quarantine/", "data")}
    assert prefix.startswith("quarantine/feedback/a.csv/")
    reason = json.loads(cloud.s3.get_object(Bucket="data", Key=f"{prefix}/reason.json")["Body"].read())
    assert reason["accepted"] == 1
    assert {(each["column"], each["reason"]) for each in reason["examples"]} == {
        ("label", "unknown_label"),
        ("inference_id", "missing"),
    }
    rejected = cloud.s3.get_object(Bucket="data", Key=f"{prefix}/rejected.csv")["Body"].read().decode()
    assert "secret" in rejected
    assert len(cloud.keys("refusals/", "data")) == 1
    assert "secret" not in json.dumps(reason) + capsys.readouterr().out


@pytest.mark.parametrize("body", [b"", b"customer,label\nann,1\n"], ids=["empty", "columns"])
def test_a_file_that_cannot_be_used_is_in_quarantine_whole(cloud, take, body):
    assert take(cloud.drop(body)) == []

    assert any(key.endswith("/original") for key in cloud.keys("quarantine/feedback/", "data"))
    assert cloud.keys("feedback/") == []


def test_a_join_that_was_stopped_is_finished_under_its_name(cloud, take, functions, monkeypatch):
    cloud.predict(("10 08:00", "a", "ann"))
    message = cloud.drop("inference_id,label\na,1\nlate,0\n")

    def stop(*_):
        raise KeyboardInterrupt  # as if the function were stopped: nothing is tidied up

    with monkeypatch.context() as patch:
        patch.setattr(type(functions.joining.waiting), "close", stop)
        with pytest.raises(KeyboardInterrupt):
            take(message)
    assert join_feedback.join_waiting(NOW) is None  # as long as the other may be at it
    before = cloud.keys("incoming/feedback/", "data")
    join_feedback.join_waiting(NOW + joining.LEASE)

    assert cloud.labelled() == {"a": "1"}
    assert cloud.keys("incoming/feedback/", "data") == before
    assert len(cloud.s3.list_object_versions(Bucket="data", Prefix="incoming/feedback/")["Versions"]) == 1
    ((waiting,),) = cloud.tables("feedback/waiting/")
    assert waiting["inference_id"] == "late"
    assert cloud.log.status()["matched"] == 1


def test_of_two_joins_that_begin_at_the_same_moment_one_goes_on(cloud, functions, monkeypatch):
    waiting = functions.joining.waiting
    waiting.add("batch", labels({"inference_id": "a"}))
    monkeypatch.setattr(type(waiting), "_plan", lambda _: (None, ""))
    waiting.open_plan(NOW, joining.LEASE, 10)

    with pytest.raises(BusyError):
        waiting.open_plan(NOW, joining.LEASE, 10)


def test_a_call_is_joined_as_a_file_is(cloud, take):
    cloud.predict(("10 08:00", "a", "ann"))

    answer = take_feedback.handler(
        {"labels": [{"inference_id": "a", "label": 1}, {"inference_id": "b", "label": "maybe"}]}, None
    )
    (key,) = cloud.keys("feedback/api/", "data")
    take(cloud.drop(cloud.s3.get_object(Bucket="data", Key=key)["Body"].read(), key))

    assert (answer["accepted"], answer["refused"], answer["stored_as"]) == (1, 1, key)
    assert cloud.labelled() == {"a": "1"}
    assert cloud.log.status()["refused"] == 1
