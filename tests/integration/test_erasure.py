"""One person in every store of a pipeline, in several versions, and afterwards in none."""

import base64
import gzip
import io
import json
import zipfile
from itertools import count
from types import SimpleNamespace

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto import mock_aws

from headrace.aws.artifacts import Artifacts
from headrace.aws.erasure import Erasure, Search, as_json_lines
from headrace.aws.privacy import ErasedPeople
from headrace.aws.taken_files import taken_files
from headrace.ml.privacy.hashing import hashed_value
from headrace.ml.privacy.person import Person
from tests.integration.memory_s3 import MemoryS3

KEY = b"k" * 64
CANARY, OTHER = "canary-7431", "someone-else"
HASH = hashed_value(CANARY, KEY)
ORDER, OTHERS_ORDER = "order-55501", "order-55502"
DECLARED = {"id": "order", "subject": "customer", "personal": {"customer": "hash"}}
NOW = "2026-01-31T12:00:00+00:00"
TRACES = [each.encode() for each in (CANARY, HASH, ORDER)]


def parquet(**columns):
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def csv(*rows):
    return "".join(f"{','.join(row)}\n" for row in rows).encode()


def workbook():
    import openpyxl  # noqa: PLC0415 - one store of many

    book = openpyxl.Workbook()
    for row in (("order", "customer", "total"), (ORDER, CANARY, 1), (OTHERS_ORDER, OTHER, 2)):
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def captured(order):
    request = {
        "observedContentType": "text/csv",
        "mode": "INPUT",
        "data": f"total,order\n3,{order}\n",
        "encoding": "CSV",
    }
    return json.dumps({"captureData": {"endpointInput": request}, "eventMetadata": {"eventId": "1"}}) + "\n"


def captured_parquet(order):
    request = {
        "observedContentType": "application/x-parquet",
        "data": base64.b64encode(parquet(total=[3], order=[order])).decode(),
        "encoding": "BASE64",
    }
    return json.dumps({"captureData": {"endpointInput": request}, "eventMetadata": {"eventId": "2"}}) + "\n"


RAW = csv(["order", "customer", "total"], [ORDER, CANARY, "1"], [OTHERS_ORDER, OTHER, "2"])
BOTH = {"order": [ORDER, OTHERS_ORDER], "customer": [HASH, hashed_value(OTHER, KEY)], "total": [1.0, 2.0]}
STORES = {
    "data": {
        "incoming/a.csv": [RAW, RAW],
        "incoming/only.jsonl": [json.dumps({"order": ORDER, "customer": CANARY, "total": 1}).encode()],
        "incoming/a.csv.gz": [gzip.compress(RAW)],
        "incoming/a.xlsx": [workbook()],
        "incoming/page.html": [f"<p>{CANARY}</p>".encode()],
        "batch/b.csv": [RAW],
        "curated/ingest_date=2026-01-31/a.parquet": [parquet(**BOTH), parquet(**BOTH)],
        "curated/ingest_date=2026-01-31/only.parquet": [parquet(order=[ORDER], customer=[HASH])],
        "quarantine/a.csv/v1/rejected.csv": [
            csv(["row", "order", "customer"], ["3", ORDER, HASH], ["4", "x", "y"])
        ],
        "quarantine/b.csv/v1/original": [RAW],
        "refusals/date=2026-01-31/b.parquet": [parquet(order=[ORDER, OTHERS_ORDER], reason=["text", "text"])],
        "predictions/b.csv/predictions.csv": [
            csv(["order", "prediction"], [ORDER, "1"], [OTHERS_ORDER, "2"])
        ],
    },
    "artifacts": {
        "snapshots/0123456789abcdef/train.parquet": [parquet(**BOTH)],
        "capture/e/v1/2026/01/31/12/x.jsonl": [(captured(ORDER) + captured(OTHERS_ORDER)).encode()],
        "capture/e/v1/2026/01/31/12/y.jsonl": [captured_parquet(ORDER).encode()],
        "predictions/variant=v1/date=2026-01-31/x.parquet": [parquet(_entity=[ORDER, "x"], total=[1.0, 2.0])],
        "feedback/waiting/x.parquet": [parquet(entity=[ORDER, "x"], label=["1", "0"])],
        "feedback/labelled.jsonl.gz": [
            gzip.compress(f'{{"_entity": "{ORDER}"}}\n{{"_entity": "x"}}\n'.encode())
        ],
        "evaluations/run/evaluation.json": [json.dumps({"worst": [{"order": ORDER}]}).encode()],
        "async/output/1.out": [json.dumps({"predictions": [{"order": ORDER, "score": 1}]}).encode()],
        "transform/job/records-0.jsonl": [
            "".join(
                json.dumps({"row": row, "features": {"total": "1"}, "kept": {"order": order}}) + "\n"
                for row, order in enumerate((ORDER, OTHERS_ORDER), 1)
            ).encode()
        ],
        "labelled/date=2026-01-31/x.parquet": [parquet(_entity=[ORDER, "x"] * 500, _label=["1", "0"] * 500)],
        "drift/2026-01-31.html": [f"<td>{CANARY}</td>".encode()],
        "async/input/1": [json.dumps({"instances": [{"total": 1, "order": ORDER}]}).encode()],
    },
}


