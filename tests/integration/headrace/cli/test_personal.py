"""`headrace erase | export | decrypt` against an account, with AWS's services as moto has them."""

import io
import json
import re
import stat

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.aws.deployed_pipeline import DeployedPipeline
from headrace.aws.privacy import ErasedPeople
from headrace.aws.registry import Registry
from headrace.cli import main, personal
from headrace.ml.privacy.encryption import CellCipher
from headrace.ml.privacy.hashing import hashed_value
from tests.integration.ledger import create_ledger

KEY, CELLS = "k" * 64, "c" * 64
CANARY, OTHER = "canary-7431", "someone-else"
CIPHER = CellCipher(CELLS.encode(), "shop")
MAIL = CIPHER.encrypted("ann@example.org", "email")
DECLARED = {"id": "order", "subject": "customer", "personal": {"customer": "hash", "email": "encrypt"}}
SNAPSHOT = "0123456789abcdef"
GROUP = "headrace-shop"


class Account:
    """A pipeline about people: a dropped file, what was made of it, and two versions of a model."""

    def __init__(self, monkeypatch):
        self.s3, self.ledger = boto3.client("s3"), create_ledger()
        for bucket in ("data", "artifacts"):
            # With versions of all objects, of which single ones can be put on hold, and none is.
            self.s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
        hashes = [hashed_value(name, KEY.encode()) for name in (CANARY, OTHER)]
        rows = {"order": ["o-1", "o-2"], "customer": hashes, "email": [MAIL, None], "total": [1.0, 2.0]}
        raw = f"order,customer,email,total\no-1,{CANARY},ann@example.org,1\no-2,{OTHER},,2\n".encode()
        for bucket, key, body in (
            ("data", "incoming/a.csv", raw),
            ("data", "curated/ingest_date=2026-01-31/a.parquet", parquet(**rows)),
            ("artifacts", f"snapshots/{SNAPSHOT}/train/a.parquet", parquet(**rows)),
        ):
            self.s3.put_object(Bucket=bucket, Key=key, Body=body)
        states = boto3.client("stepfunctions")
        self.machine = states.create_state_machine(
            name="train",
            roleArn="arn:aws:iam::123456789012:role/r",
            definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
        )["stateMachineArn"]
        self.sagemaker = boto3.client("sagemaker")
        self.sagemaker.create_model_package_group(
            ModelPackageGroupName=GROUP, ModelPackageGroupDescription="shop"
        )
        for content in (SNAPSHOT * 4, "fedcba9876543210" * 4):
            self.sagemaker.create_model_package(
                ModelPackageGroupName=GROUP,
                ModelApprovalStatus="Approved",
                CustomerMetadataProperties={"content_hash": content},
            )
        secrets = boto3.client("secretsmanager")
        self.outputs = {
            "DataBucketName": "data",
            "ArtifactsBucketName": "artifacts",
            "LedgerTableName": "ledger",
            "ModelPackageGroupName": GROUP,
            "TrainStateMachineArn": self.machine,
            "PrivacyKeyArn": secrets.create_secret(Name="key", SecretString=KEY)["ARN"],
            "EncryptionKeyArn": secrets.create_secret(Name="cells", SecretString=CELLS)["ARN"],
            "EncryptedColumns": '["email"]',
            "Privacy": json.dumps({**DECLARED, "legal_hold": None}),
        }
        monkeypatch.setattr(
            DeployedPipeline, "find", lambda name: DeployedPipeline(name, self.outputs, boto3.Session())
        )

    def bodies(self):
        """Return every version of every object."""
        found = {}
        for bucket in ("data", "artifacts"):
            for item in self.s3.list_object_versions(Bucket=bucket).get("Versions", []):
                body = self.s3.get_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])["Body"]
                found.setdefault(item["Key"], []).append(body.read())
        return found

    def trainings(self):
        return [item["name"] for item in self._executions()]

    def end_trainings(self):
        for item in self._executions():
            boto3.client("stepfunctions").stop_execution(executionArn=item["executionArn"])

    def _executions(self):
        return boto3.client("stepfunctions").list_executions(stateMachineArn=self.machine)["executions"]


def parquet(**columns):
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


@pytest.fixture
def account(account, monkeypatch):
    return Account(monkeypatch)


