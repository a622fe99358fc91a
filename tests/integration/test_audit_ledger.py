"""The audit ledger in S3, with AWS's services as moto has them: nothing is lost, nothing forks, every change is told."""

import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import boto3
import pytest
from boto3.dynamodb.conditions import Key
from moto.s3.responses import S3Response

from headrace.aws.audit_ledger import AuditHead, AuditLedger, CrowdedError
from headrace.aws.audit_lines import AuditLines
from headrace.aws.deployed_pipeline import DeployedPipeline
from headrace.cli import main
from headrace.ml.audit.chain import Record, chained, origin, read_entry
from tests.integration.ledger import create_ledger

BUCKET, OTHERS = "records", "arn:aws:iam::123456789012:user/eve"


class Account:
    """A pipeline with an audit ledger, as far as the ledger is concerned."""

    def __init__(self):
        self.s3, self.table = boto3.client("s3"), create_ledger()
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        self.outputs = {"LedgerTableName": "ledger", "AuditBucketName": BUCKET}

    def ledger(self, wait=lambda _: None):
        return AuditLedger(boto3.client("s3"), BUCKET, AuditHead(self.table, "bike"), wait)

    def pipeline(self, name="bike"):
        return DeployedPipeline(name, self.outputs, boto3.Session())

    def fill(self, count):
        ledger = self.ledger()
        return [ledger.append(happening(number)) for number in range(1, count + 1)]

    def put(self, number, body):
        self.s3.put_object(Bucket=BUCKET, Key=key(number), Body=body)

    def only(self, number, body):
        """Put bytes in the place of all versions of an entry, as whoever may delete versions could."""
        self.delete(number)
        self.put(number, body)

    def delete(self, number):
        for item in self.s3.list_object_versions(Bucket=BUCKET, Prefix=key(number)).get("Versions", []):
            self.s3.delete_object(Bucket=BUCKET, Key=item["Key"], VersionId=item["VersionId"])

    def body(self, number):
        return self.s3.get_object(Bucket=BUCKET, Key=key(number))["Body"].read()


def one_at_a_time(function):
    lock = threading.Lock()

    def alone(*arguments):
        with lock:
            return function(*arguments)

    return alone


def key(number):
    return f"ledger/{number:012}.json"


def happening(number, **about):
    event = "approved" if number % 2 else "deployed"
    by = "arn:aws:iam::123456789012:user/ann" if number % 2 else "execution e1"
    return Record(
        f"id-{number}", f"2026-11-30T10:{number:02}:00+00:00", event, by, {"version": number, **about}
    )


@pytest.fixture
def bike(account, monkeypatch):
    bike = Account()
    monkeypatch.setattr(DeployedPipeline, "find", bike.pipeline)
    return bike


