"""How far a training is scaled: several instances, spot instances, GPUs, and what it may cost at most."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import Field

from headrace.config.block import Block

if TYPE_CHECKING:
    from headrace.config.pipeline import Training

DISTRIBUTED = frozenset({"xgboost", "torch"})
"""Estimators that several instances can train together."""
RESUMING = frozenset({"xgboost", "torch", "keras"})
"""Estimators that keep checkpoints, and go on from them after an interruption."""
MOST_INSTANCES = 100
MOST_MINUTES = 28 * 24 * 60
"""The longest MaxRuntimeInSeconds; an account's own quota is less at first."""
LEAST_CAPPED_S = 5 * 60
"""A cap that leaves less time is refused: nothing learns in the time that is spent on reading rows and writing a model."""

# Families with GPUs that SageMaker trains on, after https://aws.amazon.com/sagemaker/pricing/ (checked 2026-11).
_GPU = re.compile(r"^ml\.(?:g[456]\w*|p[3456]\w*)\.")
_S_PER_MINUTE, _S_PER_HOUR = 60, 3600


class Spot(Block):
    """Training on spot instances, which are cheaper and can be taken back."""

    max_wait_minutes: int | None = Field(
        None,
        ge=1,
        le=MOST_MINUTES,
        description="How long a training may take with all waiting for instances, in minutes; none: twice what it may run.",
    )


def has_gpu(instance: str) -> bool:
    """Tell whether instances of this type have GPUs.

    Examples
    --------
    >>> has_gpu("ml.g5.xlarge"), has_gpu("ml.g4dn.xlarge"), has_gpu("ml.p3.2xlarge"), has_gpu("ml.m5.large")
    (True, True, True, False)
    """
    return _GPU.match(instance) is not None


def longest_run_s(training: Training, trials: int = 1) -> int:
    """Return how long each job of a training may run, in seconds: what the file says, and not more than `max_usd` pays for.

    Parameters
    ----------
    training : Training
        The block.
    trials : int
        Training jobs, each on `instances` instances. The evaluation is one more job, on one instance.

    Examples
    --------
    >>> from headrace.config.pipeline import Training
    >>> longest_run_s(Training()), longest_run_s(Training(instances=2, usd_per_hour=1.0, max_usd=0.5))
    (3600, 600)
    """
    longest_s = training.max_runtime_minutes * _S_PER_MINUTE
    hourly = training.hourly_usd
    if training.max_usd is None or hourly is None:
        return longest_s
    jobs = training.instances * trials + 1
    return min(longest_s, int(training.max_usd * _S_PER_HOUR / (hourly * jobs)))


def longest_wait_s(training: Training, trials: int = 1) -> int:
    """Return how long a training job may take with all waiting for spot instances, in seconds; on demand as long as it may run.

    Examples
    --------
    >>> from headrace.config.pipeline import Training
    >>> longest_wait_s(Training(spot={})), longest_wait_s(Training(spot={"max_wait_minutes": 90})), longest_wait_s(Training())
    (7200, 5400, 3600)
    """
    run_s = longest_run_s(training, trials)
    if training.spot is None:
        return run_s
    named = training.spot.max_wait_minutes
    return min(2 * run_s, MOST_MINUTES * _S_PER_MINUTE) if named is None else named * _S_PER_MINUTE
