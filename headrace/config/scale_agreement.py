"""What must hold between the number of instances, spot, the cap on costs, the estimator and the type of instance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headrace.config.estimators import ESTIMATORS
from headrace.config.images import ecr_image
from headrace.config.scale import DISTRIBUTED, LEAST_CAPPED_S, has_gpu, longest_run_s
from headrace.config.tuning_plan import fits_of

if TYPE_CHECKING:
    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline

_USING_GPU = "torch"
_WITHOUT_GPU = frozenset(ESTIMATORS) - {_USING_GPU}


def scale_disagreements(pipeline: Pipeline) -> list[Finding]:
    """Return what does not fit."""
    found = [*_instances(pipeline), *_spot(pipeline), *_cap(pipeline)]
    return [(("training", *path), text) for path, text, wrong in found if wrong]


_Found = tuple[tuple[str, ...], str, bool]
"""The field below `training`, what is wrong with it, and whether it is."""


def _instances(pipeline: Pipeline) -> Iterator[_Found]:
    training = pipeline.training
    estimator, instance = training.estimator, training.instance
    yield (
        ("instances",),
        f"is {training.instances}, but {estimator} learns on one: choose a larger training.instance, or one of the "
        f"estimators that learn on several, {' and '.join(sorted(DISTRIBUTED))}",
        training.instances > 1 and estimator not in DISTRIBUTED,
    )
    yield (
        ("instance",),
        f"is {instance}, whose GPU {estimator} would not use: choose an instance without one, or estimator: {_USING_GPU}",
        has_gpu(instance) and estimator in _WITHOUT_GPU and ecr_image(pipeline.image) is None,
    )


def _spot(pipeline: Pipeline) -> Iterator[_Found]:
    training, spot = pipeline.training, pipeline.training.spot
    if spot is None or spot.max_wait_minutes is None:
        return
    yield (
        ("spot", "max_wait_minutes"),
        f"is less than training.max_runtime_minutes ({training.max_runtime_minutes}), which it includes",
        spot.max_wait_minutes < training.max_runtime_minutes,
    )


def _cap(pipeline: Pipeline) -> Iterator[_Found]:
    training = pipeline.training
    if training.max_usd is None:
        return
    fits = fits_of(pipeline)
    yield (
        ("max_usd",),
        f"is a cap, but what an hour of {training.instance} costs is not known: name it in training.usd_per_hour",
        training.hourly_usd is None,
    )
    jobs = f"{training.instances} x {fits} instances and one for the evaluation"
    longest_s = longest_run_s(training, fits)
    least_s = min(LEAST_CAPPED_S, training.max_runtime_minutes * 60)
    yield (
        ("max_usd",),
        f"is ${training.max_usd:g}, which pays {jobs} for {longest_s / 60:.1f} minutes each, and nothing learns in less than "
        f"{least_s // 60}: raise it, or take fewer or smaller instances",
        longest_s < least_s,
    )
