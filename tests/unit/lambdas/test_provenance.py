import hashlib
import json

import pytest

from headrace.config.pipeline import Pipeline
from lambdas.judge_model.facts import Sources
from lambdas.judge_model.handler import judge_model
from lambdas.judge_model.settings import Settings
from tests.unit.lambdas.provenance import CODE, Images, Memory, Versions

RUN = "headrace-bike-260131-120000-0a1b2c3d"
HASH = "ab" * 32
SNAPSHOT = f"snapshots/{HASH[:16]}"
MODEL_KEY = f"training/{RUN}-0/output/model.tar.gz"
EVENT = {
    "run": RUN,
    "reason": "drift",
    "cause": {"alarm": "bike-DriftAlarm", "about": "temp"},
    "training_job": f"{RUN}-0",
    "content_hash": HASH,
    "learned_from": "all rows are learned from",
    "model_data_url": f"s3://artifacts/{MODEL_KEY}",
    "has_champion": True,
    "champion": {
        "version": 3,
        "model_package_arn": "arn:3",
        "snapshot": "h3",
        "run": "run-3",
        "previous": None,
    },
}
MANIFEST = {"parts": {"train": {"rows": 9, "files": [{"name": "part-00000.parquet", "sha256": "77" * 32}]}}}
MADE = {
    "estimator": "linear",
    "seed": 11,
    "hyperparameters": {"alpha": 0.5, "note": "x" * 300},
    "python": "3.12.4",
    "machine": "x86_64",
    "packages": {"numpy": "2.0"},
    "files": {"model.skops": "99" * 32},
}
EVALUATION = {
    "rows": 900,
    "challenger": {"rmse": 42.0},
    "champion": {"rmse": 61.5},
    "model": MADE,
    "holdout": {"rows": 900, "challenger": {"rmse": 42.0}, "champion": {"rmse": 61.5}},
    "recent": {"rows": 0, "challenger": {}, "champion": None},
}
OBJECTS = {
    f"{SNAPSHOT}/manifest.json": ("m1", 300),
    f"{SNAPSHOT}/spec/spec.json": ("s1", 200),
    f"{SNAPSHOT}/train/part-00000.parquet": ("t1", 1000),
    f"{SNAPSHOT}/validation/part-00000.parquet": ("v1", 100),
    f"{SNAPSHOT}/test/part-00000.parquet": ("x1", 100),
    MODEL_KEY: ("model1", 5000),
}


def judge(images=None, code=CODE, pipeline=None, **event):
    spec = {"pipeline": {}}
    documents = Memory(
        {
            f"evaluations/{RUN}/evaluation.json": EVALUATION,
            f"{SNAPSHOT}/manifest.json": MANIFEST,
            f"{SNAPSHOT}/spec/spec.json": spec,
        }
    )
    sources = Sources(documents, Versions(objects=OBJECTS), images or Images())
    pipeline = pipeline or Pipeline(name="bike", problem="regression", target="cnt")
    verdict = judge_model({**EVENT, **event}, pipeline, Settings("artifacts", "tag1", "image", code), sources)
    return verdict, documents[f"evaluations/{RUN}/provenance.json"]


def test_the_provenance_names_every_object_that_was_learned_from_by_version_and_checksum():
    _, document = judge()

    manifest = hashlib.sha256(json.dumps(MANIFEST).encode()).hexdigest()
    assert document["data"]["manifest"] == {
        "uri": f"s3://artifacts/{SNAPSHOT}/manifest.json",
        "version_id": "m1",
        "size": 300,
        "sha256": manifest,
    }
    objects = {item["version_id"]: item for item in document["data"]["objects"]}
    assert objects.keys() == {"t1", "v1", "s1"}
    assert objects["t1"]["sha256"] == "77" * 32
    assert len(objects["s1"]["sha256"]) == 64


def test_the_provenance_says_with_what_code_image_machine_and_parameters_a_model_was_made():
    _, document = judge()

    assert document["code"] == {"code_version": "tag1", **CODE}
    assert document["image"] == {"uri": "image", "digest": f"sha256:{'d1' * 32}", "says": ""}
    assert document["environment"] == {
        "python": "3.12.4",
        "machine": "x86_64",
        "packages": {"numpy": "2.0"},
    }
    assert (document["training"]["estimator"], document["training"]["seed"]) == ("linear", 11)
    assert document["training"]["hyperparameters"]["alpha"] == 0.5
    assert document["model"]["object"]["version_id"] == "model1"
    assert document["model"]["files"] == MADE["files"]


def test_the_provenance_says_why_it_was_trained_whom_it_was_compared_with_and_what_approved_it():
    _, document = judge()

    assert document["reason"] == {"reason": "drift", "alarm": "bike-DriftAlarm", "about": "temp"}
    assert (document["parent"]["version"], document["parent"]["model_package_arn"]) == (3, "arn:3")
    assert document["approval"]["by"] == "gate"
    assert document["metrics"] == {"rmse": 42.0}


def test_a_first_model_has_no_parent_and_one_that_waits_for_a_person_is_approved_by_nobody():
    manual = Pipeline(name="bike", problem="regression", target="cnt", approval="manual")

    verdict, document = judge(pipeline=manual, has_champion=False, champion=None)

    assert document["parent"] is None
    assert document["approval"]["by"] is None
    assert verdict["metadata"]["parent"] == "none"
    assert "approved_by" not in verdict["metadata"]


def test_the_registry_has_what_is_short_and_the_hash_of_what_is_long():
    verdict, document = judge()

    metadata = verdict["metadata"]
    assert metadata["provenance"] == f"s3://artifacts/evaluations/{RUN}/provenance.json"
    assert metadata["manifest_sha256"] == document["data"]["manifest"]["sha256"]
    assert metadata["objects_sha256"] == document["data"]["objects_sha256"]
    assert (metadata["git_commit"], metadata["git_dirty"]) == ("ab" * 20, "no")
    assert metadata["image_digest"] == f"sha256:{'d1' * 32}"
    assert metadata["lock_sha256"] == "20" * 32
    assert (metadata["python"], metadata["machine"], metadata["seed"]) == ("3.12.4", "x86_64", "11")
    assert metadata["hyperparameters_sha256"] == document["training"]["hyperparameters_sha256"]
    assert (metadata["parent"], metadata["parent_arn"], metadata["approved_by"]) == ("v3", "arn:3", "gate")
    assert metadata["metric:rmse"] == "42"
    assert len(metadata) <= 50
    assert all(0 < len(value) <= 256 for value in metadata.values())


@pytest.mark.parametrize("missing", ["digest", "git"])
def test_what_cannot_be_known_is_said_and_stops_nothing(missing):
    code = (
        {**CODE, "commit": None, "dirty": None, "git_says": "git cannot be run"} if missing == "git" else CODE
    )

    verdict, document = judge(images=Images(None) if missing == "digest" else Images(), code=code)

    assert verdict["promote"]
    if missing == "git":
        assert verdict["metadata"]["git_commit"] == "git cannot be run"
        assert "git_dirty" not in verdict["metadata"]
    else:
        assert document["image"]["says"] == "ECR does not tell of image"
