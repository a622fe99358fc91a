"""An interrupted training of XGBoost ends with the trees of one that was not."""

import os
import signal

import numpy as np
import pytest

from sagemaker_jobs.learners.interface import LabelledRows
from sagemaker_jobs.learners.xgboost_rounds import AT_A_TIME
from sagemaker_jobs.learners.xgboost_trees import Xgboost
from sagemaker_jobs.termination import Terminated, terminable
from tests.unit.sagemaker_jobs.learners.test_xgboost import rows, task

PLAIN = {"n_estimators": 120, "max_depth": 3, "early_stopping_rounds": 200}
SAMPLED = {**PLAIN, "subsample": 0.7, "colsample_bytree": 0.7}


class LostError(Exception):
    """Not of the program: the instance is gone."""


def interrupt_at(step, by):
    def report(at, _value):
        if at == step:
            by()

    return report


def lose_the_instance():
    raise LostError


def be_asked_to_end():
    os.kill(os.getpid(), signal.SIGTERM)


def training(problem="regression", **fields):
    metric = {"regression": "rmse", "binary": "roc_auc"}[problem]
    return task(problem, validation=rows(problem, 300, 1), metric=metric, **fields)


def steps(given):
    """Fit, and return the graph and the steps that were reported."""
    told = []
    graph = Xgboost().fit(training(**given, report=lambda step, _value: told.append(step))).graph
    return graph, told


@pytest.mark.parametrize("hyperparameters", [PLAIN, SAMPLED, {**SAMPLED, "early_stopping_rounds": 5}])
def test_a_training_that_lost_its_instance_ends_with_the_same_bytes(tmp_path, hyperparameters):
    whole, all_steps = steps({"hyperparameters": hyperparameters})
    last = min(len(all_steps) - 2, 70)

    with pytest.raises(LostError):
        Xgboost().fit(
            training(
                hyperparameters=hyperparameters,
                checkpoints=tmp_path,
                report=interrupt_at(last, lose_the_instance),
            )
        )
    again, more_steps = steps({"hyperparameters": hyperparameters, "checkpoints": tmp_path})

    assert again == whole
    assert more_steps[0] == last // AT_A_TIME * AT_A_TIME
    assert more_steps[-1] == all_steps[-1]


@pytest.mark.parametrize(("hyperparameters", "goes_on_from"), [(PLAIN, 71), (SAMPLED, 50)])
def test_a_training_that_is_asked_to_end_keeps_what_can_be_taken_up_again(
    tmp_path, hyperparameters, goes_on_from
):
    whole, _ = steps({"hyperparameters": hyperparameters})

    with pytest.raises(Terminated) as ended, terminable():
        Xgboost().fit(
            training(
                hyperparameters=hyperparameters,
                checkpoints=tmp_path,
                report=interrupt_at(70, be_asked_to_end),
            )
        )
    again, more_steps = steps({"hyperparameters": hyperparameters, "checkpoints": tmp_path})

    assert ended.value.code == 143
    assert (again, more_steps[0]) == (whole, goes_on_from)


def test_a_training_that_had_ended_is_not_done_again(tmp_path):
    given = {"hyperparameters": PLAIN, "checkpoints": tmp_path}
    whole, _ = steps(given)

    again, told = steps(given)

    assert (again, told) == (whole, [])


@pytest.mark.parametrize("change", ["rows", "hyperparameters", "file"])
def test_progress_of_another_training_is_not_used(tmp_path, change):
    steps({"hyperparameters": PLAIN, "checkpoints": tmp_path})
    if change == "file":
        (tmp_path / "xgboost.npz").write_bytes(b"damaged")
    other = rows(seed=9) if change == "rows" else rows()
    given = {
        "hyperparameters": {**PLAIN, "max_depth": 2} if change == "hyperparameters" else PLAIN,
        "train": other,
    }

    graph, told = steps({**given, "checkpoints": tmp_path})

    assert told[0] == 0
    assert graph == steps(given)[0]


def test_labels_go_on_as_numbers_do(tmp_path):
    given = {"problem": "binary", "hyperparameters": PLAIN}
    whole, _ = steps(given)

    with pytest.raises(LostError):
        Xgboost().fit(training(**given, checkpoints=tmp_path, report=interrupt_at(60, lose_the_instance)))
    again, told = steps({**given, "checkpoints": tmp_path})

    assert (again, told[0]) == (whole, 50)


def test_nothing_half_written_is_left(tmp_path):
    steps({"hyperparameters": PLAIN, "checkpoints": tmp_path})

    assert [file.name for file in tmp_path.iterdir()] == ["xgboost.npz"]


def test_without_validation_rows_all_rounds_are_grown_and_resumed(tmp_path):
    given = {"hyperparameters": PLAIN, "checkpoints": tmp_path}
    whole = Xgboost().fit(task(**given)).graph

    assert Xgboost().fit(task(**given)).graph == whole


def test_weights_belong_to_what_is_trained(tmp_path):
    plain = rows()
    weighted = LabelledRows(plain.matrix, plain.target, np.linspace(0.5, 1.5, plain.rows))
    steps({"hyperparameters": PLAIN, "checkpoints": tmp_path, "train": plain})

    _, told = steps({"hyperparameters": PLAIN, "checkpoints": tmp_path, "train": weighted})

    assert told[0] == 0
