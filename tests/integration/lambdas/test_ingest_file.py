"""Dropped files, through the handler, to everything that it writes."""

import gzip
import io
import json
from types import SimpleNamespace

import awswrangler as wr
import boto3
import pandas as pd
import pytest
import requests
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from moto import mock_aws

from headrace.config.pipeline import Pipeline
from lambdas.ingest_file import handler as ingest_file

REGION = "us-east-1"
PIPELINE = Pipeline(
    name="bike",
    problem="regression",
    target="cnt",
    id="instant",
    time="day",
    ingest={"max_file_mb": 1, "max_bad_row_share": 0.5},
)
HEADER = "instant,day,Air Temp,cnt\n"
GOOD = HEADER + "".join(f"{n},2011-01-{n:02d},{n / 10},{n * 3}\n" for n in range(1, 11))
PARTLY_BAD = (
    HEADER
    + "21,2011-02-01,warm,5\n22,2011-02-02,0.3,9\n23,2011-02-03,0.4,\n24,2011-02-04,0.4,1\n25,2011-02-05,1,2\n"
)


class Cloud:
    """The resources of the data stack, and what they hold."""

    def __init__(self):
        self.s3 = boto3.client("s3", region_name=REGION)
        self.tables = boto3.resource("dynamodb", region_name=REGION)
        self.events = []

    def create(self):
        for bucket in ("data", "artifacts"):
            self.s3.create_bucket(Bucket=bucket)
        versioned = {"Status": "Enabled"}
        self.s3.put_bucket_versioning(Bucket="data", VersioningConfiguration=versioned)
        for name, keys in (("ledger", ["pk", "sk"]), ("once", ["id"])):
            self.tables.create_table(
                TableName=name,
                KeySchema=[
                    {"AttributeName": key, "KeyType": kind}
                    for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
                ],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
                BillingMode="PAY_PER_REQUEST",
            )
        boto3.client("glue", region_name=REGION).create_database(DatabaseInput={"Name": "headrace_bike"})

    def drop(self, body, key="2011-01.csv"):
        """Put a file, and return the message that would announce it."""
        body = body.encode() if isinstance(body, str) else body
        version = self.s3.put_object(Bucket="data", Key=f"incoming/{key}", Body=body)["VersionId"]
        return message(f"incoming/{key}", version, len(body))

    def keys(self, prefix, bucket="data"):
        return [o["Key"] for o in self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]

    def text(self, key, bucket="data"):
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()

    def curated(self):
        frames = [
            pd.read_parquet(io.BytesIO(self.s3.get_object(Bucket="data", Key=key)["Body"].read()))
            for key in self.keys("curated/")
        ]
        return pd.concat(frames) if frames else pd.DataFrame()

    def ledger(self):
        return self.tables.Table("ledger").scan()["Items"]

    def reason(self):
        (key,) = [key for key in self.keys("quarantine/") if key.endswith("reason.json")]
        return json.loads(self.text(key))


def message(key, version, size, at="2026-01-31T12:00:00Z"):
    event = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": at,
        "detail": {"bucket": {"name": "data"}, "object": {"key": key, "version-id": version, "size": size}},
    }
    return {"messageId": f"{key}#{version}", "body": json.dumps(event), "eventSource": "aws:sqs"}


ENVIRONMENT = {
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "DATA_BUCKET": "data",
    "ARTIFACTS_BUCKET": "artifacts",
    "LEDGER_TABLE": "ledger",
    "IDEMPOTENCY_TABLE": "once",
    "GLUE_DATABASE": "headrace_bike",
    "GLUE_TABLE": "curated",
    "POWERTOOLS_METRICS_NAMESPACE": "Headrace",
}


