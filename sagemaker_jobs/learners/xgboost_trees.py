"""XGBoost's gradient boosted trees."""

from __future__ import annotations

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
        _check_same(xgboost, booster, fitted, task)
        return fitted


def _boosted(xgboost: Any, task: Task, labels: list[str]) -> Any:
    """Return the booster. Training on several machines differs here, and nowhere else."""
    given = dict(task.hyperparameters)
    stopping = can_stop_early(task)
    rounds = int(given.pop("n_estimators", _ROUNDS if stopping else _ROUNDS_WITHOUT_STOPPING))
    patience = int(given.pop("early_stopping_rounds", _PATIENCE))
    train = _data(xgboost, task, task.train, labels)
    validation = _known_rows(task.validation, labels)
    callbacks, evaluated = [], []
    if validation is not None:
        held_out = _data(xgboost, task, validation, labels)
        evaluated = [(held_out, "validation")]
        if task.metric in METRICS[task.problem]:
            callbacks.append(_reporter(xgboost, task, held_out, validation.target, labels))
        if stopping:
            callbacks.append(xgboost.callback.EarlyStopping(rounds=patience, save_best=True))
    parameters = {**_parameters(task, len(labels)), **given}
    return xgboost.train(parameters, train, rounds, evals=evaluated, callbacks=callbacks, verbose_eval=False)


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


def _reporter(xgboost: Any, task: Task, held_out: Any, truth: Floats | Labels, labels: list[str]) -> Any:
    """Return what computes the decisive metric after each round; XGBoost has the answers at hand then."""

    class Reporter(xgboost.callback.TrainingCallback):  # type: ignore[misc]  # it is imported when needed
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            answers = _answers(model.predict(held_out), labels)
            rows = prepare(task.problem, Predictions(truth, answers, tuple(labels))).weighted(None)
            task.report(epoch, float(METRICS[task.problem][task.metric](rows)[0]))
            return False

    return Reporter()


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
