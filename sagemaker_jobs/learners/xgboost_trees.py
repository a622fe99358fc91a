"""XGBoost's gradient boosted trees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from headrace.config.hyperparameters import known_hyperparameters
from headrace.ml.arrays import Floats, Labels
from headrace.ml.metrics import METRICS, Predictions, prepare
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.learners.extras import need
from sagemaker_jobs.learners.graph_estimator import GraphEstimator
from sagemaker_jobs.learners.interface import Fitted, LabelledRows, Learner, Task
from sagemaker_jobs.learners.scikit_learn import can_stop_early, threads_for
from sagemaker_jobs.learners.xgboost_cluster import check_same, joined, share
from sagemaker_jobs.learners.xgboost_rounds import Course, checkpoint_in, fingerprint, grow, resumed

_LARGEST = float(np.finfo(np.float32).max)
_ROUNDS, _ROUNDS_WITHOUT_STOPPING, _PATIENCE = 500, 100, 20
_ROWS_COMPARED = 2000
_MOST_DIFFERENCE = 1e-3  # float32 against float64; a tree that is read wrongly differs by far more
_OBJECTIVES = {"regression": "reg:squarederror", "binary": "binary:logistic", "multiclass": "multi:softprob"}
OBJECTIVES_OF_NUMBERS = (
    "reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "count:poisson", "reg:gamma", "reg:tweedie",
)  # fmt: skip
"""What `objective` may be in a regression; labels have one each."""


class Xgboost(Learner):
    """Grows up to 500 trees on histograms, and stops when 20 have not made the loss on the validation rows smaller.

    With fewer than 200 validation rows it grows 100 trees. Gaps go the way that lost less in training; categories are told
    apart by sets, not by columns of 0 and 1. The number of processors does not change the result.
    """

    name = "xgboost"
    framework = "xgboost"
    distributes = True
    packages = ("xgboost", "xgboost-cpu")

    def fit(self, task: Task) -> Fitted:
        """Learn, and return the trees as a graph."""
        _check_names(task)
        xgboost = need("xgboost", extra="xgboost", asked_by="training.estimator: xgboost")
        labels = [] if task.problem == "regression" else sorted(set(map(str, task.target)))
        try:
            booster = _boosted(xgboost, task, labels)
        except (xgboost.core.XGBoostError, TypeError, ValueError) as error:
            raise JobError(f"XGBoost cannot learn this: {_first_line(error)}") from None
        # Needs onnx, which the container that serves has as well, but AWS's own has not.
        from sagemaker_jobs.learners.xgboost_graph import boosted_graph  # noqa: PLC0415

        graph = boosted_graph(booster, len(task.layout.kinds), len(labels))
        fitted = GraphEstimator(graph, labels or None)
        fitted.booster = booster
        _check_same(xgboost, booster, fitted, task)
        return fitted


def _boosted(xgboost: Any, task: Task, labels: list[str]) -> Any:
    """Return the booster; each host has its share of the training rows, and all validation rows."""
    with joined(xgboost, task.cluster):
        stopping = can_stop_early(task)
        validation = _known_rows(task.validation, labels)
        held_out = None if validation is None else _data(xgboost, task, validation, labels)
        course = _course(task, len(labels), stops=stopping and held_out is not None)
        if validation is not None and task.cluster.leads and task.metric in METRICS[task.problem]:
            course = replace(course, report=_reporter(task, held_out, validation.target, labels))
        progress = resumed(xgboost, course)
        check_same(xgboost, task.cluster, progress.rounds)
        own = _data(xgboost, task, share(task.train, task.cluster), labels)
        return grow(xgboost, course, progress, own, [] if held_out is None else [(held_out, "validation")])


def _course(task: Task, labels: int, *, stops: bool) -> Course:
    given = dict(task.hyperparameters)
    rounds = int(given.pop("n_estimators", _ROUNDS if can_stop_early(task) else _ROUNDS_WITHOUT_STOPPING))
    patience = int(given.pop("early_stopping_rounds", _PATIENCE))
    parameters = {**_parameters(task, labels), **given}
    about = (parameters, rounds, patience, stops, task.layout, task.cluster.size)
    return Course(
        parameters,
        rounds,
        patience if stops else None,
        file=checkpoint_in(task.checkpoints),
        fingerprint=fingerprint(about, task.train, task.validation) if task.checkpoints else "",
        writes=task.cluster.leads,
    )


def _parameters(task: Task, labels: int) -> dict[str, Any]:
    return {
        "objective": _OBJECTIVES[task.problem],
        "tree_method": "hist",
        "learning_rate": 0.1,
        "seed": task.seed,
        "nthread": threads_for(task),
        "verbosity": 0,
        **({"num_class": labels} if task.problem == "multiclass" else {}),
    }


def _data(xgboost: Any, task: Task, rows: LabelledRows, labels: list[str]) -> Any:
    target = np.searchsorted(labels, rows.target) if labels else rows.target
    return _matrix(xgboost, task, rows.matrix, label=target, weight=rows.weights)


def _matrix(xgboost: Any, task: Task, cells: Floats, **truth: Any) -> Any:
    kinds = ["c" if kind == "category" else "q" for kind in task.layout.kinds]
    return xgboost.DMatrix(
        np.clip(cells, -_LARGEST, _LARGEST).astype(np.float32),  # beyond float32 XGBoost refuses numbers
        feature_types=kinds,
        enable_categorical="c" in kinds,
        nthread=threads_for(task),
        **truth,
    )


def _known_rows(rows: LabelledRows | None, labels: list[str]) -> LabelledRows | None:
    """Return the rows whose labels have been seen in training."""
    if rows is None or not labels:
        return rows
    known = np.isin(rows.target, labels)
    if not known.any():
        return None
    weights = None if rows.weights is None else rows.weights[known]
    return LabelledRows(rows.matrix[known], rows.target[known], weights)


def _reporter(
    task: Task, held_out: Any, truth: Floats | Labels, labels: list[str]
) -> Callable[[int, Any], None]:
    """Return what computes the decisive metric after each round; XGBoost has the answers at hand then."""

    def report(step: int, booster: Any) -> None:
        answers = _answers(booster.predict(held_out), labels)
        rows = prepare(task.problem, Predictions(truth, answers, tuple(labels))).weighted(None)
        task.report(step, float(METRICS[task.problem][task.metric](rows)[0]))

    return report


def _answers(predicted: Any, labels: list[str]) -> Floats:
    """Return XGBoost's answers in double precision, with a column for each class."""
    answers = np.asarray(predicted, dtype=np.float64)
    return np.column_stack([1 - answers, answers]) if labels and answers.ndim == 1 else answers


