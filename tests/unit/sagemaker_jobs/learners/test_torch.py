"""Everything that imports PyTorch, which takes seconds, is in this file."""

import socket
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

from sagemaker_jobs.cluster import Cluster
from sagemaker_jobs.engines import load_predictor
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.learners.graph_estimator import GraphEstimator
from sagemaker_jobs.learners.interface import LabelledRows, Layout, Task
from sagemaker_jobs.learners.networks.answers import Answers
from sagemaker_jobs.learners.networks.inputs import inputs_of
from sagemaker_jobs.learners.networks.world import ALONE, joined
from sagemaker_jobs.learners.torch_learner import Torch
from tests.integration.sagemaker_jobs.opt_ml import OptMl, rows
from tests.integration.sagemaker_jobs.test_texts_and_images import digits, messages
from tests.unit.sagemaker_jobs.learners.network_tasks import (
    TINY,
    answers_without_frameworks,
    evaluated_without_frameworks,
    mixed_matrix,
    targets,
    task,
)

PROBLEMS = ("regression", "binary", "multiclass")

pytestmark = pytest.mark.skipif(find_spec("torch") is None, reason="make frameworks installs it")


class Kept(Torch):
    """Keeps what has been trained, to compare it with the graph."""

    def engine(self, made):
        self.made, self.kept = made, super().engine(made)
        return self.kept


class StoppedError(Exception):
    pass


def interrupt_after(epoch):
    def report(at, _value):
        if at == epoch:
            raise StoppedError

    return report


def real(data, problem, metric, layout=None, **given):
    """Return a task of three quarters of real rows, and the last quarter."""
    order = np.random.default_rng(0).permutation(len(data.data))
    rows, truth = data.data[order], data.target[order]
    truth = truth if problem == "regression" else truth.astype(str)
    learn, check = int(len(rows) * 0.6), int(len(rows) * 0.75)
    made = Task(
        problem,
        LabelledRows(rows[:learn], truth[:learn]),
        LabelledRows(rows[learn:check], truth[learn:check]),
        layout or Layout(("number",) * rows.shape[1]),
        7,
        given,
        metric,
    )
    return made, rows[check:], truth[check:]


@pytest.mark.parametrize("problem", PROBLEMS)
def test_numbers_categories_words_and_pictures_are_learned_together(problem):
    given = task(problem, n=600, validation=200, epochs=25, hidden_units=32)

    fitted = Torch().fit(given)

    matrix = mixed_matrix(300, 2)
    truth, answers = targets(problem, matrix), fitted.predict(matrix)
    if problem == "regression":
        assert np.sqrt(np.mean((answers - truth) ** 2)) < 0.6 * truth.std()
    else:
        assert np.mean(answers == truth) > {"binary": 0.8, "multiclass": 0.65}[problem]
        assert np.allclose(fitted.predict_proba(matrix).sum(axis=1), 1)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_graph_answers_as_the_network_that_was_trained(problem):
    learner = Kept()
    given = task(problem, validation=0)
    fitted = learner.fit(given)
    matrix = mixed_matrix(100, 2)
    matrix[0, :10], matrix[1, :2], matrix[2, 2:4] = np.nan, 1e300, 1000

    sums = learner.kept.sums(inputs_of(learner.made.network, matrix))
    expected = Answers.of(problem, given.target, None).answers(sums)

    answers = fitted.predict(matrix) if problem == "regression" else fitted.predict_proba(matrix)
    assert np.allclose(answers, expected, rtol=1e-5, atol=1e-5)
    assert np.isfinite(answers).all()


def test_adamw_takes_the_steps_of_its_paper():
    import torch  # noqa: PLC0415

    from sagemaker_jobs.learners.networks.torch_adamw import AdamW  # noqa: PLC0415

    rng = np.random.default_rng(0)
    expected, gradients = rng.normal(size=50), rng.normal(size=(20, 50))
    array = torch.nn.Parameter(torch.tensor(expected))
    optimiser = AdamW({"a": array}, {"a": 0.1})

    mean = square = np.zeros(50)
    for step, gradient in enumerate(gradients, start=1):
        array.grad = torch.tensor(gradient)
        optimiser.step(0.01)
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        move = mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
        expected = expected - 0.01 * (move + 0.1 * expected)

    assert np.allclose(array.detach().numpy(), expected, rtol=0, atol=1e-12)


def test_the_same_task_gives_the_same_bytes_and_another_seed_others():
    one, same, other = (Torch().fit(task("binary", seed=seed)).graph for seed in (3, 3, 4))

    assert one == same
    assert one != other


@pytest.mark.parametrize("interrupted_after", [0, 2])
def test_an_interrupted_training_ends_with_the_same_bytes(tmp_path, interrupted_after):
    whole = Torch().fit(task("multiclass", dropout=0.3)).graph
    stopped = task("multiclass", dropout=0.3, checkpoints=tmp_path, report=interrupt_after(interrupted_after))
    with pytest.raises(StoppedError):
        Torch().fit(stopped)

    epochs = []
    resumed = Torch().fit(replace(stopped, report=lambda epoch, _value: epochs.append(epoch)))

    assert resumed.graph == whole
    assert epochs == list(range(interrupted_after, 4))


