"""Finds a learner by its name, and imports no other."""

from __future__ import annotations

import importlib

from headrace.config.estimators import is_own
from sagemaker_jobs.cluster import Cluster
from sagemaker_jobs.failures import JobError
from sagemaker_jobs.learners.interface import Learner

_LEARNERS = {
    "hist_gradient_boosting": ("sagemaker_jobs.learners.scikit_learn", "HistGradientBoosting"),
    "random_forest": ("sagemaker_jobs.learners.scikit_learn", "RandomForest"),
    "linear": ("sagemaker_jobs.learners.scikit_learn", "Linear"),
    "xgboost": ("sagemaker_jobs.learners.xgboost_trees", "Xgboost"),
    "torch": ("sagemaker_jobs.learners.torch_learner", "Torch"),
    "keras": ("sagemaker_jobs.learners.keras_learner", "Keras"),
}
"""Module and class by name. `sgd` is not here: it reads the rows piece by piece, see `sagemaker_jobs.streamed_fit`."""
_STREAMED = "sgd"


def find_learner(name: str) -> Learner:
    """Return the learner of `training.estimator`.

    Raises
    ------
    JobError
        If there is none of this name, or a file of the user's own defines none.

    Examples
    --------
    >>> find_learner("linear").preparation
    'scaled'
    """
    if is_own(name):
        from sagemaker_jobs.learners.own import OwnLearner  # noqa: PLC0415 - imported when it is asked for

        return OwnLearner(name)
    if name not in _LEARNERS:
        raise JobError(f"there is no estimator {name!r}; there are {', '.join(_LEARNERS)}, and sgd")
    module, cls = _LEARNERS[name]
    learner: Learner = getattr(importlib.import_module(module), cls)()
    return learner


def check_learns_together(estimator: str, cluster: Cluster) -> None:
    """Check that an estimator can make use of all hosts of a job.

    Raises
    ------
    JobError
        If there are several, and it learns on one.
    """
    if cluster.size == 1 or (estimator != _STREAMED and find_learner(estimator).distributes):
        return
    raise JobError(
        f"{estimator} learns on one instance, and the job has {cluster.size}: set training.instances to 1 and choose a larger "
        "training.instance, or an estimator that learns on several, xgboost or torch"
    )
