"""What a training is to build, and whether it can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headrace.config.features import Features
from headrace.ml.contract import ColumnSchema, Problem
from sagemaker_jobs.cluster import ALONE, Cluster
from sagemaker_jobs.failures import JobError


@dataclass(frozen=True)
class Recipe:
    """What to build.

    Parameters
    ----------
    problem : {"binary", "multiclass", "regression"}
        Kind of answer.
    estimator : str
        What learns, as `training.estimator` names it.
    schema : tuple of ColumnSchema
        The features.
    seed : int
        Of everything random.
    hyperparameters : mapping
        The estimator's own, by scikit-learn's names; text is read as JSON, Python's True, False and None too.
    features : Features
        The steps before the estimator.
    metric : str
        The decisive one, which is reported as learning goes on; "" if nobody wants to know.
    checkpoints : Path or None
        Folder in which progress survives an interruption; None if nothing is kept.
    cluster : Cluster
        The hosts that learn together.
    """

    problem: Problem
    estimator: str
    schema: tuple[ColumnSchema, ...]
    seed: int
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    features: Features = field(default_factory=Features)
    metric: str = ""
    checkpoints: Path | None = None
    cluster: Cluster = ALONE


def check_hyperparameters(cls: type[Any], given: Mapping[str, Any]) -> None:
    """Compare the names of hyperparameters with those that an estimator has.

    Raises
    ------
    JobError
        Naming those that it has not.
    """
    known = sorted(cls().get_params())
    if unknown := sorted(set(given) - set(known)):
        raise JobError(
            f"{cls.__name__} has no hyperparameter {', '.join(unknown)}; it has {', '.join(known)}"
        )


def check_labels(problem: Problem, labels: Sequence[str], rows: int) -> None:
    """Check that labels can be told apart, and fit the problem.

    Raises
    ------
    JobError
        If there is one only, or more than two in a binary problem.
    """
    if len(labels) < 2:  # noqa: PLR2004 - nothing to tell apart
        raise JobError(f"all {rows} training rows have the same label, so there is nothing to learn")
    if problem == "binary" and len(labels) > 2:  # noqa: PLR2004
        raise JobError(f"the target has {len(labels)} labels; `problem: binary` allows two, multiclass more")