def test_a_finished_training_that_starts_anew_learns_nothing_more(tmp_path):
    first = Torch().fit(task("binary", checkpoints=tmp_path)).graph
    epochs = []

    again = Torch().fit(
        task("binary", checkpoints=tmp_path, report=lambda epoch, _value: epochs.append(epoch))
    )

    assert (again.graph, epochs) == (first, [])


@pytest.mark.parametrize("damage", ["of another training", "cut off", "a pickle"])
def test_a_checkpoint_that_is_not_of_this_training_is_not_used(tmp_path, damage):
    whole = Torch().fit(task("binary")).graph
    Torch().fit(task("binary", seed=9, checkpoints=tmp_path))
    file = tmp_path / "network.npz"
    if damage == "cut off":
        file.write_bytes(file.read_bytes()[:1000])
    elif damage == "a pickle":
        np.savez(file, fingerprint=np.array([{}], dtype=object))

    assert Torch().fit(task("binary", checkpoints=tmp_path)).graph == whole


def test_the_best_epoch_on_the_validation_rows_is_kept_and_training_stops_after_it():
    seen = []
    given = task(
        "regression", epochs=40, patience=3, learning_rate=0.05, report=lambda *each: seen.append(each)
    )

    fitted = Torch().fit(given)

    values = [value for _, value in seen]
    assert [epoch for epoch, _ in seen] == list(range(len(seen)))
    assert len(seen) < 40
    assert int(np.argmin(values)) == len(seen) - 4
    held_out = given.validation
    error = np.sqrt(np.mean((fitted.predict(held_out.matrix) - held_out.target) ** 2))
    assert error == pytest.approx(min(values), rel=1e-4)


def test_without_validation_rows_all_epochs_are_learned_and_nothing_is_reported():
    seen = []

    Torch().fit(task("binary", validation=0, report=lambda *each: seen.append(each)))

    assert seen == []


def test_rows_of_weight_0_teach_nothing():
    given = task("regression", n=200)
    weights = np.repeat([2.0, 0.0], 100)
    spoiled = np.where(weights > 0, given.target, 1e6)
    whole = LabelledRows(given.matrix, given.target, weights)

    one, other = (
        Torch().fit(replace(given, train=rows)).graph
        for rows in (whole, LabelledRows(given.matrix, spoiled, weights))
    )

    assert one == other


def test_a_validation_label_that_training_has_not_seen_is_left_out():
    given = task("binary")
    odd = given.validation.target.astype("<U4").copy()
    odd[:5] = "zzzz"

    assert Torch().fit(replace(given, validation=LabelledRows(given.validation.matrix, odd)))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"layers": 3}, "no hyperparameter layers; it has hidden_layers"),
        ({"dropout": 1.5}, "dropout is a number from 0 to 0.95, not 1.5"),
        ({"epochs": 2.5}, "epochs is a whole number from 1 to 10000, not 2.5"),
        ({"hidden_units": "many"}, "hidden_units is a whole number"),
        ({"picture": "wide"}, "picture is written 28x28 or 32x32x3, not 'wide'"),
    ],
)
def test_a_hyperparameter_that_is_none_is_refused(given, said):
    with pytest.raises(JobError, match=said):
        Torch().fit(task("binary", **given))


def test_columns_that_are_not_the_points_of_the_declared_picture_are_refused():
    given, _, _ = real(load_digits(), "multiclass", "accuracy", picture="9x9")

    with pytest.raises(JobError, match="there are 64 columns of points, and a picture of 9 by 9 points"):
        Torch().fit(given)


def test_handwritten_digits_are_read_by_convolutions():
    given, rows, truth = real(load_digits(), "multiclass", "accuracy", picture="8x8")

    assert np.mean(Torch().fit(given).predict(rows) == truth) >= 0.97


def test_tumours_are_told_apart_by_numbers():
    given, rows, truth = real(load_breast_cancer(), "binary", "roc_auc")

    assert np.mean(Torch().fit(given).predict(rows) == truth) >= 0.95


def test_the_course_of_diabetes_is_foretold_better_than_by_its_mean():
    given, rows, truth = real(load_diabetes(), "regression", "rmse")

    error = np.sqrt(np.mean((Torch().fit(given).predict(rows) - truth) ** 2))

    assert error < 0.88 * truth.std()


def network_job(base, problem, target, schema, features=None, **hyperparameters):
    job = OptMl(base, problem, "torch", hyperparameters={**TINY, **hyperparameters})
    job.spec["pipeline"] |= {"target": target, "features": features or {}}
    job.spec["schema"] = schema
    return job


def text_job(base):
    return network_job(base, "binary", "label", [{"name": "message", "kind": "text"}], epochs=10)


SHORT = {"n": 65, "validation": 20, "dropout": 0, "epochs": 2}
ONE_OF_TWO = """
import sys
from sagemaker_jobs.learners.networks.world import joined
from sagemaker_jobs.learners.torch_learner import Torch
from tests.unit.sagemaker_jobs.learners import network_tasks
with joined(network_tasks.cluster(int(sys.argv[1]), int(sys.argv[2]))) as world:
    fitted = Torch().fit_among(network_tasks.task("binary", n=65, validation=20, dropout=0, epochs=2), world)
sys.stdout.write(fitted.graph.hex())
"""


