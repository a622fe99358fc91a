"""Everything that imports TensorFlow, which takes seconds, is in this file."""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from sklearn.datasets import load_digits

from sagemaker_jobs.failures import JobError
from sagemaker_jobs.learners.interface import LabelledRows, Layout, Task
from sagemaker_jobs.learners.keras_learner import Keras
from sagemaker_jobs.learners.networks.answers import Answers
from sagemaker_jobs.learners.networks.inputs import inputs_of
from sagemaker_jobs.learners.networks.world import World
from tests.integration.sagemaker_jobs.opt_ml import OptMl, rows
from tests.unit.sagemaker_jobs.learners.network_tasks import TINY, mixed_matrix, task

pytestmark = pytest.mark.skipif(find_spec("tensorflow") is None, reason="make frameworks installs it")


class Kept(Keras):
    """Keeps what has been trained, to compare it with the graph."""

    def engine(self, made):
        self.made, self.kept = made, super().engine(made)
        return self.kept


@pytest.mark.parametrize("problem", ["regression", "multiclass"])
def test_the_graph_answers_as_the_network_that_keras_trained(problem):
    learner, given = Kept(), task(problem, validation=0, epochs=2)
    fitted = learner.fit(given)
    matrix = mixed_matrix(100, 2)

    sums = learner.kept.sums(inputs_of(learner.made.network, matrix))

    answers = fitted.predict(matrix) if problem == "regression" else fitted.predict_proba(matrix)
    expected = Answers.of(problem, given.target, None).answers(sums)
    assert np.allclose(answers, expected, rtol=1e-5, atol=1e-5)


def test_the_same_task_gives_the_same_bytes_and_an_interrupted_training_ends_with_them(tmp_path):
    class StoppedError(Exception):
        pass

    def stop(epoch, _value):
        if epoch == 1:
            raise StoppedError

    given = task("binary", dropout=0.3, epochs=3)
    whole, again = Keras().fit(given).graph, Keras().fit(given).graph
    kept = replace(given, checkpoints=tmp_path)

    with pytest.raises(StoppedError):
        Keras().fit(replace(kept, report=stop))

    assert again == whole
    assert Keras().fit(kept).graph == whole


def test_keras_reads_handwritten_digits_by_convolutions():
    data = load_digits()
    layout = Layout(("number",) * 64)
    learn, check = (
        LabelledRows(data.data[part], data.target[part].astype(str))
        for part in (slice(1000), slice(1000, 1200))
    )
    given = {"picture": "8x8", "epochs": 12, "batch_size": 64}

    fitted = Keras().fit(Task("multiclass", learn, check, layout, 7, given, "accuracy"))

    assert np.mean(fitted.predict(data.data[1200:]) == data.target[1200:].astype(str)) > 0.9


def test_a_job_of_keras_makes_one_graph_of_a_tabular_network(tmp_path):
    job = OptMl(tmp_path, "binary", "keras", hyperparameters=TINY)

    assert job.train(rows(200), rows(60, 1)) == 0
    assert job.document("manifest.json")["engine"]["name"] == "onnx"


def test_keras_learns_on_one_instance():
    with pytest.raises(JobError, match="keras learns on one instance; torch learns on several"):
        Keras().fit_among(task("binary"), World(0, 2))