@pytest.fixture
def s3():
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        for bucket, objects in STORES.items():
            client.create_bucket(Bucket=bucket)
            client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
            for key, bodies in objects.items():
                for body in bodies:
                    client.put_object(Bucket=bucket, Key=key, Body=body)
        client.delete_object(Bucket="data", Key="incoming/only.jsonl")  # deleted, and still there
        boto3.resource("dynamodb", region_name="us-east-1").create_table(
            TableName="ledger",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        _take_all(client)
        yield client


def _take_all(client):
    """Write down that every dropped file but one was taken."""
    for item in client.list_object_versions(Bucket="data")["Versions"]:
        if item["Key"] != "incoming/a.csv.gz":
            partition = "prediction" if item["Key"].startswith("batch/") else "file"
            taken = {"pk": partition, "sk": item["VersionId"], "key": item["Key"]}
            ledger().put_item(Item={**taken, "version_id": item["VersionId"]})


@pytest.fixture
def asked():
    return []


def ledger():
    return boto3.resource("dynamodb", region_name="us-east-1").Table("ledger")


def erasure(s3, asked, idle=lambda: None):
    def mark(snapshots, at):
        asked.append(("mark", snapshots))
        return [3] if snapshots else []

    def train(name):
        asked.append(("train", name))
        return "arn:execution"

    person, search = Person.of(CANARY, DECLARED, KEY), Search(s3, ("data", "artifacts"))
    artifacts = Artifacts(s3, "artifacts")
    people = ErasedPeople(ledger())
    return Erasure(
        person,
        HASH,
        KEY,
        search,
        people,
        artifacts,
        "artifacts",
        lambda: taken_files(ledger()),
        idle,
        mark,
        train,
    )


def run(s3, asked):
    return erasure(s3, asked).run(NOW, train=True, progress=lambda text: None)


def unpacked(body):
    """Return the bytes, and those within archives and tables."""
    if body.startswith(b"\x1f\x8b"):
        return unpacked(gzip.decompress(body))
    if body.startswith(b"PAR1"):
        return body + repr(pq.read_table(io.BytesIO(body)).to_pydict()).encode()
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return b"".join(map(archive.read, archive.namelist()))
    return body


def places(s3, traces=TRACES):
    """Return every version of every object in which a trace is."""
    found = []
    for bucket in STORES:
        for item in s3.list_object_versions(Bucket=bucket).get("Versions", []):
            where = {"Bucket": bucket, "Key": item["Key"], "VersionId": item["VersionId"]}
            if any(trace in unpacked(s3.get_object(**where)["Body"].read()) for trace in traces):
                found.append(item["Key"])
    return sorted(found)


def end_state(s3):
    found = {}
    for bucket in STORES:
        listed = s3.list_object_versions(Bucket=bucket)
        for item in listed.get("Versions", []):
            if not item["Key"].startswith("privacy/"):
                body = s3.get_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])[
                    "Body"
                ].read()
                found.setdefault((bucket, item["Key"]), []).append(unpacked(body))
    return found