@pytest.fixture
def audit(capsys):
    def audit(*arguments):
        code = main(["audit", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return audit


def found(audit, *arguments):
    code, out, _ = audit("verify", "bike", "--json", *arguments)
    return code, [(each["number"], each["kind"]) for each in json.loads(out)["findings"]]


def test_what_is_appended_is_chained_kept_and_shown(bike, audit):
    entries = bike.fill(3)

    assert entries[0].previous == origin("bike").hash
    assert [entry.previous for entry in entries[1:]] == [entry.hash for entry in entries[:2]]
    shown = json.loads(audit("show", "bike", "--json")[1])["entries"]
    assert [entry["number"] for entry in shown] == [3, 2, 1]
    assert found(audit) == (0, [])
    head = json.loads(audit("verify", "bike", "--json")[1])["head"]
    assert head == f"3:{entries[2].hash}"
    assert found(audit, "--head", head) == (0, [])


def test_entries_are_filtered_by_what_who_and_version(bike, audit):
    bike.fill(6)

    def numbers(*filters):
        return [
            entry["number"] for entry in json.loads(audit("show", "bike", "--json", *filters)[1])["entries"]
        ]

    assert numbers("--event", "approved") == [5, 3, 1]
    assert numbers("--by", "user/ann", "--last", "2") == [5, 3]
    assert numbers("--version", "v4") == [4]
    assert "no such entry" in audit("show", "bike", "--event", "erased")[1]


def test_writers_at_the_same_time_get_a_place_each_and_nothing_is_lost(bike, audit, monkeypatch):
    # S3 looks whether a key is free and takes it in one step; the emulator does so in two.
    monkeypatch.setattr(S3Response, "put_object", one_at_a_time(S3Response.put_object))
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(bike.ledger().append, happening(number)) for number in range(1, 41)]
        numbers = sorted(job.result().number for job in jobs)

    assert numbers == list(range(1, 41))
    shown = json.loads(audit("show", "bike", "--json", "--last", "99")[1])["entries"]
    assert {entry["id"] for entry in shown} == {f"id-{number}" for number in range(1, 41)}
    assert found(audit) == (0, [])


def test_what_is_told_twice_is_written_once_even_if_the_head_was_not_kept(bike):
    first, second = bike.fill(2)
    assert bike.ledger().append(happening(2)) is None

    bike.table.delete_item(Key={"pk": "audit", "sk": "head"})  # as after a crash before anything was kept

    assert bike.ledger().append(happening(2)) is None
    third = bike.ledger().append(happening(3))
    assert (third.number, third.previous) == (3, second.hash)
    assert first.number == 1


def test_a_head_that_lags_behind_is_caught_up_with(bike, audit):
    bike.fill(1)
    kept = bike.table.get_item(Key={"pk": "audit", "sk": "head"})["Item"]
    bike.ledger().append(happening(2))
    bike.table.put_item(Item=kept)

    assert bike.ledger().append(happening(3)).number == 3
    assert found(audit) == (0, [])


def test_somebody_who_always_comes_too_late_is_told_so(bike):
    bike.fill(1)

    class Busy:
        def put_object(self, **_):
            from botocore.exceptions import ClientError  # noqa: PLC0415 - one test of many

            raise ClientError({"Error": {"Code": "ConditionalRequestConflict"}}, "PutObject")

    waited = []
    ledger = AuditLedger(Busy(), BUCKET, AuditHead(bike.table, "bike"), waited.append)

    with pytest.raises(CrowdedError):
        ledger.append(happening(2))
    assert len(waited) == 200


def test_an_entry_that_was_written_over_is_told_and_so_is_one_whose_versions_are_all_new(bike, audit):
    entries = bike.fill(4)
    forged = chained(Record("x", "2026-11-30T10:00:00+00:00", "approved", OTHERS), entries[1].head)
    bike.put(3, forged.as_bytes())
    assert found(audit) == (1, [(3, "forked")])

    bike.only(3, forged.as_bytes())
    assert found(audit) == (1, [(4, "forked")])

    bike.only(3, entries[2].as_bytes()[:-1] + b" ")
    code, out, err = audit("verify", "bike")
    assert (code, "altered" in out, "is not what was written" in err) == (1, True, True)


def test_drawn_bytes_of_stored_entries_are_all_told(bike, audit):
    entries, rng = bike.fill(5), random.Random(7)
    for _ in range(10):
        number = rng.randint(1, 5)
        body = bytearray(entries[number - 1].as_bytes())
        body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
        bike.only(number, bytes(body))

        assert (number, "altered") in found(audit)[1]
        bike.only(number, entries[number - 1].as_bytes())
    assert found(audit) == (0, [])


def test_an_entry_that_is_gone_hidden_or_moved_is_told(bike, audit):
    entries = bike.fill(5)
    bike.s3.delete_object(Bucket=BUCKET, Key=key(2))
    assert found(audit) == (1, [(2, "hidden")])

    bike.delete(4)
    assert (4, "missing") in found(audit)[1]

    bike.only(4, entries[4].as_bytes())
    assert (4, "moved") in found(audit)[1]


def test_an_end_that_was_cut_off_is_told_by_the_head_in_the_table(bike, audit):
    bike.fill(4)
    bike.delete(4)
    bike.delete(3)

    assert found(audit) == (1, [(3, "truncated")])


def test_an_end_that_was_cut_off_with_its_head_is_told_by_a_head_that_somebody_has_kept(bike, audit):
    entries = bike.fill(4)
    kept = f"4:{entries[3].hash}"
    bike.delete(4)
    bike.table.put_item(
        Item={"pk": "audit", "sk": "head", "number": 3, "hash": entries[2].hash, "recent": []}
    )

    assert found(audit) == (0, [])
    assert found(audit, "--head", kept) == (1, [(4, "truncated")])


def test_what_happens_after_somebody_broke_an_entry_is_still_written_down(bike, audit):
    bike.fill(2)
    bike.only(2, b"nothing")
    bike.table.delete_item(Key={"pk": "audit", "sk": "head"})

    assert bike.ledger().append(happening(3)).number == 3
    assert found(audit) == (1, [(2, "altered")])
    assert read_entry(bike.body(3)).record.id == "id-3"


def test_an_object_that_is_no_entry_is_told(bike, audit):
    bike.fill(1)
    bike.s3.put_object(Bucket=BUCKET, Key="ledger/note.txt", Body=b"")

    assert found(audit) == (1, [(0, "moved")])


def test_a_pipeline_without_a_ledger_says_how_to_get_one(bike, audit):
    del bike.outputs["AuditBucketName"]

    code, _, err = audit("verify", "bike")

    assert code == 2
    assert "audit: {ledger: true}" in err


@pytest.mark.parametrize("head", ["", "1", "0:" + 64 * "a", "1:" + 63 * "a", "1:" + 64 * "A"])
def test_a_head_that_is_none_is_refused(bike, audit, head):
    with pytest.raises(SystemExit):
        audit("verify", "bike", "--head", head)


def test_what_a_command_does_is_a_line_with_the_callers_arn_where_there_is_a_ledger(bike):
    lines, now = AuditLines(bike.pipeline()), datetime(2026, 11, 30, tzinfo=UTC)

    lines.add("exported", {"person": "hmac-1", "records": 2}, now)

    (item,) = bike.table.query(KeyConditionExpression=Key("pk").eq("audit"))["Items"]
    assert item["sk"].startswith("line#2026-11-30T00:00:00+00:00#")
    assert item["by"].startswith("arn:aws:sts::") or item["by"].startswith("arn:aws:iam::")
    assert (item["event"], json.loads(item["about"])) == ("exported", {"person": "hmac-1", "records": 2})

    del bike.outputs["AuditBucketName"]
    lines.add("exported", {}, now)
    assert bike.table.query(KeyConditionExpression=Key("pk").eq("audit"))["Count"] == 1
