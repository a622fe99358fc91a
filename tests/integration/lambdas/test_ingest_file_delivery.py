"""What S3, EventBridge and SQS may do to the events of files: late, twice, out of order, or of another kind."""

import csv
import io
import json
import unicodedata
from types import SimpleNamespace

import pytest
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError

from headrace.aws.curated import read_curated
from headrace.aws.training_log import TrainingLog
from headrace.ml.contract import Contract
from lambdas.ingest_file import handler as ingest_file
from lambdas.snapshot_data.parts import deal
from tests.integration.lambdas.ingestion import GOOD, HEADER, PARTLY_BAD, PIPELINE, message, take


def accounted(cloud):
    """Return how many files were taken, and how many are in quarantine, and check that the ledger says the same."""
    entries = cloud.ledger()
    refused = [item for item in entries if item["refused"]]
    reasons = [key for key in cloud.keys("quarantine/") if key.endswith("/reason.json")]
    assert len(cloud.keys("curated/")) == len([item for item in entries if item["rows"]])
    assert len(reasons) >= len(refused)
    return len(entries) - len(refused), len(refused)


# --- the same event, more than once


def test_an_event_that_comes_five_times_one_after_the_other_has_one_result(cloud):
    announced = cloud.drop(GOOD)

    for _ in range(5):
        assert take(announced) == []

    assert accounted(cloud) == (1, 0)
    assert len(cloud.curated()) == 10
    assert len(cloud.events) == 1


def test_an_event_that_comes_while_its_file_is_being_taken_has_to_come_again(cloud, function, monkeypatch):
    announced, refused = cloud.drop(GOOD), []
    catalogue = type(function.ports.curated)
    store = catalogue.store

    def store_meanwhile(self, rows, **named):
        for _ in range(4):
            with pytest.raises(IdempotencyAlreadyInProgressError):
                ingest_file.take_message(SimpleNamespace(body=announced["body"]))
            refused.append(announced)
        return store(self, rows, **named)

    monkeypatch.setattr(catalogue, "store", store_meanwhile)
    assert take(announced) == []
    assert take(*refused) == []

    assert accounted(cloud) == (1, 0)
    assert len(cloud.events) == 1


def test_an_event_that_comes_twice_in_one_batch_has_one_result(cloud):
    announced = cloud.drop(GOOD)

    assert take(announced, {**announced, "messageId": "again"}) == []

    assert accounted(cloud) == (1, 0)


def test_a_multipart_upload_that_is_announced_twice_is_one_file(cloud):
    first = cloud.drop(GOOD)
    event = json.loads(first["body"])
    again = {**event, "id": "another", "detail": {**event["detail"], "reason": "CompleteMultipartUpload"}}

    assert take(first, {**first, "messageId": "2", "body": json.dumps(again)}) == []

    assert accounted(cloud) == (1, 0)


def test_an_event_that_comes_six_hours_late_is_filed_under_the_day_of_the_file(cloud):
    announced = cloud.drop(GOOD)

    take({**announced, "body": announced["body"].replace("12:00:00", "23:59:00")})

    assert [key.split("/")[1] for key in cloud.keys("curated/")] == ["ingest_date=2026-01-31"]


# --- versions of one key


def versions(cloud, *bodies):
    """Drop bodies under one key within one second; return their events, each with its sequencer."""
    events = []
    for number, body in enumerate(bodies, start=1):
        version = cloud.s3.put_object(Bucket="data", Key="incoming/a.csv", Body=body)["VersionId"]
        # Two digits apart, because S3 may write sequencers of different lengths.
        sequencer = f"{number * 0xF8:X}"
        events.append(message("incoming/a.csv", version, len(body), sequencer=sequencer))
    return events


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_versions_within_a_second_the_later_one_replaces_rows_in_whatever_order_events_come(
    cloud, order
):
    corrected = GOOD.replace(",3\n", ",999\n")
    events = versions(cloud, GOOD.encode(), corrected.encode())

    for place in order:
        take(events[place])

    assert accounted(cloud) == (2, 0)
    assert trained_on(cloud)["1"] == 999


def trained_on(cloud):
    """Return the target of each id, as a training would see it."""
    files = TrainingLog(cloud.tables.Table("ledger")).files()
    contract = Contract.from_dict(json.loads(cloud.text("contract/contract.json", "artifacts")))
    tables = [read_curated(cloud.s3, uri).table for item in files for uri in item["curated_paths"]]
    parts = deal(tables, PIPELINE, contract).parts.values()
    return {row["instant"]: row["cnt"] for table in parts for row in table.to_pylist()}


def test_ten_versions_in_quick_succession_are_ten_files_in_their_order(cloud):
    events = versions(cloud, *(GOOD.replace(",3\n", f",{n}\n").encode() for n in range(10)))

    take(*reversed(events))

    assert accounted(cloud) == (10, 0)
    assert trained_on(cloud)["1"] == 9


def test_a_file_that_was_deleted_behind_a_marker_is_still_taken(cloud):
    announced = cloud.drop(GOOD)
    cloud.s3.delete_object(Bucket="data", Key="incoming/2011-01.csv")

    take(announced)

    assert accounted(cloud) == (1, 0)