def test_no_version_of_no_object_has_a_trace_of_the_person_afterwards(s3, asked):
    hidden = 1  # a request in Parquet, whose bytes are packed and in base64
    stored = sum(len(bodies) for objects in STORES.values() for bodies in objects.values())
    assert len(places(s3)) == stored - hidden

    receipt = run(s3, asked)

    # The hash is what the receipt names the person by, so that it says whom it is about without naming anybody.
    assert places(s3) == [f"privacy/erasures/{HASH[-32:]}/receipt-20260131120000.json"]
    assert places(s3, [CANARY.encode(), ORDER.encode()]) == []
    assert receipt["versions_removed"] == 26
    assert receipt["rows_by_folder"]["curated"] == 2


def test_other_people_stay_in_the_same_places(s3, asked):
    run(s3, asked)

    assert s3.get_object(Bucket="data", Key="incoming/a.csv")["Body"].read().decode().count(OTHER) == 1
    curated = s3.get_object(Bucket="data", Key="curated/ingest_date=2026-01-31/a.parquet")["Body"].read()
    assert pq.read_table(io.BytesIO(curated)).to_pylist() == [
        {"order": OTHERS_ORDER, "customer": hashed_value(OTHER, KEY), "total": 2.0}
    ]
    capture = s3.get_object(Bucket="artifacts", Key="capture/e/v1/2026/01/31/12/x.jsonl")["Body"].read()
    assert capture.decode() == captured(OTHERS_ORDER)
    # Files that the ledger and the catalogue name stay, if without rows.
    only = s3.get_object(Bucket="data", Key="curated/ingest_date=2026-01-31/only.parquet")["Body"].read()
    assert pq.read_table(io.BytesIO(only)).num_rows == 0


def test_what_is_left_of_a_dropped_file_is_marked_so_that_nobody_takes_it_for_new(s3, asked):
    run(s3, asked)

    marked = {
        key: "headrace-rewritten" in s3.head_object(Bucket="data", Key=key)["Metadata"]
        for key in ("incoming/a.csv", "incoming/a.xlsx", "incoming/a.csv.gz", "batch/b.csv")
    }
    # Nobody had begun with the archive: what is left of it is new.
    assert marked == {
        "incoming/a.csv": True,
        "incoming/a.xlsx": True,
        "incoming/a.csv.gz": False,
        "batch/b.csv": True,
    }


def test_what_is_left_of_a_file_keeps_its_bytes(s3, asked):
    run(s3, asked)

    left = csv(["order", "customer", "total"], [OTHERS_ORDER, OTHER, "2"])
    for key in ("incoming/a.csv", "batch/b.csv"):
        assert s3.get_object(Bucket="data", Key=key)["Body"].read() == left
    packed = s3.get_object(Bucket="data", Key="incoming/a.csv.gz")["Body"].read()
    assert gzip.decompress(packed) == left


def test_a_training_that_has_begun_meanwhile_stops_the_receipt_and_not_the_erasure(s3, asked):
    def busy():
        raise RuntimeError("a training is running")

    with pytest.raises(RuntimeError, match="a training is running"):
        erasure(s3, asked, busy).run(NOW, train=True, progress=lambda text: None)
    assert asked == []
    assert places(s3, [CANARY.encode()]) == []

    receipt = run(s3, asked)

    assert (receipt["models"], asked[0]) == ([3], ("mark", ["0123456789abcdef"]))


def test_models_are_marked_a_training_is_asked_for_and_the_person_cannot_come_back(s3, asked):
    receipt = run(s3, asked)

    assert asked == [("mark", ["0123456789abcdef"]), ("train", f"erasure-{HASH[-32:]}-20260131120000")]
    assert (receipt["models"], receipt["training"]) == ([3], "arn:execution")
    assert ErasedPeople(ledger()).hashes() == [HASH]


