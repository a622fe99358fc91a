"""Personal columns through the handler: what lies where afterwards."""

import gzip
import io
import logging
from datetime import UTC, datetime

import boto3
import pyarrow.parquet as pq
import pytest

from headrace.aws.erasure import Search, remove
from headrace.aws.personal_data import PersonalData
from headrace.aws.privacy import ErasedPeople, KeySecrets
from headrace.aws.quarantine import Quarantine
from headrace.config.pipeline import Pipeline
from headrace.ml.privacy.encryption import CellCipher
from headrace.ml.privacy.hashing import hashed_value
from headrace.ml.privacy.person import Person
from lambdas.ingest_file import handler as ingest_file
from tests.integration.lambdas.ingestion import PIPELINE, REGION, take
from tests.integration.lambdas.ingestion import message as message_of

CANARY = "canary-7431"
HEADER = "instant,customer,email,Air Temp,cnt,day\n"
KEY, CELLS = "k" * 64, "c" * 64


def row(number, temp="0.3"):
    return f"{number},{CANARY}-{number},{CANARY}{number}@example.org,{temp},{number},2011-01-01\n"


GOOD = HEADER + "".join(map(row, range(1, 11)))


@pytest.fixture
def protect(cloud, function, monkeypatch):
    """Declare what is personal, and return a function that declares it otherwise."""
    secrets = boto3.client("secretsmanager", region_name=REGION)
    secret = secrets.create_secret(Name="key", SecretString=KEY)
    cells = secrets.create_secret(Name="cells", SecretString=CELLS)

    def declare(**privacy):
        block = {"personal": {"customer": "hash", "email": "drop"}, "subject": "customer", **privacy}
        pipeline = Pipeline.model_validate({**PIPELINE.model_dump(), "privacy": block})
        people = ErasedPeople(cloud.tables.Table("ledger"))
        ports = function.ports.__class__(
            **{
                **vars(function.ports),
                "personal": PersonalData(pipeline, KeySecrets(secret["ARN"], cells["ARN"]), people),
            }
        )
        deps = function.__class__(**{**vars(function), "pipeline": pipeline, "ports": ports})
        monkeypatch.setattr(ingest_file, "_deps", lambda: deps)
        return people

    declare()
    return declare


def bytes_of(cloud, bucket):
    """Yield every object of a bucket, unpacked."""
    for item in cloud.s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        body = cloud.s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
        if body.startswith(b"\x1f\x8b"):
            body = gzip.decompress(body)
        if body.startswith(b"PAR1"):
            body += repr(pq.read_table(io.BytesIO(body)).to_pydict()).encode()
        yield item["Key"], body


def places_with(cloud, text):
    found = [
        key
        for bucket in ("data", "artifacts")
        for key, body in bytes_of(cloud, bucket)
        if text.encode() in body
    ]
    items = [item for item in cloud.tables.Table("ledger").scan()["Items"] if text in str(item)]
    return sorted(found), items


def test_personal_values_stay_in_incoming(cloud, protect):
    assert take(cloud.drop(GOOD)) == []
    take(cloud.drop(HEADER + row(21, "warm") + row(22) + "23,x,y\n" + row(24), "2.csv"))

    assert places_with(cloud, CANARY) == (["incoming/2.csv", "incoming/2011-01.csv"], [])
    curated = cloud.curated()
    assert "email" not in curated
    assert set(curated["customer"]) == {
        hashed_value(f"{CANARY}-{n}", KEY.encode()) for n in (*range(1, 11), 22, 24)
    }


def test_encrypted_values_stay_in_incoming_and_can_be_read_again_by_who_has_the_key(cloud, protect):
    protect(personal={"customer": "hash", "email": "encrypt"})

    assert take(cloud.drop(GOOD)) == []
    take(cloud.drop(HEADER + row(21, "warm") + row(22) + "23,x,y\n" + row(24), "2.csv"))

    assert places_with(cloud, CANARY) == (["incoming/2.csv", "incoming/2011-01.csv"], [])
    cipher = CellCipher(CELLS.encode(), "bike")
    curated = cloud.curated()
    assert {cipher.decrypted(cell, ["email"]) for cell in curated["email"]} == {
        f"{CANARY}{n}@example.org" for n in (*range(1, 11), 22, 24)
    }
    (rejected,) = [key for key in cloud.keys("quarantine/") if key.endswith("rejected.csv")]
    assert cipher.encrypted(f"{CANARY}21@example.org", "email") in cloud.text(rejected)


