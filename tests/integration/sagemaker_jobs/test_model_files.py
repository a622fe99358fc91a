import io
import json
import pickle
import shutil
import subprocess
import sys
import zipfile

import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline

from sagemaker_jobs.failures import JobError
from sagemaker_jobs.model_archive import archive_of
from sagemaker_jobs.model_files import load_model, skops
from sagemaker_jobs.model_folder import sha256_of
from sagemaker_jobs.tree_check import check_trees
from tests.integration.sagemaker_jobs.opt_ml import OptMl, rows


class Evil:
    """Would run a command when it is unpickled."""

    def __reduce__(self):
        return print, ("unpickled",)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    job = OptMl(tmp_path_factory.mktemp("trained"))
    assert job.train(rows(300), rows(60, 1)) == 0
    return job.model


@pytest.fixture
def copy(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "model")


def forge(folder, name, body):
    """Write a file and make the manifest agree with it, as somebody would who can write to the bucket."""
    (folder / name).write_bytes(body)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = sha256_of(folder / name)
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "name", ["model.skops", "schema.json", "sample.json", "baseline.json", "metrics.json"]
)
def test_one_changed_byte_is_noticed_before_anything_is_loaded(copy, name, monkeypatch):
    monkeypatch.setattr(skops.io, "load", lambda *_, **__: pytest.fail("it was loaded"))
    body = bytearray((copy / name).read_bytes())
    body[len(body) // 2] ^= 1
    (copy / name).write_bytes(body)

    with pytest.raises(JobError, match=f"{name} is not what was written"):
        load_model(copy)


def without_addresses(node):
    """Return a description of objects without what differs from run to run."""
    if isinstance(node, list):
        return [without_addresses(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: without_addresses(value) for key, value in node.items() if key not in ("__id__", "file")}


def test_the_archive_holds_what_skops_itself_writes(trained):
    pipeline = load_model(trained).pipeline

    ours, theirs = (
        zipfile.ZipFile(io.BytesIO(archive)) for archive in (archive_of(pipeline), skops.io.dumps(pipeline))
    )

    described = [json.loads(archive.read("schema.json")) for archive in (ours, theirs)]
    assert without_addresses(described[0]) == without_addresses(described[1])
    arrays = [
        sorted(archive.read(name) for name in archive.namelist() if name != "schema.json")
        for archive in (ours, theirs)
    ]
    assert arrays[0] == arrays[1]
    assert archive_of(pipeline) == archive_of(pipeline)


@pytest.mark.parametrize("name", ["model.skops", "schema.json"])
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()

    with pytest.raises(JobError, match=name):
        load_model(copy)


def test_a_manifest_that_leaves_out_the_model_is_refused(copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    del manifest["files"]["model.skops"]
    (copy / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(JobError, match=r"does not list model\.skops"):
        load_model(copy)


def test_a_manifest_cannot_lead_out_of_the_folder(copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["files"]["../model/model.skops"] = sha256_of(copy / "model.skops")
    (copy / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(JobError, match="lists"):
        load_model(copy)


def test_a_pickle_is_never_loaded(copy, capsys):
    forge(copy, "model.skops", pickle.dumps(Evil()))

    with pytest.raises((JobError, zipfile.BadZipFile)):
        load_model(copy)
    assert "unpickled" not in capsys.readouterr().out


def test_types_that_nobody_trusts_are_refused(copy):
    forge(copy, "model.skops", skops.io.dumps(Pipeline([("predict", Evil())])))

    with pytest.raises(JobError, match="types that nobody trusts"):
        load_model(copy)


def test_a_tree_that_points_outside_of_itself_is_refused(trained):
    estimator = load_model(trained).pipeline.steps[-1][1]
    check_trees(estimator)

    nodes = estimator._predictors[0][0].nodes
    for field, value in (("left", 10_000), ("right", 0), ("feature_idx", 99)):
        kept = nodes[field][0]
        nodes[field][0] = value
        with pytest.raises(JobError, match="points outside of itself"):
            check_trees(estimator)
        nodes[field][0] = kept
    check_trees(estimator)


def test_the_nodes_of_a_forest_are_checked_too(tmp_path):
    job = OptMl(tmp_path, estimator="random_forest", hyperparameters={"n_estimators": 2})
    job.train(rows(200), rows(50, 1))
    forest = load_model(job.model).pipeline.steps[-1][1]
    check_trees(forest)

    forest.estimators_[1].tree_.children_left[0] = 10_000

    with pytest.raises(JobError, match="points outside of itself"):
        check_trees(forest)


def test_an_estimator_without_trees_is_left_alone():
    check_trees(Ridge())


def test_models_are_read_without_pytorch_where_it_is_installed():
    code = "import sys, sagemaker_jobs.model_files; print('torch' in sys.modules)"

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout == "False\n"
