import pytest

from headrace.config.pipeline import Pipeline
from infra import code_bundle
from infra.code_bundle import image_bundle, lambda_bundle

LOCKS = {
    "one.txt": "# compiled\nnumpy==2 \\\n    --hash=sha256:a\n    # via one\nonly-one==1 \\\n    --hash=sha256:b\n",
    "two.txt": "numpy==2 \\\n    --hash=sha256:a\nonly-two==1 \\\n    --hash=sha256:c\n",
}
BIKE = Pipeline(name="bike", problem="regression", target="cnt")


@pytest.fixture
def own_step(tmp_path, monkeypatch):
    """A repository in which the user has written a step, and Python has left its cache."""
    for folder in ("lambdas", "headrace", "sagemaker_jobs"):
        (tmp_path / folder).mkdir()
    (tmp_path / "sagemaker_jobs" / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "sagemaker_jobs" / "requirements.txt").write_text("numpy==2\n")
    steps = tmp_path / "pipelines" / "steps"
    (steps / "__pycache__").mkdir(parents=True)
    (steps / "per_night.py").write_text("")
    estimators = tmp_path / "pipelines" / "estimators"
    estimators.mkdir()
    (estimators / "nearest.py").write_text("")
    (tmp_path / "pipelines" / "bike.yaml").write_text("")
    extras = tmp_path / "sagemaker_jobs" / "extras"
    extras.mkdir()
    for name, text in LOCKS.items():
        (extras / name).write_text(text)
    monkeypatch.setattr(code_bundle, "REPO", tmp_path)


@pytest.mark.parametrize("bundle", [image_bundle, lambda: lambda_bundle(BIKE)], ids=["image", "functions"])
def test_steps_of_the_users_own_go_where_they_run(own_step, bundle):
    pipelines = bundle() / "pipelines"

    assert {path.relative_to(pipelines).as_posix() for path in pipelines.rglob("steps/*")} == {
        "steps/per_night.py"
    }
    assert not list(pipelines.glob("*.yaml"))


def test_estimators_of_the_users_own_are_part_of_the_image_and_not_of_the_functions(own_step):
    assert (image_bundle() / "pipelines" / "estimators" / "nearest.py").is_file()
    assert not (lambda_bundle(BIKE) / "pipelines" / "estimators").exists()


def test_extras_that_are_needed_are_pinned_once_and_no_others_are_part_of_the_bundle(own_step):
    bundle = image_bundle(("one", "two"))

    assert (bundle / "extras.txt").read_text() == (
        "numpy==2 \\\n    --hash=sha256:a\nonly-one==1 \\\n    --hash=sha256:b\nonly-two==1 \\\n    --hash=sha256:c\n"
    )
    assert not (bundle / "sagemaker_jobs" / "extras").exists()
    assert (image_bundle() / "extras.txt").read_text() == ""


def test_stacks_of_one_pipeline_share_a_bundle_and_those_of_another_do_not(own_step):
    other = lambda_bundle(BIKE.model_copy(update={"target": "casual"}))

    assert lambda_bundle(BIKE) == lambda_bundle(BIKE.model_copy())
    assert other != lambda_bundle(BIKE)
    assert '"target": "casual"' in (other / "pipeline.json").read_text()