@pytest.fixture(scope="module")
def function():
    """The function as it is deployed; its clients are made once, as in Lambda."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        patch.setattr(ingest_file, "bundled_pipeline", lambda: PIPELINE)
        ingest_file._deps.cache_clear()
        yield ingest_file._deps()
        ingest_file._deps.cache_clear()


@pytest.fixture
def cloud(function, monkeypatch):
    requests.post("http://motoapi.amazonaws.com/moto-api/reset", timeout=10)
    cloud = Cloud()
    cloud.create()

    def put_events(Entries):  # noqa: N803 - AWS's name
        cloud.events += Entries
        return {"FailedEntryCount": 0}

    monkeypatch.setattr(function.ports.announcements._client, "put_events", put_events)
    return cloud


@pytest.fixture
def log():
    """What the function logs; its handler has taken hold of the standard output long before."""
    written, handler = io.StringIO(), ingest_file.logger.handlers[0]
    before = handler.setStream(written)
    yield written
    handler.setStream(before)


def take(*messages):
    """Run the handler on one batch, and return the ids of the messages that are to come again."""
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
    try:
        answer = ingest_file.handler({"Records": list(messages)}, context)
    except BatchProcessingError:  # of all of them
        return [message["messageId"] for message in messages]
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def test_a_good_file_becomes_typed_rows_in_the_catalogue(cloud):
    assert take(cloud.drop(GOOD)) == []

    rows = cloud.curated()
    assert rows["cnt"].tolist() == [3.0 * n for n in range(1, 11)]
    assert rows["air_temp"].dtype == "float64"
    table = wr.catalog.get_table_types(database="headrace_bike", table="curated")
    assert table == {
        "instant": "string",
        "day": "timestamp",
        "air_temp": "double",
        "cnt": "double",
        "ingest_date": "string",
    }
    assert wr.catalog.get_partitions(database="headrace_bike", table="curated") == {
        "s3://data/curated/ingest_date=2026-01-31/": ["2026-01-31"]
    }


def test_a_good_file_is_written_down_and_announced(cloud):
    take(cloud.drop(GOOD))

    (item,) = cloud.ledger()
    assert (item["key"], item["rows"], item["quarantined"], item["refused"]) == (
        "incoming/2011-01.csv",
        10,
        0,
        None,
    )
    assert len(item["sha256"]) == 64
    (event,) = cloud.events
    assert event["DetailType"] == "DataAccepted"
    assert json.loads(event["Detail"])["rows"] == 10
    assert cloud.keys("quarantine/") == []


def test_the_good_rows_of_a_partly_bad_file_are_kept(cloud):
    take(cloud.drop(GOOD))
    take(cloud.drop(PARTLY_BAD, "2011-02.csv"))

    assert len(cloud.curated()) == 10 + 3
    (rejected,) = [key for key in cloud.keys("quarantine/2011-02.csv/") if key.endswith("rejected.csv")]
    refused = pd.read_csv(io.StringIO(cloud.text(rejected)), dtype=str)
    assert refused[["row", "bad_column", "value_class", "reason"]].to_numpy().tolist() == [
        ["1", "Air Temp", "text", "not_a_number"],
        ["3", "cnt", "nothing", "missing"],
    ]
    assert refused["Air Temp"].tolist() == ["warm", "0.4"]


def test_the_reason_names_row_and_column_and_repeats_no_value(cloud):
    take(cloud.drop(GOOD))
    take(cloud.drop(PARTLY_BAD, "2011-02.csv"))

    reason = cloud.reason()
    assert (reason["file"], reason["accepted"], reason["rows"]) == ("incoming/2011-02.csv", 3, 2)
    assert {(e["row"], e["column"], e["reason"]) for e in reason["examples"]} == {
        (1, "Air Temp", "not_a_number"),
        (3, "cnt", "missing"),
    }
    assert "warm" not in json.dumps(reason)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty"),
        (HEADER.encode(), "no_rows"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary"),
        (b"<html><body>Sign in</body></html>", "not_a_table"),
        (b'{"instant": 1}', "contract"),
        (b"PAR1 cut off", "damaged"),
        (gzip.compress(GOOD.encode())[:40], "broken_archive"),
        (b"a,b\n1,2\n", "contract"),
        ((HEADER + "1,2011-01-01,x,1\n2,2011-01-02,y,\n3,2011-01-03,z,\n").encode(), None),
        (GOOD.encode() + b"9" * 2**20, "too_large"),
        (gzip.compress(GOOD.encode() + b"\n" * 2**21), "too_large"),
    ],
    ids="empty header image page json parquet gzip columns kinds large bomb".split(),
)
def test_a_file_that_cannot_be_used_is_kept_whole_with_the_reason(cloud, body, code):
    if code is None:
        take(cloud.drop(GOOD, "first.csv"))
        code = "too_many_bad_rows"
    assert take(cloud.drop(body, "bad.csv")) == []

    reason = cloud.reason()
    assert reason["code"] == code
    assert reason["why"]
    (original,) = [key for key in cloud.keys("quarantine/bad.csv/") if key.endswith("original")]
    assert cloud.s3.get_object(Bucket="data", Key=original)["Body"].read() == body
    assert [item["refused"] for item in cloud.ledger() if "bad" in item["key"]] == [code]
    assert all("bad.csv" not in event["Detail"] for event in cloud.events)


def test_a_refused_file_leaves_its_tags_behind(cloud):
    """To copy them takes permissions on tags, which the function does not have."""
    announced = cloud.drop(b"", "bad.csv")
    tags = {"TagSet": [{"Key": "owner", "Value": "ops"}]}
    cloud.s3.put_object_tagging(Bucket="data", Key="incoming/bad.csv", Tagging=tags)

    assert take(announced) == []

    (original,) = [key for key in cloud.keys("quarantine/bad.csv/") if key.endswith("original")]
    assert cloud.s3.get_object_tagging(Bucket="data", Key=original)["TagSet"] == []


def test_a_version_that_was_overwritten_meanwhile_is_the_one_that_is_kept_in_quarantine(cloud):
    announced = cloud.drop(b"not,what\n1,2\n", "a.csv")
    cloud.drop(GOOD, "a.csv")

    take(announced)

    (original,) = [key for key in cloud.keys("quarantine/a.csv/") if key.endswith("original")]
    assert cloud.text(original) == "not,what\n1,2\n"


def test_parquet_and_gzip_are_recognised_by_their_content(cloud):
    frame = pd.read_csv(io.StringIO(GOOD))
    buffer = io.BytesIO()
    frame.to_parquet(buffer)

    assert take(cloud.drop(buffer.getvalue(), "a.csv")) == []
    later = GOOD.replace("2011-01", "2011-02").encode()
    assert take(cloud.drop(gzip.compress(later), "b.txt")) == []

    assert len(cloud.curated()) == 20


@pytest.mark.parametrize(
    "key", ["a b.csv", "größe+1.csv", "2011/01/März (final) %20.csv", "a&b=c?.csv", "日本.csv"]
)
def test_any_name_of_a_file_will_do(cloud, key):
    assert take(cloud.drop(GOOD, key)) == []
    assert take(cloud.drop(PARTLY_BAD, key)) == []

    assert len(cloud.curated()) == 13
    assert any(name.startswith(f"quarantine/{key}/") for name in cloud.keys("quarantine/"))


@pytest.mark.parametrize("letter", ["n", "温"])
def test_the_longest_name_that_s3_allows_will_do(cloud, letter):
    key = letter * ((1024 - len("incoming/.csv")) // len(letter.encode())) + ".csv"

    assert take(cloud.drop(GOOD, key)) == []
    assert take(cloud.drop(PARTLY_BAD, key)) == []

    assert len(cloud.curated()) == 13
    assert [item["key"] for item in cloud.ledger()] == [f"incoming/{key}"] * 2
    assert cloud.reason()["file"] == f"incoming/{key}"


def test_an_event_that_comes_twice_is_taken_once(cloud):
    announced = cloud.drop(GOOD)

    take(announced)
    take(announced)

    assert len(cloud.curated()) == 10
    assert len(cloud.ledger()) == 1
    assert len(cloud.events) == 1


def test_a_new_version_of_a_file_is_another_file(cloud):
    first = cloud.drop(GOOD)
    second = cloud.drop(GOOD.replace("2011-01", "2011-03"))

    take(first, second)

    days = cloud.curated()["day"]
    assert sorted(set(days.dt.strftime("%Y-%m"))) == ["2011-01", "2011-03"]
    assert len(cloud.ledger()) == 2


def test_a_message_that_fails_comes_again_and_holds_up_no_other(cloud):
    lost = {**message("incoming/foreign.csv", "v1", 10), "body": '{"source": "aws.s3"}'}

    assert take(lost, cloud.drop(GOOD)) == [lost["messageId"]]
    assert len(cloud.curated()) == 10


def test_a_file_that_was_deleted_before_it_was_read_is_written_down_as_missing(cloud):
    announced = cloud.drop(GOOD)
    for version in cloud.s3.list_object_versions(Bucket="data")["Versions"]:
        cloud.s3.delete_object(Bucket="data", Key=version["Key"], VersionId=version["VersionId"])

    assert take(announced) == []

    (item,) = cloud.ledger()
    assert (item["refused"], item["sha256"]) == ("object_missing", "")
    assert cloud.reason()["code"] == "object_missing"


def test_a_file_whose_ledger_entry_failed_is_taken_again_and_not_doubled(cloud, monkeypatch):
    announced = cloud.drop(GOOD)
    ledger = ingest_file._deps().ports.ledger

    def broken(_):
        raise ConnectionError("the table is away")

    with monkeypatch.context() as patch:
        patch.setattr(type(ledger), "record", lambda self, file: broken(file))
        assert take(announced) == [announced["messageId"]]
    assert take(announced) == []

    assert len(cloud.curated()) == 10
    assert len(cloud.ledger()) == 1


def test_a_folder_made_in_the_console_is_no_file(cloud):
    assert take(cloud.drop(b"", "2011/")) == []

    assert cloud.ledger() == []
    assert cloud.keys("quarantine/") == []


def test_no_value_of_a_row_is_logged(cloud, log, capfd):
    secret = "Hildegard4711"
    take(cloud.drop(GOOD))
    take(cloud.drop(HEADER + f"31,2011-02-01,{secret},5\n" + "32,2011-02-02,1,5\n" * 1, "2.csv"))

    printed = capfd.readouterr()
    assert "file taken" in log.getvalue()
    assert secret not in log.getvalue() + printed.out + printed.err


def test_the_counts_of_rows_become_metrics(cloud, capfd):
    take(cloud.drop(GOOD))
    capfd.readouterr()
    take(cloud.drop(PARTLY_BAD, "2.csv"))

    emitted = [json.loads(line) for line in capfd.readouterr().out.splitlines() if '"_aws"' in line]
    values = {name: value for line in emitted for name, value in line.items() if isinstance(value, list)}
    assert (values["RowsAccepted"], values["RowsQuarantined"], values["FilesAccepted"]) == (
        [3.0],
        [2.0],
        [1.0],
    )
