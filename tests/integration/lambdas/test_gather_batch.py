"""A marker and a manifest, through the handler, to what it writes."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from headrace.aws.file_ledger import FileLedger, FileRecord
from headrace.config.pipeline import Pipeline
from lambdas.gather_batch import handler as gather_batch

PIPELINE = Pipeline(name="bike", problem="regression", target="cnt", arrival={"train": "batch"})


@pytest.fixture
def gather(cloud, monkeypatch):
    """The function as it is deployed, beside the ingestion that fills the ledger."""
    monkeypatch.setattr(gather_batch, "bundled_pipeline", lambda: PIPELINE)
    gather_batch._deps.cache_clear()
    ports = gather_batch._deps()[2]

    def put_events(Entries):  # noqa: N803 - AWS's name
        cloud.events += Entries
        return {"FailedEntryCount": 0}

    monkeypatch.setattr(ports.events._client, "put_events", put_events)

    def gather(key, version):
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
        (marker,) = [
            item
            for item in cloud.s3.list_object_versions(Bucket="data", Prefix=key)["Versions"]
            if item["VersionId"] == version
        ]
        detail = {
            "bucket": {"name": "data"},
            "object": {"key": key, "version-id": version, "size": marker["Size"]},
        }
        return gather_batch.handler({"time": marker["LastModified"].isoformat(), "detail": detail}, context)

    yield gather
    gather_batch._deps.cache_clear()


def put(cloud, key, body=b""):
    return cloud.s3.put_object(Bucket="data", Key=key, Body=body)["VersionId"]


def account(cloud, key, version, **fields):
    record = FileRecord(key, version, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", **fields)
    FileLedger(cloud.tables.Table("ledger")).record(record)


def everything(cloud):
    return cloud.tables.Table("ledger").scan()["Items"]


def test_more_files_than_one_page_lists_are_one_batch(cloud, gather, monkeypatch):
    """S3 lists a thousand versions at a time; here ten."""
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "10")
    names = [f"incoming/day/{n:04}.csv" for n in range(25)]
    for name in names:
        account(cloud, name, put(cloud, name), rows=1)
    marker = put(cloud, "incoming/day/_SUCCESS")

    result = gather("incoming/day/_SUCCESS", marker)

    assert cloud.s3.list_object_versions(Bucket="data", Prefix="incoming/day/")["IsTruncated"]
    assert (result["state"], result["files"], result["rows"]) == ("accepted", 25, 25)


def test_a_batch_is_written_down_and_announced_once(cloud, gather):
    key = "incoming/day/a\n+ü %20.csv"
    account(cloud, key, put(cloud, key), rows=3)
    marker = put(cloud, "incoming/day/_SUCCESS")

    for _ in range(3):
        assert gather("incoming/day/_SUCCESS", marker)["state"] == "accepted"

    (event,) = cloud.events
    assert event["DetailType"] == "BatchAccepted"
    assert json.loads(event["Detail"])["rows"] == 3
    (item,) = [item for item in everything(cloud) if item["pk"] == "batch"]
    assert (item["key"], item["files"], item["missing"]) == ("incoming/day/_SUCCESS", 1, [])


def test_a_batch_whose_announcement_failed_is_announced_at_the_next_look(cloud, gather, monkeypatch):
    account(cloud, "incoming/a.csv", put(cloud, "incoming/a.csv"), rows=3)
    marker = put(cloud, "incoming/_SUCCESS")
    ports = gather_batch._deps()[2]

    def broken(Entries):  # noqa: N803 - AWS's name
        raise ConnectionError("the bus is away")

    with monkeypatch.context() as patch:
        patch.setattr(ports.events._client, "put_events", broken)
        with pytest.raises(ConnectionError):
            gather("incoming/_SUCCESS", marker)
    gather("incoming/_SUCCESS", marker)

    assert len(cloud.events) == 1


def test_a_manifest_that_cannot_be_used_lies_in_quarantine_with_the_reason(cloud, gather):
    version = put(cloud, "incoming/x.manifest.json", b'{"entries": [{"url": "s3://other/incoming/a.csv"}]}')

    result = gather("incoming/x.manifest.json", version)

    assert result["state"] == "refused"
    reason = cloud.reason()
    assert (reason["file"], reason["code"]) == ("incoming/x.manifest.json", "manifest")
    assert reason["why"] == "entry 1 is in the bucket 'other'; files must be in 'data'"
    assert f"quarantine/x.manifest.json/{version}/original" in cloud.keys("quarantine/")
    assert {item["pk"] for item in everything(cloud)} == {"file", "quarantine"}
