"""What was written down of a deployed pipeline's searches for hyperparameters."""

from __future__ import annotations

from typing import Any

from headrace.aws.artifacts import Artifacts
from headrace.aws.deployed_pipeline import DeployedPipeline
from headrace.aws.training_history import PastTraining, TrainingHistory


def trial_records(pipeline: DeployedPipeline, version: int | None = None) -> dict[str, Any] | None:
    """Return all trials of the training that registered `version`, or of the last one that searched; None if there are none."""
    history = TrainingHistory(
        pipeline.session.resource("dynamodb").Table(pipeline.outputs["LedgerTableName"])
    )
    training = next((one for one in history.newest_first() if _is_meant(one, version)), None)
    if training is None:
        return None
    artifacts = Artifacts(pipeline.session.client("s3"), pipeline.outputs["ArtifactsBucketName"])
    found = artifacts.load(f"evaluations/{training.run}/trials.json")
    return found and {"run": training.run, "version": training.version, **found}


def _is_meant(training: PastTraining, version: int | None) -> bool:
    return training.tuning is not None if version is None else training.version == version