def _check_names(task: Task) -> None:
    known = known_hyperparameters(Xgboost.name, task.problem) or frozenset()
    if unknown := sorted(set(task.hyperparameters) - known):
        raise JobError(
            f"xgboost of a {task.problem} problem has no hyperparameter {', '.join(unknown)}; "
            f"it has {', '.join(sorted(known))}"
        )
    objective = task.hyperparameters.get("objective", OBJECTIVES_OF_NUMBERS[0])
    if objective not in OBJECTIVES_OF_NUMBERS:
        raise JobError(f"objective is {objective!r}, and can be one of {', '.join(OBJECTIVES_OF_NUMBERS)}")


def _check_same(xgboost: Any, booster: Any, fitted: GraphEstimator, task: Task) -> None:
    """Compare the graph with XGBoost on training rows.

    Raises
    ------
    JobError
        If it answers otherwise, as it might after a change of XGBoost's format.
    """
    cells = task.matrix[:_ROWS_COMPARED]
    labels = fitted.labels or []
    right = _answers(booster.predict(_matrix(xgboost, task, cells)), labels)
    answers = fitted.predict_proba(cells)
    size = 1.0 if labels else max(float(np.median(np.abs(right))), 1e-30)
    difference = float(np.max(np.abs(right - answers))) / size
    if not difference <= _MOST_DIFFERENCE:
        raise JobError(
            f"the graph of XGBoost's trees answers otherwise than XGBoost {xgboost.__version__}, by {difference:.0e}: "
            "install the version of sagemaker_jobs/extras/xgboost.txt"
        )


def _first_line(error: Exception) -> str:
    """Return what went wrong without the place in XGBoost's source."""
    line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return line.rpartition("Check failed: ")[2]