def test_two_processes_learn_what_one_learns():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # In processes of their own: PyTorch's distributed part ends one that has imported TensorFlow.
    both = [
        subprocess.Popen(
            [sys.executable, "-c", ONE_OF_TWO, str(rank), str(port)], stdout=subprocess.PIPE, text=True
        )
        for rank in (0, 1)
    ]
    first, second = (process.communicate(timeout=240)[0] for process in both)

    # The odd row of the last batch is left out where two learn, so what they learn differs by that row.
    alone = Torch().fit(task("binary", **SHORT))
    rows_to_answer = mixed_matrix(50, 2)
    together = GraphEstimator(bytes.fromhex(first), alone.classes_.tolist())
    difference = together.predict_proba(rows_to_answer) - alone.predict_proba(rows_to_answer)
    assert first == second
    assert np.abs(difference).max() < 0.05


def test_a_host_alone_needs_no_other():
    with joined(Cluster()) as world:
        assert world == ALONE


def test_a_job_makes_one_graph_of_a_tabular_network_that_answers_without_pytorch(tmp_path):
    job = OptMl(tmp_path, "regression", "torch", hyperparameters=TINY)

    assert job.train(rows(300), rows(80, 1)) == 0

    manifest, sample = job.document("manifest.json"), job.document("sample.json")
    assert manifest["engine"]["name"] == "onnx", manifest["engine"]
    both = answers_without_frameworks(job.model, "onnx", "skops")
    assert both == pytest.approx([sample["prediction"]["score"]] * 2, rel=1e-6)


def test_a_job_learns_from_texts_and_answers_without_pytorch(tmp_path):
    job = text_job(tmp_path)

    assert job.train(messages(400), messages(100, 1)) == 0

    sample, manifest = job.document("sample.json"), job.document("manifest.json")
    assert job.document("metrics.json")["validation"]["accuracy"] > 0.9
    assert manifest["engine"]["name"] == "skops"
    (answer,) = answers_without_frameworks(job.model, "skops")
    assert answer == pytest.approx(list(sample["prediction"]["probabilities"].values()))


def test_a_job_learns_from_images_and_is_evaluated(tmp_path):
    schema = [{"name": "photo", "kind": "image"}]
    steps = {"steps": [{"step": "pixels", "size": 8}]}
    job = network_job(
        tmp_path, "multiclass", "digit", schema, features=steps, epochs=20, hidden_units=64, filters=8
    )

    assert job.train(digits(0, 500), digits(500, 700)) == 0
    assert job.document("metrics.json")["validation"]["accuracy"] > 0.8
    job.lay_out_evaluation(digits(700, 900), job.model)
    evaluation = evaluated_without_frameworks(job)
    assert evaluation["challenger"]["accuracy"] > 0.8
    assert len(evaluation["confusion"]["labels"]) == 10
    assert [each["feature"] for each in evaluation["importance"]] == ["photo"]
    columns = {"photo": np.array([*digits(700, 720)["photo"], None], dtype=object)}
    assert load_predictor(job.model).predict(columns).shape == (21, 10)
    (answer,) = answers_without_frameworks(job.model, "skops")
    assert answer == pytest.approx(list(job.document("sample.json")["prediction"]["probabilities"].values()))


def test_a_text_a_picture_and_numbers_are_one_row_that_is_answered_without_pytorch(tmp_path):
    schema = [{"name": "message", "kind": "text"}, {"name": "photo", "kind": "image"}]
    schema += [{"name": "hour", "kind": "number"}, {"name": "town", "kind": "category"}]
    frame = messages(120).assign(
        photo=digits(0, 120)["photo"], hour=np.arange(120) % 24, town=["x", "y"] * 60
    )
    job = network_job(tmp_path, "binary", "label", schema)

    assert job.train(frame, frame) == 0
    job.lay_out_evaluation(frame, job.model)
    assert evaluated_without_frameworks(job)["challenger"]["roc_auc"] > 0.5
    (answer,) = answers_without_frameworks(job.model, "skops")
    assert answer == pytest.approx(list(job.document("sample.json")["prediction"]["probabilities"].values()))


def test_the_same_job_gives_the_same_files_and_says_how_it_comes_on(tmp_path, capsys):
    jobs = [text_job(tmp_path / name) for name in ("one", "other")]

    assert [job.train(messages(120), messages(40, 1)) for job in jobs] == [0, 0]
    assert jobs[0].files() == jobs[1].files()
    assert "validation:roc_auc=" in capsys.readouterr().out


def test_a_job_that_has_a_folder_for_checkpoints_keeps_them_there(tmp_path):
    job = text_job(tmp_path)
    (tmp_path / "checkpoints").mkdir()

    assert job.train(messages(60), messages(40, 1)) == 0
    assert [file.name for file in (tmp_path / "checkpoints").iterdir()] == ["network.npz"]
