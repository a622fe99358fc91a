"""A container verifies its model by itself: before anything of it is read, and without a network."""

import io
import json
import shutil
import tarfile
import zipfile

import pytest

from headrace.ml.supply_chain.archive import scan
from headrace.ml.supply_chain.variables import to_variables
from sagemaker_jobs.engines import load_predictor
from sagemaker_jobs.entry import run
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.model_folder import sha256_of
from sagemaker_jobs.serve_model import main as serve_model
from sagemaker_jobs.signature import check_served
from tests.archives import gadgets, packed
from tests.integration.sagemaker_jobs.opt_ml import OptMl, rows
from tests.signing import enveloped, manifest_of, signing_key

KEY = signing_key()
NAMES = tuple(gadgets("/nowhere"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    job = OptMl(tmp_path_factory.mktemp("trained"), estimator="linear")
    assert job.train(rows(300), rows(60, 1)) == 0
    return job.model


@pytest.fixture
def model(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "model")


@pytest.fixture
def job(tmp_path):
    return OptMl(tmp_path, estimator="linear")


def archived(folder):
    return packed({path.name: path.read_bytes() for path in sorted(folder.iterdir())})


def environ(folder, *, key=KEY, version=4, told="v4", archive=None):
    """Return what a deployment gives the container of a model."""
    signed = manifest_of(io.BytesIO(archive or archived(folder)), pipeline="rides", version=version)
    return {"HEADRACE_MODEL_VERSION": told, **to_variables(enveloped(signed, key), KEY.public_text)}


def forge(folder, name, body):
    """Write a file and make the manifest agree with it, as somebody would who can write to the bucket."""
    (folder / name).write_bytes(body)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = sha256_of(folder / name)
    (folder / "manifest.json").write_text(json.dumps(manifest))


# --- serving


def test_a_signed_model_serves(model):
    check_served(model, environ(model))


def test_a_model_that_nobody_is_to_verify_serves(model):
    check_served(model, {"HEADRACE_MODEL_VERSION": "v4"})


def test_what_is_hidden_in_the_folder_is_the_systems(model):
    given = environ(model)
    (model / ".lock").write_bytes(b"")

    check_served(model, given)
    load_predictor(model)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"key": signing_key(2)}, "wrong_key"),
        ({"version": 3}, "other_version"),
        ({"told": "v5"}, "other_version"),
        ({"archive": packed({"manifest.json": b"{}"})}, "changed"),
    ],
)
def test_a_model_that_is_not_the_one_that_was_signed_is_refused(model, given, reason):
    with pytest.raises(JobError, match=reason):
        check_served(model, environ(model, **given))


def test_a_container_with_a_key_and_no_manifest_does_not_serve(model):
    with pytest.raises(JobError, match="unsigned"):
        check_served(model, {"HEADRACE_SIGNING_KEY": KEY.public_text})


@pytest.mark.parametrize("name", ["model.skops", "schema.json", "manifest.json", "sample.json"])
def test_a_forged_file_is_refused_though_the_manifest_agrees_with_it(model, name):
    given = environ(model)
    if name == "manifest.json":
        (model / name).write_bytes((model / name).read_bytes() + b"\n")
    else:
        forge(model, name, (model / name).read_bytes() + b"\n")

    with pytest.raises(JobError, match=r"changed: the model's file manifest\.json"):
        check_served(model, given)


def test_a_file_that_is_changed_missing_or_added_is_refused_before_anything_is_loaded(model, monkeypatch):
    given = environ(model)
    monkeypatch.setattr("sagemaker_jobs.engines.open_session", lambda _: pytest.fail("it was loaded"))
    for name, change, reason in (
        ("schema.json", lambda path: path.write_bytes(b"{}"), "changed"),
        ("threshold.json", lambda path: path.write_bytes(b"{}"), "unlisted_file"),
        ("sample.json", lambda path: path.unlink(), "missing_file"),
    ):
        copy = shutil.copytree(model, model.parent / f"without-{name}")
        change(copy / name)
        check_served(copy, given)  # the manifest is the one that was signed …
        with pytest.raises(JobError, match=reason):  # … and the file is not the one that it lists
            load_predictor(copy)


def test_a_folder_without_a_manifest_is_refused(model):
    given = environ(model)
    (model / "manifest.json").unlink()

    with pytest.raises(JobError, match="missing_file"):
        check_served(model, given)


def test_the_code_of_the_managed_image_is_not_looked_at_by_itself(model):
    files = {path.name: path.read_bytes() for path in model.iterdir()}
    given = environ(model, archive=packed({**files, "code/script.py": b"import os"}))

    check_served(model, given)


def test_the_server_verifies_before_it_looks_at_anything_else(job, model, monkeypatch):
    monkeypatch.setattr(serve_model, "load_predictor", lambda *_: pytest.fail("it was loaded"))
    monkeypatch.setattr(serve_model, "_bound", lambda *_, **__: pytest.fail("it listens"))
    given = {**job.environ, **environ(model, key=signing_key(2))}

    with pytest.raises(JobError, match="wrong_key"):
        serve_model.main(serve_model.MlPaths.from_environ(given), given)


@pytest.mark.parametrize("member", ["model.skops", "model.onnx"])
@pytest.mark.parametrize("name", NAMES)
def test_a_pickle_that_was_signed_is_not_loaded_by_the_server(model, tmp_path, name, member):
    forge(model, member, gadgets(tmp_path / "trace")[name])
    check_served(model, environ(model))

    with pytest.raises(JobError, match=r"pickle: the file model\.(skops|onnx) is a pickle"):
        load_predictor(model)
    assert not (tmp_path / "trace").exists()


