"""A model is compared with the trial whose hyperparameters it was trained with."""

import tarfile

import pytest

from sagemaker_jobs.evaluate_model.trial import compared_with_trial

TREES, GRAPH = b"PK\x03\x04trees", b"\x08graph"


@pytest.fixture
def model(tmp_path):
    return written(tmp_path / "model", {"model.skops": TREES, "model.onnx": GRAPH, "evidence.json": b"{}"})


def written(folder, files):
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def archived(folder, files):
    """Return a folder with an archive of files, as a processing job is given a trial's model."""
    given = folder / "given"
    given.mkdir()
    made = written(folder / "trial", files)
    with tarfile.open(given / "model.tar.gz", "w:gz") as tar:
        for file in made.iterdir():
            tar.add(file, file.name)
    return given


def test_a_model_with_the_bytes_of_its_trial_is_told_as_such_though_the_trial_has_no_evidence(
    tmp_path, model
):
    trial = archived(tmp_path, {"model.skops": TREES, "model.onnx": GRAPH})

    assert compared_with_trial(model, trial) == {"trial": {"same_bytes": True}}


@pytest.mark.parametrize(
    "files", [{"model.skops": TREES + b"!", "model.onnx": GRAPH}, {"model.skops": TREES}]
)
def test_other_bytes_and_a_graph_that_only_one_has_are_a_difference(tmp_path, model, files):
    assert compared_with_trial(model, archived(tmp_path, files)) == {"trial": {"same_bytes": False}}


def test_without_a_search_there_is_nothing_to_say(tmp_path, model):
    assert compared_with_trial(model, tmp_path / "trial") == {}
