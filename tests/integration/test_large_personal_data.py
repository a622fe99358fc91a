"""A large file with personal columns, cleaned by the Spark job's own code on one machine."""

import inspect
import io
import traceback

import boto3
import pyarrow.parquet as pq
import pytest
from moto import mock_aws

from glue_jobs.clean_file import work
from glue_jobs.clean_file.job import clean_large_file
from glue_jobs.snapshot_data import work as snapshot_work
from headrace.aws import privacy
from headrace.aws.dropped_files import DroppedFile
from headrace.aws.large_files import LargeFileOrder, WorkFolder
from headrace.config.declared import declared_fields, evolution_rules, protection_rule
from headrace.config.pipeline import Pipeline
from headrace.config.reading import read_options
from headrace.ml.privacy.hashing import hashed_value
from tests.unit.glue_jobs.one_machine import Context

KEY = b"k" * 64
CANARY = "canary-7431"
ROWS = [f"{n},{CANARY}-{n},{CANARY}{n}@example.org,{n}.5\n" for n in range(1, 2001)]
CSV = "order,customer,email,total\n" + "".join(ROWS) + f"2001,{CANARY}\n2002,{CANARY}-x,{CANARY},much\n"


@pytest.fixture
def s3(monkeypatch):
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="data")
        client.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
        secrets = boto3.client("secretsmanager", region_name="us-east-1")
        secrets.create_secret(Name="key", SecretString=KEY.decode())
        monkeypatch.setattr(privacy, "_client", lambda: secrets)
        monkeypatch.setattr(work, "s3", lambda: client)
        for module in ("glue_jobs.clean_file.job", "glue_jobs.clean_file.work"):
            monkeypatch.setattr(f"{module}.s3", lambda: client)
        yield client


def cleaned(s3, **block):
    declared = {"personal": {"customer": "hash", "email": "drop"}, "subject": "customer", **block}
    pipeline = Pipeline.model_validate(
        {"name": "shop", "problem": "regression", "target": "total", "privacy": declared, "large_data": {}}
    )
    version = s3.put_object(Bucket="data", Key="incoming/a.csv", Body=CSV.encode())["VersionId"]
    file = DroppedFile("data", "incoming/a.csv", version, len(CSV), "2026-01-31T12:00:00Z")
    erased = [hashed_value(f"{CANARY}-7", KEY)]
    order = LargeFileOrder(
        file,
        declared_fields(pipeline),
        evolution_rules(pipeline),
        read_options(pipeline, large=True),
        0.5,
        None,
        protection_rule(pipeline, erased),
        "key",
    )
    folder = WorkFolder.of(s3, file)
    folder.open_order(order)
    clean_large_file(Context(), folder.uri)
    return folder.outcome()


def test_spark_hides_what_the_function_hides(s3):
    outcome = cleaned(s3)

    assert (outcome.refused, outcome.rows, outcome.quarantined) == (None, 1999, 2)
    curated = pq.read_table(io.BytesIO(body(s3, outcome.curated[0].removeprefix("s3://data/"))))
    assert set(curated.column("customer").to_pylist()) == {
        hashed_value(f"{CANARY}-{n}", KEY) for n in range(1, 2001) if n != 7
    }
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket="data")["Contents"]]
    assert [key for key in keys if CANARY.encode() in body(s3, key)] == ["incoming/a.csv"]


def test_spark_tells_of_undeclared_columns_too(s3):
    outcome = cleaned(s3, personal={"customer": "hash"})

    assert outcome.personal == {"email": "email"}


def test_spark_refuses_undeclared_columns_if_it_is_to(s3):
    outcome = cleaned(s3, personal={"customer": "hash"}, undeclared="quarantine")

    assert (outcome.refused, outcome.personal) == ("personal_data", {"email": "email"})


def body(s3, key):
    return s3.get_object(Bucket="data", Key=key)["Body"].read()


@pytest.mark.parametrize("function", ["clean_range", "clean_whole", "finish", "shares", "survey_piece"])
def test_what_an_executor_raises_repeats_no_cell(monkeypatch, function):
    """Spark logs it on every machine, and again in the driver."""

    def fail(*_):
        raise ValueError(f"could not convert string to float: {CANARY!r}")

    for name in ("_Refusing", "s3"):
        monkeypatch.setattr(work, name, fail)
    monkeypatch.setattr(work.tempfile, "TemporaryDirectory", fail)
    count = len(inspect.signature(getattr(work, function)).parameters)

    with pytest.raises(ValueError, match="could not convert string to float: …") as caught:
        list(getattr(work, function)(*[None] * count))

    assert CANARY not in "".join(traceback.format_exception(caught.value))


class Hostile:
    """An argument that cannot be read, and says so by repeating a cell."""

    def __getattr__(self, name):
        raise ValueError(f"could not convert string to float: {CANARY!r}")

    __iter__ = __getitem__ = __len__ = lambda self, *_: self.anything


EXECUTED = [
    name
    for name, function in vars(snapshot_work).items()
    if inspect.isfunction(function)
    and function.__module__ == snapshot_work.__name__
    and not name.startswith("_")
]


@pytest.mark.parametrize("function", EXECUTED)
def test_what_an_executor_of_a_snapshot_raises_repeats_no_cell(function):
    run = getattr(snapshot_work, function)

    with pytest.raises(ValueError, match="could not convert string to float: …") as caught:
        list(run(*[Hostile()] * len(inspect.signature(run).parameters)))

    assert CANARY not in "".join(traceback.format_exception(caught.value))
