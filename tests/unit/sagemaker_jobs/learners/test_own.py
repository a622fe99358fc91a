"""A class of the user's own learns, is stored without pickle, and says where it failed."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from headrace.ml.search_space import Integer
from pipelines import estimators
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.learners.interface import LabelledRows, Layout, Task
from sagemaker_jobs.learners.registry import find_learner
from sagemaker_jobs.model_files import load_model
from tests.integration.sagemaker_jobs.opt_ml import OptMl, rows

DOCUMENTED = re.findall(r"```python\n(.*?)```", Path("docs/estimators.md").read_text(), re.DOTALL)
MEAN = """
import numpy as np

class Mean:
    def __init__(self, shift=0.0, seed=None):
        self.shift, self.seed = shift, seed

    def fit(self, matrix, target, sample_weight=None):
        self.mean = float(np.average(target, weights=sample_weight)) + self.shift
        return self

    def predict(self, matrix):
        return np.full(len(matrix), self.mean)
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a user's estimator; what is imported is forgotten afterwards."""
    folder = tmp_path / "pipelines" / "estimators"
    folder.mkdir(parents=True)
    monkeypatch.setattr(estimators, "__path__", [str(folder)])
    before = set(sys.modules)

    def write(name, code):
        (folder / f"{name}.py").write_text(code)

    yield write
    for name in set(sys.modules) - before:
        if name.startswith("pipelines.estimators."):
            del sys.modules[name]


def task(problem="regression", target=(1.0, 2.0, 6.0), weights=None, **hyperparameters):
    train = LabelledRows(np.arange(6.0).reshape(3, 2), np.array(target), weights)
    return Task(problem, train, None, Layout(("number", "number")), 3, hyperparameters)


def test_the_documented_estimator_is_trained_evaluated_and_loaded(write, tmp_path):
    write("nearest", DOCUMENTED[0])
    job = OptMl(tmp_path, "multiclass", "own.nearest", hyperparameters={"neighbours": 25})

    assert job.train() == 0
    manifest = job.document("manifest.json")
    assert manifest["estimator"] == "own.nearest"
    assert manifest["engine"] == {"name": "skops", "why": "there is no operator for OwnEstimator"}
    assert job.document("metrics.json")["validation"]["accuracy"] > 0.7
    model = load_model(job.model)
    assert model.classes == ("high", "low", "middle")
    assert model.pipeline.steps[-1][1].learned.neighbours == 25
    assert job.evaluate(rows(200, 2), job.model) == 0


def test_the_same_rows_give_the_same_bytes(write, tmp_path):
    write("nearest", DOCUMENTED[0])
    made = [OptMl(tmp_path / name, "binary", "own.nearest") for name in ("one", "other")]

    for job in made:
        assert job.train() == 0

    assert made[0].files() == made[1].files()


def test_the_documented_search_space_is_read(write):
    write("nearest", DOCUMENTED[0])

    assert find_learner("own.nearest").search_space("binary") == {"neighbours": Integer(3, 60, "log")}


def test_a_class_learns_with_hyperparameters_the_seed_and_weights(write):
    write("mean", MEAN)
    learner = find_learner("own.mean")

    plain = learner.fit(task(shift=1.0))
    weighted = learner.fit(task(weights=np.array([0.0, 0.0, 3.0])))

    assert plain.predict(np.zeros((2, 2))).tolist() == [4.0, 4.0]
    assert plain.learned.seed == 3
    assert weighted.predict(np.zeros((1, 2))).tolist() == [6.0]
    assert learner.preparation == "filled"
    assert learner.search_space("regression") == {}


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import no_such_library", r"broken\.py cannot be imported: ModuleNotFoundError"),
        ("class _Hidden:\n    pass", "defines 0 classes, and an estimator is one"),
        ("class A:\n    pass\nclass B:\n    pass", "defines 2 classes"),
        ("class A:\n    pass", r"A has no method fit\(matrix, target\)"),
        (
            MEAN.replace("class Mean:", "class Mean:\n    preparation = 'baked'"),
            "preparation is one of none, filled, scaled",
        ),
    ],
)
def test_a_file_that_is_no_estimator_is_told(write, code, told):
    write("broken", code)

    with pytest.raises(JobError, match=told):
        find_learner("own.broken")


@pytest.mark.parametrize("name", ["own.nowhere", "own.__init__", "own.../secrets"])
def test_a_file_that_is_not_there_is_told(write, name):
    with pytest.raises(
        JobError, match=r"there is no pipelines/estimators/nowhere|name of an estimator's file"
    ):
        find_learner(name)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "return self",
            "raise ValueError(f'the cell {target[0]}')",
            r"ValueError in pipelines/estimators/mean\.py:10",
        ),
        (
            "np.full(len(matrix), self.mean)",
            "np.zeros((7, 3))",
            r"predict returned the shape \(7, 3\), not \(3,\)",
        ),
        (
            "np.full(len(matrix), self.mean)",
            "['a'] * 3",
            r"failed: ValueError in pipelines/estimators/mean\.py",
        ),
        (", sample_weight=None", "", "rows have weights"),
    ],
)
def test_a_failure_is_told_with_its_line_and_without_a_cell(write, old, new, told):
    write("mean", MEAN.replace(old, new).replace("weights=sample_weight", "weights=None"))

    with pytest.raises(JobError, match=told) as caught:
        find_learner("own.mean").fit(task(weights=np.ones(3)))
    assert "the cell" not in str(caught.value)


def test_a_hyperparameter_that_the_class_does_not_take_is_told(write):
    write("mean", MEAN)

    with pytest.raises(JobError, match=r"mean\.py: Mean: got an unexpected keyword argument 'depth'"):
        find_learner("own.mean").fit(task(depth=3))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("np.full((len(matrix), 2), 0.9)", "rows that are no probabilities"),
        ("np.full((len(matrix), 3), 1 / 3)", r"predict_proba returned the shape \(3, 3\), not \(3, 2\)"),
    ],
)
def test_probabilities_that_are_none_are_refused(write, answer, told):
    write(
        "odd",
        f"import numpy as np\nclass Odd:\n  def fit(self, matrix, target): pass\n  def predict_proba(self, matrix): return {answer}\n",
    )

    with pytest.raises(JobError, match=told):
        find_learner("own.odd").fit(task("binary", ("no", "yes", "no")))


def test_another_order_of_labels_is_refused(write):
    code = (
        "import numpy as np\nclass Odd:\n  classes_ = ['yes', 'no']\n  def fit(self, matrix, target): pass\n"
    )
    write("odd", code)

    with pytest.raises(JobError, match="classes_ are not the labels of the target, sorted"):
        find_learner("own.odd").fit(task("binary", ("no", "yes", "no")))


def test_a_model_whose_manifest_names_another_estimator_is_refused(write, tmp_path):
    write("nearest", DOCUMENTED[0])
    job = OptMl(tmp_path, "binary", "own.nearest")
    assert job.train() == 0
    manifest = job.document("manifest.json")

    (job.model / "manifest.json").write_text(json.dumps({**manifest, "estimator": "linear"}))

    with pytest.raises(JobError, match="types that nobody trusts"):
        load_model(job.model)