def test_a_zip_with_pickles_in_it_is_no_model(model, tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", gadgets(tmp_path / "trace")["os.system"])
    forge(model, "model.skops", buffer.getvalue())

    with pytest.raises(JobError, match="foreign_format"):
        load_predictor(model, "skops")
    assert not (tmp_path / "trace").exists()


# --- evaluation


def given_to_evaluation(job, challenger, champion=None):
    job.lay_out_evaluation(rows(80, 2), None)
    for name, archive in (("challenger", challenger), ("champion", champion)):
        if archive is not None:
            folder = job.base / "processing" / "input" / name
            folder.mkdir()
            (folder / "model.tar.gz").write_bytes(archive)


def refused_by_evaluation(job, **variables):
    assert run(["job", "evaluate_model"], {**job.environ, **variables}) == 1
    return job.failure


def test_the_evaluation_says_which_archive_it_has_judged(job, trained):
    assert job.evaluate(rows(80, 2), trained) == 0

    archive = (job.base / "processing" / "input" / "challenger" / "model.tar.gz").read_bytes()
    found = scan(io.BytesIO(archive), lambda _, chunks: list(chunks))
    assert job.evaluation["archive"] == found.as_dict()
    assert job.evaluation["archive"]["members"].keys() == {path.name for path in trained.iterdir()}


@pytest.mark.parametrize("name", NAMES)
def test_a_pickle_as_a_model_is_refused_by_the_evaluation(job, model, name):
    forge(model, "model.skops", gadgets(job.base / "trace")[name])
    given_to_evaluation(job, archived(model))

    assert "pickle: the file model.skops is a pickle" in refused_by_evaluation(job)
    assert not (job.base / "trace").exists()


def test_hostile_archives_are_refused_by_the_evaluation_and_leave_nothing(job, trained):
    whole = archived(trained)
    files = {path.name: path.read_bytes() for path in trained.iterdir()}
    hostile = {
        "broken_archive": whole[:-20],
        "leads_elsewhere": packed({**files, "../../evil.json": b"{}"}),
        "no_file": packed({**files, "link.json": b""}, change=as_link),
        "duplicate": packed([*files.items(), ("schema.json", b"{}")]),
        "unlisted_file": packed({**files, "threshold.json": b"{}"}),
        "changed": packed({**files, "sample.json": b"{}"}),
        "missing_file": packed({name: body for name, body in files.items() if name != "sample.json"}),
        "foreign_format": packed({**files, "run.sh": b"#!/bin/sh"}),
        "bomb": packed({**files, "metrics.json": b"{" + b" " * 70 * 2**20}),
    }
    for reason, archive in hostile.items():
        shutil.rmtree(job.base / "processing", ignore_errors=True)
        given_to_evaluation(job, archive)

        assert f"{reason}: " in refused_by_evaluation(job), reason
        assert not (job.base / "evil.json").exists()
        if reason not in ("unlisted_file", "changed", "missing_file"):
            left = (job.base / "processing" / "input" / "challenger").iterdir()
            assert [path.name for path in left] == ["model.tar.gz"], reason


def as_link(info):
    if info.name.startswith("link"):
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"


@pytest.fixture
def in_service(job, trained):
    """Return what the evaluation is given of the model in service, and lay out its signature."""

    def lay_out(archive=None, *, signed=None, version="4"):
        given_to_evaluation(job, archived(trained), archive or archived(trained))
        folder = job.base / "processing" / "input" / "champion_signature"
        folder.mkdir()
        manifest = signed or enveloped(
            manifest_of(io.BytesIO(archived(trained)), pipeline="rides", version=4), KEY
        )
        (folder / "signed_manifest.json").write_bytes(manifest.to_bytes())
        return {"HEADRACE_SIGNING_KEY": KEY.public_text, "HEADRACE_CHAMPION_VERSION": version}

    return lay_out


def test_the_model_in_service_is_verified_and_compared(job, in_service):
    assert run(["job", "evaluate_model"], {**job.environ, **in_service()}) == 0
    assert job.evaluation["champion"] is not None


def test_a_model_in_service_that_was_exchanged_is_not_unpacked(job, in_service, trained):
    exchanged = packed({path.name: path.read_bytes() for path in sorted(trained.iterdir(), reverse=True)})

    assert "changed: model.tar.gz is not the archive" in refused_by_evaluation(job, **in_service(exchanged))
    assert not (job.base / "processing" / "input" / "champion" / "model").exists()


def test_a_model_in_service_that_was_signed_as_another_version_is_refused(job, in_service):
    assert "other_version" in refused_by_evaluation(job, **in_service(version="5"))


def test_a_model_in_service_that_another_key_has_signed_is_refused(job, in_service, trained):
    manifest = manifest_of(io.BytesIO(archived(trained)), pipeline="rides", version=4)

    assert "wrong_key" in refused_by_evaluation(job, **in_service(signed=enveloped(manifest, signing_key(2))))


def test_a_model_in_service_whose_signature_is_gone_is_refused(job, in_service):
    given = in_service()
    (job.base / "processing" / "input" / "champion_signature" / "signed_manifest.json").unlink()

    assert "no signed manifest" in refused_by_evaluation(job, **given)
