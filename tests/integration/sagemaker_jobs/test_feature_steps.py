import importlib
import sys

import numpy as np
import pytest

from sagemaker_jobs.entry import run
from sagemaker_jobs.features import registry
from sagemaker_jobs.model_files import load_model
from sagemaker_jobs.parts import read_part
from sagemaker_jobs.spec import read_spec
from tests.integration.sagemaker_jobs.opt_ml import OptMl, rows

STEPS = {
    "impute": {"indicator": True},
    **{f"scale {method}": {"method": method} for method in "standard robust min_max log yeo_johnson".split()},
    "one_hot": {"max_levels": 2},
    "rank": {},
    "target_mean": {},
    "date_parts": {"parts": ["hour", "yearday", "year"], "cyclic": True},
    "product": {"columns": ["temp", "holiday"]},
    "pair": {"columns": ["season", "season:copy"]},
}
ABOVE_MEAN = """
import numpy as np

from sagemaker_jobs.features.registry import feature_step


@feature_step("above_mean")
class AboveMean:
    def __init__(self, factor=1.0):
        self.factor = factor

    def fit(self, columns, target):
        self.means = {"temp": np.nanmean(columns["temp"]) * self.factor}
        return self

    def transform(self, columns):
        return columns["temp"] > self.means["temp"]
"""


@pytest.fixture
def own_steps(tmp_path, monkeypatch):
    """Stand for the folder of the user's steps; what is imported from it is forgotten afterwards."""
    folder = tmp_path / "pipelines" / "steps"
    folder.mkdir(parents=True)
    monkeypatch.setattr("pipelines.steps.__path__", [str(folder)])
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    yield folder
    sys.modules.pop("pipelines.steps.above_mean", None)


def job(base, problem, estimator, *steps):
    made = OptMl(base, problem, estimator)
    made.spec["pipeline"]["features"] = {"steps": list(steps)}
    return made


@pytest.mark.parametrize(
    ("named", "estimator"),
    # The pipeline file refuses target means for sgd.
    [
        (named, each)
        for named in STEPS
        for each in ("linear", "sgd")
        if (named, each) != ("target_mean", "sgd")
    ],
)
def test_every_step_is_part_of_the_model_that_is_loaded_again(tmp_path, named, estimator):
    made = job(tmp_path, "binary", estimator, {"step": named.split()[0], **STEPS[named]})
    train, validation = rows(300), rows(60, 1)
    if named == "pair":
        made.spec["schema"].append({"name": "season:copy", "kind": "category"})
        train, validation = (
            frame.assign(**{"season:copy": frame["season"]}) for frame in (train, validation)
        )

    assert made.train(train, validation) == 0

    part = read_part(
        tmp_path / "input" / "data" / "validation", read_spec(tmp_path / "input" / "data" / "spec")
    )
    answers = load_model(made.model).predict(part.columns)
    assert answers.shape == (60, 2)
    assert np.allclose(answers.sum(axis=1), 1)


@pytest.mark.parametrize("estimator", ["hist_gradient_boosting", "random_forest", "linear"])
def test_many_categories_are_learned_by_every_estimator(tmp_path, estimator):
    made = job(tmp_path, "binary", estimator, {"step": "one_hot", "max_levels": 200})
    train = rows(600)
    train["season"] = [f"{place % 100}" for place in range(600)]

    assert made.train(train, rows(60, 1)) == 0


def test_a_step_of_the_users_own_is_part_of_the_model(tmp_path, own_steps):
    (own_steps / "above_mean.py").write_text(ABOVE_MEAN)
    step = {"step": "above_mean", "columns": ["temp"], "parameters": {"factor": 1.1}}
    made = job(tmp_path, "regression", "hist_gradient_boosting", step)

    assert made.train(rows(300), rows(60, 1)) == 0
    assert made.document("manifest.json")["own_steps"] == ["above_mean"]


def test_a_model_without_the_code_of_its_step_is_not_served(tmp_path, own_steps):
    (own_steps / "above_mean.py").write_text(ABOVE_MEAN)
    made = job(tmp_path, "regression", "linear", {"step": "above_mean", "columns": ["temp"]})
    assert made.train(rows(300), rows(60, 1)) == 0

    (own_steps / "above_mean.py").unlink()
    del registry._registered["above_mean"], sys.modules["pipelines.steps.above_mean"]
    importlib.invalidate_caches()

    # One process: copies of this one would go on with its tests.
    assert run(["serve"], {**made.environ, "SAGEMAKER_MODEL_SERVER_WORKERS": "1"}) == 1
    assert made.failure.startswith("there is no step 'above_mean'")
