"""Where interrupted trainings go on from: checkpoints in the artifacts bucket, a folder for each run."""

from __future__ import annotations

from aws_cdk import Duration

from headrace.config.pipeline import Pipeline
from headrace.config.scale import RESUMING, longest_wait_s

CHECKPOINTS = "checkpoints/"
_AFTERWARDS = Duration.days(7)
_S_PER_DAY = 86400


def checkpoint_prefixes(pipeline: Pipeline) -> list[str]:
    """Return the prefix of checkpoints, if the pipeline's trainings keep some."""
    training = pipeline.training
    return [CHECKPOINTS] if training.spot is not None and training.estimator in RESUMING else []


def forgotten_checkpoints(pipeline: Pipeline) -> dict[str, Duration]:
    """Return after which time checkpoints are deleted, by their prefix: a week after the longest training could have ended."""
    waited = Duration.days(-(-longest_wait_s(pipeline.training) // _S_PER_DAY))
    return {prefix: waited.plus(_AFTERWARDS) for prefix in checkpoint_prefixes(pipeline)}