def test_a_file_whose_version_is_gone_is_accounted_for_in_quarantine(cloud):
    announced = cloud.drop(GOOD)
    version = json.loads(announced["body"])["detail"]["object"]["version-id"]
    cloud.s3.delete_object(Bucket="data", Key="incoming/2011-01.csv", VersionId=version)

    assert take(announced) == []

    assert accounted(cloud) == (0, 1)
    assert cloud.reason()["code"] == "object_missing"


# --- messages of other kinds


def test_a_batch_without_messages_is_no_error(cloud):
    assert take() == []


def test_s3s_test_event_is_ignored(cloud):
    greeting = {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Bucket": "data",
        "RequestId": "r",
        "HostId": "h",
    }

    assert take({"messageId": "1", "body": json.dumps(greeting), "eventSource": "aws:sqs"}) == []

    assert accounted(cloud) == (0, 0)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not JSON",
        "[]",
        "{}",
        '{"detail": {"object": {"key": "incoming/a.csv"}}}',
        '{"Records": [{"eventSource": "aws:s3"}]}',
        message("curated/a.parquet", "v", 1)["body"],
        message("quarantine/incoming/a.csv", "v", 1)["body"],
    ],
    ids="empty text list object bucketless notification curated quarantine".split(),
)
def test_a_message_that_announces_no_dropped_file_fails_and_holds_up_no_other(cloud, body):
    """After three attempts it lies with the dead letters; what the function itself writes never comes in again."""
    foreign = {"messageId": "foreign", "body": body, "eventSource": "aws:sqs"}

    assert take(foreign, cloud.drop(GOOD)) == ["foreign"]

    assert accounted(cloud) == (1, 0)


def test_of_a_batch_only_the_messages_that_failed_come_again(cloud):
    good, bad = cloud.drop(GOOD, "1.csv"), cloud.drop(b"", "2.csv")
    broken = [{"messageId": name, "body": "{", "eventSource": "aws:sqs"} for name in "ab"]

    assert take(broken[0], good, broken[1], bad) == ["a", "b"]

    assert accounted(cloud) == (1, 1)


# --- markers and manifests


@pytest.mark.parametrize("key", ["_SUCCESS", "day/_SUCCESS", "day/all.manifest.json"])
def test_markers_and_manifests_are_neither_data_nor_empty_files(cloud, key):
    assert take(cloud.drop(b"", key)) == []

    assert accounted(cloud) == (0, 0)
    assert cloud.keys("quarantine/") == []


# --- keys

KEYS = {
    "spaces": "a b  c.csv",
    "plus and percent": "a+b%20c%2Fd%.csv",
    "composed": unicodedata.normalize("NFC", "größe-é.csv"),
    "decomposed": unicodedata.normalize("NFD", "größe-é.csv"),
    "emoji": "📈 2026.csv",
    "newline": "a\nb\tc.csv",
    "encoded dots": "..%2f..%2fetc/passwd",
    "two slashes": "a//b.csv",
    "leading slash": "/a.csv",
    "formula": "=cmd|' /C calc'!A0.csv",
    "case": "DATA.CSV",
    "other case": "data.csv",
    "no extension": "data",
    "looks like output": "curated/ingest_date=2026-01-31/a.parquet",
    "looks like quarantine": "quarantine/a.csv/v1/reason.json",
    "quote": "a'b\"c;d,e.csv",
}


def test_a_file_with_any_name_is_taken_and_its_refused_rows_lie_under_that_name(cloud):
    take(cloud.drop(GOOD, "first.csv"))

    assert take(*(cloud.drop(PARTLY_BAD, key) for key in KEYS.values())) == []

    assert accounted(cloud) == (1 + len(KEYS), 0)
    versions = {item["key"]: item["version_id"] for item in cloud.ledger()}
    refused = {name.rpartition("/")[0] for name in cloud.keys("quarantine/")}
    assert refused == {f"quarantine/{key}/{versions[f'incoming/{key}']}" for key in KEYS.values()}


def test_keys_that_differ_only_in_case_or_composition_are_different_files(cloud):
    keys = [KEYS[name] for name in ("case", "other case", "composed", "decomposed")]

    take(*(cloud.drop(GOOD, key) for key in keys))

    assert accounted(cloud) == (4, 0)


def test_a_name_that_is_a_formula_is_in_no_table_that_a_spreadsheet_opens(cloud):
    take(cloud.drop(GOOD, "first.csv"))
    take(cloud.drop(PARTLY_BAD, KEYS["formula"]))

    (rejected,) = [key for key in cloud.keys("quarantine/") if key.endswith("rejected.csv")]
    cells = [cell for row in csv.reader(io.StringIO(cloud.text(rejected))) for cell in row]
    assert not any(cell.startswith("=") for cell in cells)


# --- the invariant


def test_every_file_that_was_dropped_is_accepted_or_in_quarantine_and_none_twice(cloud):
    bad = [b"", b"<html>", HEADER.encode(), b"\x89PNG\r\n\x1a\n\0"]
    dropped = [cloud.drop(GOOD if n % 4 else bad[n // 4 % 4], f"{n}.csv") for n in range(24)]

    for first in range(0, 24, 7):
        assert take(*dropped[first : first + 7]) == []
    assert take(*dropped[::3]) == []

    assert accounted(cloud) == (18, 6)
    assert len(cloud.curated()) == 18 * 10
