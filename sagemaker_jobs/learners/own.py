"""Runs an estimator of the user's own, ``pipelines/estimators/<file>.py``, and says in one sentence where it failed."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, Self, get_args

import numpy as np
from sklearn.base import BaseEstimator

from headrace.config.estimators import OWN_PREFIX
from headrace.ml.arrays import Floats, Labels
from headrace.ml.column_schema import Problem
from headrace.ml.search_space import Choice, Continuous, Integer, Range, SearchSpaceError, read_range
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.learners.interface import Fitted, Learner, Preparation, Task

_PACKAGE = "pipelines.estimators"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_ROWS_TRIED = 20
_SEEDS = ("random_state", "seed")


class OwnLearner(Learner):
    """Lets a class of the user's own learn.

    Parameters
    ----------
    name : str
        As `training.estimator` has it: ``own.`` and the name of the file.

    Raises
    ------
    JobError
        If there is no such file, it cannot be imported, or does not define one class.
    """

    framework = "own"
    uses_validation = False

    def __init__(self, name: str) -> None:
        self._file = name.removeprefix(OWN_PREFIX)
        self._class = own_class(name)
        preparation: Any = getattr(self._class, "preparation", "filled")
        if preparation not in get_args(Preparation):
            raise JobError(f"{_path(self._file)}: preparation is one of {', '.join(get_args(Preparation))}")
        self.name = name
        self.preparation = preparation

    def search_space(self, problem: Problem) -> Mapping[str, Range]:
        """Return the class's attribute `search_space`: ranges, or documents of ranges, by name; empty without one.

        Raises
        ------
        JobError
            If it is none.
        """
        try:
            declared = dict(getattr(self._class, "search_space", {}))
            return {
                name: one if isinstance(one, Continuous | Integer | Choice) else read_range(one)
                for name, one in declared.items()
            }
        except (SearchSpaceError, TypeError, ValueError, AttributeError) as error:
            raise JobError(f"{_path(self._file)}: search_space cannot be read: {error}") from None

    def fit(self, task: Task) -> Fitted:
        """Learn, and try the answers to the first rows."""
        given = {**self._seed(task.seed), **task.hyperparameters}
        try:
            inspect.signature(self._class).bind(**given)
        except TypeError as error:
            raise JobError(f"{_path(self._file)}: {self._class.__name__}: {error}") from None
        made = _run(self._file, lambda: self._class(**given))
        fitted = OwnEstimator(self._file, None).fit_with(made, task)
        fitted.check(task.matrix[:_ROWS_TRIED])
        return fitted

    def _seed(self, seed: int) -> dict[str, int]:
        """Return the seed under the name by which the class takes it; without one it has nothing random."""
        known = inspect.signature(self._class).parameters
        return {name: seed for name in _SEEDS if name in known}


class OwnEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """The user's fitted object as the last step of a pipeline.

    Parameters
    ----------
    file : str
        Its name, without ``.py``.
    learned : object
        What the user's class has become.

    Attributes
    ----------
    classes_ : ndarray of str
        The labels, sorted; there is none in a regression.
    """

    def __init__(self, file: str, learned: Any) -> None:
        self.file = file
        self.learned = learned

    def fit(self, matrix: Any, target: Any = None) -> Self:
        """Refuse to learn: the learner does that.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError("OwnLearner.fit learns")

    def fit_with(self, made: Any, task: Task) -> Self:
        """Let the user's object learn."""
        takes = inspect.signature(made.fit).parameters
        extra = (
            {"sample_weight": task.weights} if "sample_weight" in takes and task.weights is not None else {}
        )
        if task.weights is not None and not extra:
            raise JobError(
                f"{_path(self.file)}: rows have weights (retraining.data), which fit(matrix, target) does not take: "
                "write fit(matrix, target, sample_weight=None), or let all rows count the same"
            )
        _run(self.file, lambda: made.fit(task.matrix, task.target, **extra))
        self.learned = made
        if task.problem != "regression":
            self.classes_ = np.array(sorted(set(map(str, task.target))))
        return self

    def __sklearn_is_fitted__(self) -> bool:
        """Tell scikit-learn's pipeline that it can answer."""
        return True

    def predict(self, matrix: Any) -> Floats | Labels:
        """Return numbers, or the most probable labels, of shape (n_rows,)."""
        if hasattr(self, "classes_"):
            labels: Labels = self.classes_[np.argmax(self.predict_proba(matrix), axis=1)]
            return labels
        return self._numbers("predict", matrix, (matrix.shape[0],))

    def predict_proba(self, matrix: Any) -> Floats:
        """Return probabilities of shape (n_rows, n_classes), in the order of the sorted labels."""
        return self._numbers("predict_proba", matrix, (matrix.shape[0], len(self.classes_)))

    def check(self, matrix: Any) -> None:
        """Ask about some rows.

        Raises
        ------
        JobError
            If the answers are not what they should be.
        """
        if not hasattr(self, "classes_"):
            self.predict(matrix)
            return
        told = list(map(str, getattr(self.learned, "classes_", self.classes_)))
        if told != self.classes_.tolist():
            raise JobError(f"{_path(self.file)}: classes_ are not the labels of the target, sorted")
        answers = self.predict_proba(matrix)
        if not (np.all(answers >= 0) and np.allclose(answers.sum(axis=1), 1, atol=1e-6)):
            raise JobError(f"{_path(self.file)}: predict_proba returned rows that are no probabilities")

    def _numbers(self, method: str, matrix: Any, shape: tuple[int, ...]) -> Floats:
        made: Floats = _run(
            self.file, lambda: np.asarray(getattr(self.learned, method)(matrix), dtype=np.float64)
        )
        if made.shape != shape:
            raise JobError(f"{_path(self.file)}: {method} returned the shape {made.shape}, not {shape}")
        return made


