"""Which extras the jobs of a pipeline need: files of ``sagemaker_jobs/extras``, installed in the image that trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.config.estimators import EXTRAS

if TYPE_CHECKING:
    from headrace.config.pipeline import Pipeline


def training_extras(pipeline: Pipeline) -> tuple[str, ...]:
    """Return the extras without which the pipeline cannot be trained, sorted; answering needs none of them.

    Examples
    --------
    >>> from headrace.config.pipeline import Pipeline
    >>> training_extras(Pipeline(name="bike", problem="regression", target="cnt", training={"estimator": "xgboost"}))
    ('xgboost',)
    """
    return tuple(sorted(EXTRAS.get(pipeline.training.estimator, ())))
