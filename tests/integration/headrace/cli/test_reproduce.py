"""A model is made again from what was written down of it, or it is told why that is not possible, or where it differs."""

import hashlib
import json

import pytest

from headrace.aws.deployed_pipeline import DeployedPipeline
from headrace.cli import main
from headrace.ml.reproduction.digest import json_sha256
from infra.code_origin import code_origin
from tests.integration.headrace.cli.registered import BUCKET, SNAPSHOT, Account


@pytest.fixture
def rides(account, monkeypatch):
    rides = Account()
    monkeypatch.setattr(DeployedPipeline, "find", rides.pipeline)
    return rides


@pytest.fixture
def run(capsys):
    def run(*arguments):
        capsys.readouterr()  # what the training has said
        code = main(["reproduce", "rides", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_a_model_is_made_again_with_the_same_bytes(rides, run, tmp_path):
    rides.train(tmp_path / "one", seed=3, hyperparameters={"alpha": 0.5})

    assert run("1") == (0, "v1 was made again: every file has the same bytes\n", "")

    code, out, _ = run("v1", "--json", "--keep", str(tmp_path / "kept"))
    found = json.loads(out)
    assert (code, found["equal"], found["differs"], found["unlike_then"]) == (0, True, [], [])
    assert (tmp_path / "kept" / "model.skops").read_bytes() == (
        tmp_path / "one" / "model" / "model.skops"
    ).read_bytes()


def test_a_model_of_an_earlier_release_is_made_again_and_said_to_be_unsigned(rides, run, tmp_path):
    rides.train(tmp_path / "one")
    rides.s3.delete_object(Bucket=BUCKET, Key="training/one/output/signed_manifest.json")

    code, out, _ = run("1")

    assert code == 0
    assert out.startswith("v1 was registered without a signature, by an earlier release of Headrace\n")


def test_a_signature_of_another_version_stops_before_anything_is_fetched(rides, run, tmp_path):
    rides.train(tmp_path / "one")
    rides.sign(f"s3://{BUCKET}/training/one/output/model.tar.gz", 2)

    code, _, err = run("1")

    assert code == 2
    assert "v1 is refused: other_version" in err


def test_rows_that_came_later_under_the_same_names_change_nothing(rides, run, tmp_path):
    rides.train(tmp_path / "one")
    for part in ("train", "validation"):
        rides.put(f"{SNAPSHOT}/{part}/part-0.parquet", b"other rows")

    assert run("1")[0] == 0


def test_another_seed_is_told_with_the_first_number_that_differs(rides, run, tmp_path):
    rides.train(tmp_path / "one", seed=3)
    spec = json.loads((tmp_path / "one" / "input" / "data" / "spec" / "spec.json").read_text())
    spec["pipeline"]["training"]["seed"] = 4
    key = "evaluations/headrace-rides-one/provenance.json"
    provenance = rides.document(key)
    (stored,) = (item for item in provenance["data"]["objects"] if item["uri"].endswith("spec.json"))
    _claim(rides, key, provenance, stored, json.dumps(spec).encode())

    code, out, err = run("1", "--json")

    differs = {each["file"]: each["what"] for each in json.loads(out)["differs"]}
    assert code == 1
    assert "seed: 3 recorded, 4 here" in differs["manifest.json"]
    assert err.startswith("headrace: v1 was not made again: ")


def _claim(rides, key, provenance, stored, body):
    """Let the registered provenance name another specification than the model was made from."""
    stored["version_id"] = rides.put(f"{SNAPSHOT}/spec/spec.json", body)
    stored["sha256"] = hashlib.sha256(body).hexdigest()
    rides.put(key, json.dumps(provenance).encode())
    rides.sagemaker.update_model_package(
        ModelPackageArn=rides.pipeline().package_arn(1),
        CustomerMetadataProperties={
            **rides.describe(1)["CustomerMetadataProperties"],
            "objects_sha256": json_sha256(provenance["data"]["objects"]),
        },
    )


def test_a_version_of_an_object_that_is_gone_is_told(rides, run, tmp_path):
    rides.train(tmp_path / "one")
    key = f"{SNAPSHOT}/train/part-0.parquet"
    version = rides.s3.head_object(Bucket=BUCKET, Key=key)["VersionId"]
    rides.put(key, b"other rows")
    rides.s3.delete_object(Bucket=BUCKET, Key=key, VersionId=version)

    code, out, err = run("1")

    assert (code, out) == (2, "")
    assert f"version {version} of s3://{BUCKET}/{key} is gone" in err


def test_a_version_that_is_gone_is_not_missed_where_the_same_bytes_are_there_under_another(
    rides, run, tmp_path
):
    rides.train(tmp_path / "one")
    key = f"{SNAPSHOT}/train/part-0.parquet"
    found = rides.s3.get_object(Bucket=BUCKET, Key=key)
    rides.put(key, found["Body"].read())
    rides.s3.delete_object(Bucket=BUCKET, Key=key, VersionId=found["VersionId"])

    assert run("1")[0] == 0


def test_a_provenance_that_somebody_has_changed_is_refused(rides, run, tmp_path):
    rides.train(tmp_path / "one")
    key = "evaluations/headrace-rides-one/provenance.json"
    provenance = rides.document(key)
    provenance["data"]["objects"][0]["version_id"] = "other"
    rides.put(key, json.dumps(provenance).encode())

    assert "it was changed since" in run("1")[2]


def test_other_code_and_packages_are_told_and_tried_only_if_asked_for(rides, run, tmp_path):
    then = {**code_origin().as_dict(), "content_sha256": "00" * 32, "commit": "ab" * 20, "dirty": False}
    then |= {"lock_sha256": "11" * 32, "locks": {"sagemaker_jobs/requirements.txt": "22" * 32}}
    rides.train(tmp_path / "one", code=then)

    code, _, err = run("1")

    assert code == 2
    assert "the code of the jobs differs" in err
    assert "the locks of the packages differ: requirements.txt" in err
    assert f"git worktree add ../v1 {'ab' * 20}" in err
    code, out, _ = run("1", "--anyway", "--json")
    assert (code, json.loads(out)["equal"], len(json.loads(out)["unlike_then"])) == (0, True, 2)


def test_a_model_of_an_earlier_release_and_a_version_that_is_none_are_told(rides, run):
    rides.register()

    assert "without a provenance" in run("1")[2]
    assert run("7")[::2] == (2, "headrace: rides has no version 7; the last ones are: v1\n")
