"""One person in every store of a pipeline, in several versions, and afterwards in none."""

import gzip
import io
import json
import zipfile

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto import mock_aws

from headrace.aws.artifacts import Artifacts
from headrace.aws.erasure import Erasure, Search, as_json_lines
from headrace.aws.privacy import ErasedPeople
from headrace.ml.privacy.hashing import hashed_value
from headrace.ml.privacy.person import Person

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
        "predictions/b.csv/predictions.csv": [
            csv(["order", "prediction"], [ORDER, "1"], [OTHERS_ORDER, "2"])
        ],
    },
    "artifacts": {
        "snapshots/0123456789abcdef/train.parquet": [parquet(**BOTH)],
        "capture/e/v1/2026/01/31/12/x.jsonl": [(captured(ORDER) + captured(OTHERS_ORDER)).encode()],
        "predictions/variant=v1/date=2026-01-31/x.parquet": [parquet(_entity=[ORDER, "x"], total=[1.0, 2.0])],
        "feedback/waiting/x.parquet": [parquet(entity=[ORDER, "x"], label=["1", "0"])],
        "feedback/labelled.jsonl.gz": [
            gzip.compress(f'{{"_entity": "{ORDER}"}}\n{{"_entity": "x"}}\n'.encode())
        ],
        "evaluations/run/evaluation.json": [json.dumps({"worst": [{"order": ORDER}]}).encode()],
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
        yield client


@pytest.fixture
def asked():
    return []


def ledger():
    return boto3.resource("dynamodb", region_name="us-east-1").Table("ledger")


def erasure(s3, asked):
    def mark(snapshots, at):
        asked.append(("mark", snapshots))
        return [3] if snapshots else []

    def train(name):
        asked.append(("train", name))
        return "arn:execution"

    person, search = Person.of(CANARY, DECLARED, KEY), Search(s3, ("data", "artifacts"))
    artifacts = Artifacts(s3, "artifacts")
    return Erasure(person, HASH, KEY, search, ErasedPeople(ledger()), artifacts, "artifacts", mark, train)


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
    assert len(places(s3)) == sum(len(bodies) for objects in STORES.values() for bodies in objects.values())

    receipt = run(s3, asked)

    # The hash is what the receipt names the person by, so that it says whom it is about without naming anybody.
    assert places(s3) == [f"privacy/erasures/{HASH[-32:]}/receipt.json"]
    assert places(s3, [CANARY.encode(), ORDER.encode()]) == []
    assert receipt["versions_removed"] == 20
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

    for key in ("incoming/a.csv", "incoming/a.xlsx", "incoming/a.csv.gz"):
        assert "headrace-rewritten" in s3.head_object(Bucket="data", Key=key)["Metadata"]
    left = s3.list_objects_v2(Bucket="data", Prefix="batch/").get("Contents", [])
    assert left == []


def test_models_are_marked_a_training_is_asked_for_and_the_person_cannot_come_back(s3, asked):
    receipt = run(s3, asked)

    assert asked == [("mark", ["0123456789abcdef"]), ("train", f"erasure-{HASH[-32:]}")]
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


def test_a_crash_before_or_after_any_call_is_made_good_by_the_next_run(s3, asked):
    """Every call that changes something fails once, before it is made and after it."""
    run(s3, asked)
    expected, start = end_state(s3), dict(STORES)
    for call in range(0, 60, 7):
        for done in (False, True):
            _restore(s3, start)
            stop = _crashing(s3, call, done)
            try:
                run(s3, [])
            except CrashError:
                pass
            finally:
                stop()
            run(s3, [])

            assert places(s3, [CANARY.encode(), ORDER.encode()]) == []
            assert {key: bodies[:1] for key, bodies in end_state(s3).items()} == {
                key: bodies[:1] for key, bodies in expected.items()
            }


def _restore(s3, stores):
    for bucket, objects in stores.items():
        listed = s3.list_object_versions(Bucket=bucket)
        for item in (*listed.get("Versions", []), *listed.get("DeleteMarkers", [])):
            s3.delete_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])
        for key, bodies in objects.items():
            for body in bodies:
                s3.put_object(Bucket=bucket, Key=key, Body=body)
    s3.delete_object(Bucket="data", Key="incoming/only.jsonl")


def _crashing(s3, call, done):
    """Let the call of this number crash, before or after it has been made."""
    count = 0
    originals = {name: getattr(s3, name) for name in ("put_object", "delete_object")}

    def counted(name):
        def made(**arguments):
            nonlocal count
            count += 1
            if count == call + 1 and not done:
                raise CrashError
            answer = originals[name](**arguments)
            if count == call + 1:
                raise CrashError
            return answer

        return made

    for name in originals:
        setattr(s3, name, counted(name))
    return lambda: [setattr(s3, name, original) for name, original in originals.items()]


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
