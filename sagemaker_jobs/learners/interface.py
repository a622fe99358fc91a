"""What a learner is given, and what it must return."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from headrace.config.search_spaces import default_search_space
from headrace.ml.arrays import Floats, Labels
from headrace.ml.column_schema import Problem
from headrace.ml.search_space import Range, read_search_space
from sagemaker_jobs.cluster import ALONE, Cluster

ColumnKind = Literal["number", "category", "token", "pixel"]
Preparation = Literal["none", "filled", "scaled"]
Report = Callable[[int, float], None]
"""Takes a step, from 0 on, and the decisive metric on the validation rows after it."""


@dataclass(frozen=True)
class Layout:
    """What the columns of a matrix are.

    Parameters
    ----------
    kinds : tuple of {"number", "category", "token", "pixel"}
        One for each column. Categories and tokens are codes from 0 on.
    levels : dict of int to int
        How many codes a column of categories or tokens has, by its place.
    image_shape : (int, int, int) or None
        Height, width and colours of the picture whose points are the columns of kind "pixel", row by row.

    Examples
    --------
    >>> Layout(("number", "category"), {1: 12}).places("category")
    [1]
    """

    kinds: tuple[ColumnKind, ...]
    levels: Mapping[int, int] = field(default_factory=dict)
    image_shape: tuple[int, int, int] | None = None

    def places(self, kind: ColumnKind) -> list[int]:
        """Return which columns are of a kind."""
        return [place for place, found in enumerate(self.kinds) if found == kind]


@dataclass(frozen=True)
class LabelledRows:
    """Rows whose truth is known.

    Parameters
    ----------
    matrix : ndarray of float64, shape (n_rows, n_columns), or CSR matrix
        NaN where a cell is missing, unless the learner has asked for gaps to be filled.
    target : ndarray of shape (n_rows,)
        Numbers in a regression, labels as text otherwise.
    weights : ndarray of shape (n_rows,) or None
        How much each row counts, 1 on average; None if all count the same.
    """

    matrix: Any
    target: Floats | Labels
    weights: Floats | None = None

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.target)


@dataclass(frozen=True)
class Task:
    """What is to be learned.

    Parameters
    ----------
    problem : {"binary", "multiclass", "regression"}
        Kind of answer.
    train : LabelledRows
        The rows to learn from.
    validation : LabelledRows or None
        Rows that decide when to stop. They are not learned from. None if there are none, or the learner uses none.
    layout : Layout
        What the columns are.
    seed : int
        Of everything random: the same task gives the same fitted object.
    hyperparameters : mapping
        The learner's own; names have been checked against the pipeline file's list already, values have not.
    metric : str
        The decisive one of the pipeline file, which is reported; "" if nobody wants to know.
    report : callable
        Is told the metric after each round or epoch.
    checkpoints : Path or None
        Folder in which progress survives an interruption; None if nothing is kept.
    cluster : Cluster
        The hosts that learn together. Each is given the same task, and one that `distributes` takes its share of the rows.
    """

    problem: Problem
    train: LabelledRows
    validation: LabelledRows | None
    layout: Layout
    seed: int
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    metric: str = ""
    report: Report = lambda _step, _value: None
    checkpoints: Path | None = None
    cluster: Cluster = ALONE

    @property
    def matrix(self) -> Any:
        """The training rows' cells."""
        return self.train.matrix

    @property
    def target(self) -> Floats | Labels:
        """The training rows' truth."""
        return self.train.target

    @property
    def weights(self) -> Floats | None:
        """How much the training rows count."""
        return self.train.weights


class Fitted(Protocol):
    """What a learner returns: an object like scikit-learn's.

    With labels it also has ``classes_``, sorted, and ``predict_proba``. It consists of types that `skops` may load
    (`sagemaker_jobs.model_files.TRUSTED_TYPES`), and answers without the framework that made it: see `GraphEstimator`.
    """

    def predict(self, matrix: Any) -> Any:
        """Return numbers or labels of shape (n_rows,)."""
        ...


class Learner(ABC):
    """Learns from a matrix.

    Attributes
    ----------
    name : str
        As `training.estimator` has it.
    framework : str
        What does the work, for the record.
    packages : tuple of str
        Packages of an extra that it learns with, whose versions the model's manifest has; where one has several names, all of them.
    preparation : {"none", "filled", "scaled"}
        What the matrix must be like. "none": gaps are NaN, categories are codes in one column each. "filled": gaps are filled
        with the median, and categories are columns of 0 and 1. "scaled": that, with numbers of mean 0 and deviation 1.
    condenses_texts : bool
        Whether the words of a text come as 100 numbers instead of many that are mostly 0.
    uses_validation : bool
        Whether it looks at the validation rows; if not, it is given none.
    distributes : bool
        Whether several instances learn one model together; if not, a job with several is refused.
    """

    name: str
    framework: str
    packages: tuple[str, ...] = ()
    preparation: Preparation = "none"
    condenses_texts: bool = True
    uses_validation: bool = True
    distributes: bool = False

    def search_space(self, problem: Problem) -> Mapping[str, Range]:
        """Return what a search tries of its hyperparameters, unless the pipeline file says otherwise."""
        return read_search_space(default_search_space(self.name, problem))

    @abstractmethod
    def fit(self, task: Task) -> Fitted:
        """Learn.

        Raises
        ------
        JobError
            If a hyperparameter is unknown or refused, or the rows cannot be learned.
        """