@pytest.fixture
def run(capsys):
    def run(*arguments):
        code = main([*arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def erase(run, *more):
    return run("erase", "shop", "--subject", CANARY, *more)


def test_a_dry_run_says_what_would_go_and_removes_nothing(account, run):
    before = account.bodies()

    code, out, _ = erase(run, "--dry-run")

    assert code == 0
    for place in ("s3://data/incoming/a.csv: 1 rows, 1 versions", "s3://data/curated/", "snapshots"):
        assert place in out
    assert CANARY not in out
    assert account.bodies() == before
    assert account.trainings() == []


def test_a_person_is_erased_with_a_receipt_and_a_training_without_them(account, run):
    code, out, _ = erase(run, "--yes", "--json")

    receipt = json.loads(out)
    assert code == 0
    assert receipt["rows_by_folder"] == {"incoming": 1, "curated": 1, "snapshots": 1}
    assert receipt["models"] == [1]
    assert account.trainings() == [receipt["training"].rsplit(":", 1)[1]]
    digits = re.sub(r"\D", "", receipt["begun_at"])[:14]
    assert receipt["receipt"].endswith(f"/receipt-{digits}.json")
    left = account.bodies()
    assert left["incoming/a.csv"] == [f"order,customer,email,total\no-2,{OTHER},,2\n".encode()]
    assert not [key for key, bodies in left.items() for body in bodies if CANARY.encode() in body]
    assert list(ErasedPeople(account.ledger).hashes()) == [hashed_value(CANARY, KEY.encode())]
    packages = account.sagemaker.list_model_packages(ModelPackageGroupName=GROUP, SortOrder="Ascending")
    marked = [
        "erasure" in Registry(account.sagemaker).package(item["ModelPackageArn"]).metadata
        for item in packages["ModelPackageSummaryList"]
    ]
    assert marked == [True, False]


def test_the_table_for_people_has_the_places_and_no_name(account, run):
    _, out, _ = erase(run, "--yes")

    assert "s3://artifacts/snapshots/0123456789abcdef/train/a.parquet: 1 rows, 1 versions" in out
    assert CANARY not in out


def test_erasing_again_finds_nothing_starts_no_other_training_and_keeps_the_receipt_of_before(
    account, run, monkeypatch
):
    erase(run, "--yes")
    account.end_trainings()
    before = account.bodies()
    monkeypatch.setattr(personal, "_now", lambda: "2099-01-31T12:00:00+00:00")
    code, out, _ = erase(run, "--yes", "--json")

    again = json.loads(out)
    assert (code, again["objects"], again["models"], again["training"]) == (0, 0, [], None)
    assert len(account.trainings()) == 1
    after = account.bodies()
    receipt = again["receipt"].removeprefix("s3://artifacts/")
    assert {key: bodies for key, bodies in after.items() if key != receipt} == before


def test_without_a_training_none_is_asked_for(account, run):
    receipt = json.loads(erase(run, "--yes", "--json", "--no-train")[1])

    assert (receipt["models"], receipt["training"]) == ([1], None)
    assert account.trainings() == []


def test_a_training_that_was_asked_for_before_a_crash_is_not_asked_for_again(account, run, monkeypatch):
    from headrace.aws import erasure  # noqa: PLC0415 - the module that is made to crash

    described = erasure.described
    monkeypatch.setattr(erasure, "described", lambda plan: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        erase(run, "--yes", "--json")
    monkeypatch.setattr(erasure, "described", described)
    account.end_trainings()

    code, out, _ = erase(run, "--yes", "--json")

    assert (code, json.loads(out)["models"]) == (0, [1])
    assert len(account.trainings()) == 1


def test_nothing_is_erased_under_a_legal_hold(account, run):
    account.outputs["Privacy"] = json.dumps({**DECLARED, "legal_hold": "lawsuit 12/2026"})
    before = account.bodies()

    code, _, err = erase(run, "--yes")

    assert code == 2
    assert "nothing may be erased: privacy.legal_hold says 'lawsuit 12/2026'" in err
    assert account.bodies() == before
    assert list(ErasedPeople(account.ledger).hashes()) == []


def test_a_version_on_legal_hold_stops_an_erasure_which_goes_on_when_that_is_lifted(account, run):
    [found] = account.s3.list_object_versions(Bucket="data", Prefix="incoming/a.csv")["Versions"]
    held = {"Bucket": "data", "Key": "incoming/a.csv", "VersionId": found["VersionId"]}
    account.s3.put_object_legal_hold(**held, LegalHold={"Status": "ON"})

    code, _, err = erase(run, "--yes")

    assert code == 2
    assert f"version {found['VersionId']} of s3://data/incoming/a.csv: it is on legal hold or locked" in err
    account.s3.put_object_legal_hold(**held, LegalHold={"Status": "OFF"})
    account.end_trainings()
    assert erase(run, "--yes")[0] == 0
    assert not [body for bodies in account.bodies().values() for body in bodies if CANARY.encode() in body]


def test_nothing_is_erased_while_a_training_runs(account, run, monkeypatch):
    running = {"executions": [{"executionArn": "arn"}]}
    client = boto3.Session.client

    def with_a_training(self, name, **options):
        made = client(self, name, **options)
        if name == "stepfunctions":
            made.list_executions = lambda **_: running
        return made

    monkeypatch.setattr(boto3.Session, "client", with_a_training)
    code, _, err = erase(run, "--yes")

    assert code == 2
    assert "a training is running" in err
    assert any(CANARY.encode() in body for body in account.bodies()["incoming/a.csv"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("erase", "shop", "--subject", " "), "--subject is empty"),
        (("erase", "shop", "--subject", "n/a", "--dry-run"), "is what files have where nothing is known"),
        (("erase", "shop", "--subject", CANARY), "say --yes, or look first with --dry-run"),
        (("decrypt", "shop", "nowhere.parquet"), "there is no file nowhere.parquet"),
    ],
)
def test_what_is_wrong_is_one_sentence(account, run, arguments, said):
    code, _, err = run(*arguments)

    assert code == 2
    assert said in err


def test_a_pipeline_that_names_nobody_says_what_to_do(account, run):
    del account.outputs["Privacy"]

    for command in ("erase", "export"):
        code, _, err = run(command, "shop", "--subject", CANARY)
        assert code == 2
        assert "name the column in privacy.subject" in err


def test_a_subject_comes_from_the_standard_input_so_that_no_history_has_it(account, run, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{CANARY}\n"))

    receipt = json.loads(run("erase", "shop", "--subject", "-", "--yes", "--json")[1])

    assert receipt["objects"] == 3


def test_who_was_erased_can_be_let_in_again(account, run):
    erase(run, "--yes")

    assert json.loads(erase(run, "--admit", "--json")[1]) == {"admitted": True}
    assert list(ErasedPeople(account.ledger).hashes()) == []


def test_whoever_was_not_erased_cannot_be_let_in_again(account, run):
    code, _, err = erase(run, "--admit")

    assert code == 2
    assert "nobody of that name was erased from shop" in err


def test_an_export_has_every_record_and_only_its_owner_can_read_it(account, run, tmp_path):
    path = tmp_path / "ann.jsonl"
    code, out, _ = run("export", "shop", "--subject", CANARY, "--to", str(path), "--json")

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert (code, json.loads(out)["records"]) == (0, 3)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {line["record"]["email"] for line in lines} == {MAIL, "ann@example.org"}
    assert OTHER not in path.read_text()


def test_an_export_can_be_decrypted(account, run, tmp_path):
    path = tmp_path / "ann.jsonl"
    run("export", "shop", "--subject", CANARY, "--to", str(path), "--decrypt")

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["record"]["email"] for line in lines] == ["ann@example.org"] * 3


def test_a_copy_of_a_file_is_decrypted(account, run, tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(account.bodies()["curated/ingest_date=2026-01-31/a.parquet"][0])

    code, out, _ = run("decrypt", "shop", str(path), "--json")

    made = tmp_path / "a.parquet.decrypted.csv"
    assert (code, json.loads(out)) == (0, {"decrypted_cells": 1, "file": str(made)})
    assert "ann@example.org" in made.read_text()
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


def test_what_another_pipeline_has_encrypted_is_refused_without_being_repeated(account, run, tmp_path):
    path = tmp_path / "a.csv"
    foreign = CellCipher(CELLS.encode(), "another").encrypted("ann@example.org", "email")
    path.write_text(f"email,y\n{foreign},1\n")

    code, _, err = run("decrypt", "shop", str(path))

    assert code == 2
    assert "a cell cannot be decrypted" in err
    assert foreign not in err


def test_a_pipeline_that_encrypts_nothing_says_so(account, run, tmp_path):
    del account.outputs["EncryptionKeyArn"]

    code, _, err = run("decrypt", "shop", str(tmp_path / "x"))

    assert code == 2
    assert "the pipeline shop encrypts no column" in err