def test_a_file_that_comes_again_gives_the_same_encrypted_rows(cloud, protect):
    protect(personal={"customer": "hash", "email": "encrypt"})
    take(cloud.drop(GOOD))
    once = cloud.curated().sort_values("instant")["email"].tolist()
    take(cloud.drop(GOOD, "again.csv"))

    assert cloud.curated().sort_values("instant")["email"].unique().tolist() == once


def test_no_log_has_a_personal_value(cloud, protect, caplog, capsys):
    with caplog.at_level(logging.DEBUG):
        take(cloud.drop(GOOD))
        take(cloud.drop(HEADER + row(21, "warm") + "23,canary-7431\n", "2.csv"))
        take(cloud.drop(f"<html>{CANARY}", "3.csv"))

    shown = capsys.readouterr()
    assert CANARY not in caplog.text + shown.out + shown.err


def test_a_file_that_is_refused_whole_is_not_copied_and_can_still_be_retried(cloud, protect):
    message = cloud.drop(HEADER + row(1, "warm") + row(2, "hot"), "bad.csv")
    take(cloud.drop(GOOD), message)

    assert not [key for key in cloud.keys("quarantine/") if key.endswith("original")]
    assert cloud.reason()["original"].startswith("s3://data/incoming/bad.csv?versionId=")
    quarantine = Quarantine(cloud.s3, "data", cloud.tables.Table("ledger"))
    (refusal,) = quarantine.refusals()
    retry = quarantine.retry(refusal, datetime.now(UTC))
    assert retry.key == "incoming/bad.csv"
    assert cloud.text("incoming/bad.csv") == HEADER + row(1, "warm") + row(2, "hot")


def test_refused_rows_come_in_again_under_the_same_hash(cloud, protect):
    take(cloud.drop(GOOD))
    take(cloud.drop(HEADER + row(21, "warm") + row(22) + row(23), "2.csv"))
    (rejected,) = [key for key in cloud.keys("quarantine/") if key.endswith("rejected.csv")]

    assert hashed_value(f"{CANARY}-21", KEY.encode()) in cloud.text(rejected)


def test_undeclared_personal_data_is_told_by_column_and_kind(cloud, protect):
    protect(personal={"customer": "hash"})

    take(cloud.drop(GOOD))

    (item,) = cloud.ledger()
    assert item["personal_data"] == {"email": "email"}
    assert item["refused"] is None


def test_undeclared_personal_data_sends_the_file_to_quarantine_if_it_is_to(cloud, protect):
    protect(personal={"customer": "hash"}, undeclared="quarantine")

    take(cloud.drop(GOOD))

    (item,) = cloud.ledger()
    assert (item["refused"], item["personal_data"]) == ("personal_data", {"email": "email"})
    assert places_with(cloud, CANARY) == (["incoming/2011-01.csv"], [])


def test_an_old_event_of_a_file_that_an_erasure_has_rewritten_brings_nobody_back(cloud, protect):
    message = cloud.drop(GOOD)
    person = Person.of(f"{CANARY}-3", {"subject": "customer", "personal": {"customer": "hash"}}, KEY.encode())
    search = Search(cloud.s3, ("data",))
    for hit in search.hits(person):
        remove(search.objects, hit, "2026-01-31T12:00:00Z", is_new=True)

    assert take(message) == []

    assert cloud.ledger()[0]["refused"] == "object_missing"
    assert not cloud.keys("curated/")
    (item,) = search.objects.below("data", "incoming/")
    take(message_of(item.key, item.live, 1))
    assert sorted(map(int, cloud.curated()["instant"])) == [1, 2, 4, 5, 6, 7, 8, 9, 10]


def test_people_who_were_erased_do_not_come_back(cloud, protect):
    protect().add(hashed_value(f"{CANARY}-3", KEY.encode()), "2026-01-31T12:00:00Z")

    take(cloud.drop(GOOD))

    assert sorted(map(int, cloud.curated()["instant"])) == [1, 2, 4, 5, 6, 7, 8, 9, 10]
    assert cloud.ledger()[0]["quarantined"] == 0
