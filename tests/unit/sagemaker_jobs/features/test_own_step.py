import sys

import numpy as np
import pytest

from pipelines import steps as own_steps
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.features import registry
from sagemaker_jobs.features.own_step import OwnStep
from sagemaker_jobs.features.registry import check_parameters, find_step
from sagemaker_jobs.features.step import Feature

PER_NIGHT = """
from sagemaker_jobs.features.registry import feature_step

@feature_step("per_night")
def per_night(columns, *, discount=0.0):
    return columns["price"] / columns["nights"] * (1 - discount)
"""
ABOVE_MEAN = """
from sagemaker_jobs.features.registry import feature_step

@feature_step("above_mean")
class AboveMean:
    def fit(self, columns, target):
        self.mean = float(columns["price"].mean())
        return self

    def transform(self, columns):
        return ["yes" if price > self.mean else "no" for price in columns["price"]]
"""
STAY = {
    "price": Feature("number", np.array([100.0, 300.0])),
    "nights": Feature("number", np.array([2.0, 3.0])),
}


@pytest.fixture
def write_step(tmp_path, monkeypatch):
    """Write a user's step; what is registered is forgotten afterwards."""
    monkeypatch.setattr(own_steps, "__path__", [str(tmp_path / "pipelines" / "steps")])
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    (tmp_path / "pipelines" / "steps").mkdir(parents=True)

    def write(name, code):
        (tmp_path / "pipelines" / "steps" / f"{name}.py").write_text(code)

    before = set(sys.modules)
    yield write
    for name in set(sys.modules) - before:
        if name.startswith("pipelines.steps."):
            del sys.modules[name]


def made(name, features=STAY, **parameters):
    step = OwnStep(name, parameters)
    return step.fit(features, np.array([0.0, 1.0])).transform(features)


def test_a_function_makes_a_column_named_like_the_step(write_step):
    write_step("per_night", PER_NIGHT)

    assert made("per_night")["per_night"].values.tolist() == [50, 100]


def test_parameters_of_the_file_are_passed(write_step):
    write_step("per_night", PER_NIGHT)

    assert made("per_night", discount=0.5)["per_night"].values.tolist() == [25, 50]


def test_a_class_learns_from_the_training_rows(write_step):
    write_step("above_mean", ABOVE_MEAN)
    step = OwnStep("above_mean").fit(STAY)

    later = step.transform({**STAY, "price": Feature("number", np.array([150.0, 999.0]))})["above_mean"]

    assert (later.kind, later.values.tolist()) == ("category", ["no", "yes"])


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("return columns['no such']", r"the step 'broken' failed: KeyError in pipelines/steps/broken\.py:4"),
        ("return [1.0]", r"returned the shape \(1,\) for 2 rows"),
        ("return [[object()], [object()]]", "neither numbers nor a column of texts"),
        ("raise ValueError('Hildegard4711')", "ValueError in"),
    ],
)
def test_a_failure_is_told_by_its_place_and_without_values(write_step, code, told):
    head = "from sagemaker_jobs.features.registry import feature_step\n@feature_step('broken')\n"
    write_step("broken", f"{head}def broken(columns):\n    {code}\n")

    with pytest.raises(JobError, match=told) as failure:
        made("broken")
    assert "Hildegard4711" not in str(failure.value)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import no_such_library", r"pipelines/steps/other\.py cannot be imported: ModuleNotFoundError"),
        ("x = 1", r"registers no feature step: write @feature_step\('other'\)"),
    ],
)
def test_a_file_that_is_no_step_is_told(write_step, code, told):
    write_step("other", code)

    with pytest.raises(JobError, match=told):
        find_step("other")


@pytest.mark.parametrize("name", ["nowhere", "../escape", "Upper", "os.path"])
def test_a_name_without_a_file_is_told(write_step, name):
    with pytest.raises(JobError, match="step"):
        find_step(name)


def test_parameters_are_compared_before_anything_runs(write_step):
    write_step("per_night", PER_NIGHT)

    check_parameters("per_night", {"discount": 0.1})
    with pytest.raises(JobError, match="unexpected keyword argument 'rebate'"):
        check_parameters("per_night", {"rebate": 0.1})
