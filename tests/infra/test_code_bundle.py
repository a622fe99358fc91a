import pytest

from headrace.config.pipeline import Pipeline
from infra import code_bundle
from infra.code_bundle import image_bundle, lambda_bundle

BIKE = Pipeline(name="bike", problem="regression", target="cnt")


@pytest.fixture
def own_step(tmp_path, monkeypatch):
    """A repository in which the user has written a step, and Python has left its cache."""
    for folder in ("lambdas", "headrace", "sagemaker_jobs"):
        (tmp_path / folder).mkdir()
    (tmp_path / "sagemaker_jobs" / "Dockerfile").write_text("FROM scratch\n")
    steps = tmp_path / "pipelines" / "steps"
    (steps / "__pycache__").mkdir(parents=True)
    (steps / "per_night.py").write_text("")
    (tmp_path / "pipelines" / "bike.yaml").write_text("")
    monkeypatch.setattr(code_bundle, "REPO", tmp_path)


@pytest.mark.parametrize("bundle", [image_bundle, lambda: lambda_bundle(BIKE)], ids=["image", "functions"])
def test_steps_of_the_users_own_go_where_they_run(own_step, bundle):
    pipelines = bundle() / "pipelines"

    assert sorted(path.relative_to(pipelines).as_posix() for path in pipelines.rglob("*")) == [
        "steps",
        "steps/per_night.py",
    ]


def test_stacks_of_one_pipeline_share_a_bundle_and_those_of_another_do_not(own_step):
    other = lambda_bundle(BIKE.model_copy(update={"target": "casual"}))

    assert lambda_bundle(BIKE) == lambda_bundle(BIKE.model_copy())
    assert other != lambda_bundle(BIKE)
    assert '"target": "casual"' in (other / "pipeline.json").read_text()