def test_erasing_again_finds_nothing_and_removes_nothing(s3, asked):
    run(s3, asked)
    before = end_state(s3)

    again = run(s3, asked)

    assert end_state(s3) == before
    assert (again["objects"], again["versions_removed"], again["models"]) == (0, 0, [])


class CrashError(Exception):
    """The machine is gone."""


# One for each way in which an object is dealt with: rewritten, emptied, deleted, hidden, in several versions.
CRASHED = {
    "incoming/a.csv",
    "incoming/only.jsonl",
    "incoming/page.html",
    "curated/ingest_date=2026-01-31/a.parquet",
    "curated/ingest_date=2026-01-31/only.parquet",
    "predictions/b.csv/predictions.csv",
    "snapshots/0123456789abcdef/train.parquet",
    "evaluations/run/evaluation.json",
}


def in_memory():
    """Return the stores, in memory: the test of crashes makes tens of thousands of calls."""
    memory = MemoryS3()
    for bucket, objects in STORES.items():
        for key in CRASHED & objects.keys():
            for body in objects[key]:
                memory.put_object(Bucket=bucket, Key=key, Body=body)
    memory.delete_object(Bucket="data", Key="incoming/only.jsonl")
    return memory


def erased(memory, asked):
    def train(name):
        asked.append(name)
        return "arn:execution"

    people = SimpleNamespace(add=lambda *_: None)
    parts = Person.of(CANARY, DECLARED, KEY), HASH, KEY, Search(memory, ("data", "artifacts")), people
    last = (lambda: (), lambda: None, lambda snapshots, at: [3] if snapshots else [], train)
    return Erasure(*parts, Artifacts(memory, "artifacts"), "artifacts", *last).run(
        NOW, train=True, progress=lambda text: None
    )


def stored(memory):
    return {
        place: [unpacked(entry[1][0]) if entry[1] else None for entry in entries]
        for place, entries in memory.entries.items()
        if any(entry[1] for entry in entries) and not place[1].startswith("privacy/")
    }


def test_a_crash_before_or_after_any_call_is_made_good_by_the_next_run():
    """Every call that changes something fails once, before it is made and after it."""
    whole, calls, asked = in_memory(), [], []
    whole.changed = calls.append
    receipt = erased(whole, asked)
    expected = stored(whole)
    assert len(calls) > 60

    for place in range(len(calls)):
        memory, seen = in_memory(), count()

        def crash(made, place=place, seen=seen):
            if next(seen) == place:
                raise CrashError

        memory.changed = crash
        with pytest.raises(CrashError):
            erased(memory, [])
        memory.changed = lambda made: None
        again = erased(memory, found := [])

        assert {key: bodies[:1] for key, bodies in stored(memory).items()} == {
            key: bodies[:1] for key, bodies in expected.items()
        }
        traces = [CANARY.encode(), ORDER.encode()]
        assert not [key for key, bodies in stored(memory).items() for body in bodies if _has(body, traces)]
        if not any("/receipt-" in key for _, key in memory.entries) or found:
            assert (again["models"], found) == (receipt["models"], asked)
        assert not memory.entries.get(("artifacts", f"privacy/erasures/{HASH[-32:]}/plan.json"))


def _has(body, traces):
    return body is not None and any(trace in body for trace in traces)


def test_an_export_tells_every_record_and_where_it_is(s3):
    search = Search(s3, ("data", "artifacts"))
    person = search.completed(Person.of(CANARY, DECLARED, KEY), KEY)

    lines = [json.loads(line) for line in as_json_lines(search.hits(person))]

    assert {line["place"] for line in lines} == {
        f"s3://{bucket}/{key}" for bucket, objects in STORES.items() for key in objects
    }
    raw = next(line for line in lines if line["place"] == "s3://data/incoming/a.csv")
    assert raw["record"] == {"order": ORDER, "customer": CANARY, "total": "1"}
    assert OTHER not in json.dumps(lines)