def own_class(name: str) -> type[Any]:
    """Import the file of an estimator and return the class that it defines.

    Raises
    ------
    JobError
        If there is no such file, it cannot be imported, or does not define one class with `fit` and an answer.
    """
    file = name.removeprefix(OWN_PREFIX)
    if not _NAME.fullmatch(file):
        raise JobError("the name of an estimator's file is of a-z, 0-9 and _, a letter first")
    module = f"{_PACKAGE}.{file}"
    if find_spec(_PACKAGE) is None or find_spec(module) is None:
        raise JobError(f"there is no {_path(file)}, which training.estimator names")
    try:
        found = vars(importlib.import_module(module)).values()
    except Exception as error:
        raise JobError(f"{_path(file)} cannot be imported: {error!r}") from None
    classes = [
        one
        for one in found
        if inspect.isclass(one) and one.__module__ == module and not one.__name__.startswith("_")
    ]
    if len(classes) != 1:
        raise JobError(
            f"{_path(file)} defines {len(classes)} classes, and an estimator is one (others begin with _)"
        )
    if not callable(getattr(classes[0], "fit", None)):
        raise JobError(f"{_path(file)}: {classes[0].__name__} has no method fit(matrix, target)")
    return classes[0]


def own_type(name: str) -> str:
    """Return the full name of the user's class, which a model may consist of: it is code of the image."""
    found = own_class(name)
    return f"{found.__module__}.{found.__qualname__}"


def _path(file: str) -> str:
    return f"pipelines/estimators/{file}.py"


def _run(file: str, act: Callable[[], Any]) -> Any:
    """Act; a failure is told by its kind and line, because its text may repeat what is in the rows."""
    try:
        return act()
    except Exception as error:
        frame, line = error.__traceback__, 0
        while frame is not None:
            if frame.tb_frame.f_code.co_filename.endswith(_path(file)):
                line = frame.tb_lineno
            frame = frame.tb_next
        raise JobError(f"the estimator failed: {type(error).__name__} in {_path(file)}:{line}") from None
