"""The training jobs of a tuning job: how they are asked for, and how they are told of."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from local_cloud.sagemaker.records import Record
from local_cloud.sagemaker.tuning_space import Hyperparameters

Trial = dict[str, Any]
"""A ``HyperParameterTrainingJobSummary``; ``_objective`` is what the search learnt of it, ``_trained`` whether it had all
its epochs although it was stopped."""

_TAKEN_OVER = (
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "RetryStrategy",
    "Environment",
)
_SHOWN = ("TrainingJobStatus", "TrainingStartTime", "TrainingEndTime", "FailureReason")
_SIZE = ("InstanceType", "InstanceCount", "VolumeSizeInGB")


def training_request(tuning: Record, number: int, tuned: Hyperparameters, tags: Mapping[str, str]) -> Record:
    """Return what CreateTrainingJob takes for the `number`-th trial, from 0.

    Its name is the tuning job's, three digits, and eight that no one else has.
    """
    definition, name = tuning["TrainingJobDefinition"], tuning["HyperParameterTuningJobName"]
    request = {member: definition[member] for member in _TAKEN_OVER if member in definition}
    request["TrainingJobName"] = f"{name}-{number + 1:03d}-{uuid.uuid4().hex[:8]}"
    if "CheckpointConfig" in request:  # or the trials would go on from each other's checkpoints
        checkpoints = request["CheckpointConfig"]
        uri = f"{checkpoints['S3Uri'].rstrip('/')}/{request['TrainingJobName']}"
        request["CheckpointConfig"] = {**checkpoints, "S3Uri": uri}
    return {
        **request,
        "HyperParameters": {**definition.get("StaticHyperParameters", {}), **tuned},
        "ResourceConfig": _resources(definition),
        "TuningJobArn": tuning["HyperParameterTuningJobArn"],
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }


def begun(tuning: Record, training: Record, tuned: Hyperparameters) -> Trial:
    """Return the summary of a trial that has just begun."""
    trial: Trial = {
        "TrainingJobName": training["TrainingJobName"],
        "TrainingJobArn": training["TrainingJobArn"],
        "TuningJobName": tuning["HyperParameterTuningJobName"],
        "CreationTime": training["CreationTime"],
        "TunedHyperParameters": tuned,
        "ObjectiveStatus": "Pending",
    }
    if "DefinitionName" in tuning["TrainingJobDefinition"]:
        trial["TrainingJobDefinitionName"] = tuning["TrainingJobDefinition"]["DefinitionName"]
    return refreshed(trial, training)


def refreshed(trial: Trial, training: Record) -> Trial:
    """Return the trial with what its training job shows now."""
    return trial | {member: training[member] for member in _SHOWN if member in training}


def measured(trial: Trial, objective: Mapping[str, str], value: float | None) -> Trial:
    """Return a trial that has ended, with its final objective; None if there is none."""
    if value is None or not math.isfinite(value) or trial["TrainingJobStatus"] == "Failed":
        return trial | {"ObjectiveStatus": "Failed"}
    metric = {"Type": objective["Type"], "MetricName": objective["MetricName"], "Value": value}
    return trial | {"ObjectiveStatus": "Succeeded", "FinalHyperParameterTuningJobObjectiveMetric": metric}


def final(trial: Trial) -> float | None:
    """Return the final objective of a trial, if it has one."""
    value = trial.get("FinalHyperParameterTuningJobObjectiveMetric", {}).get("Value")
    return None if value is None else float(value)


def best(trials: Iterable[Trial], maximize: bool) -> Trial | None:
    """Return the trial with the best final objective among those that had all their epochs; the first of equals."""
    whole = [t for t in trials if t["TrainingJobStatus"] == "Completed" or t.get("_trained")]
    valued = [(value, trial) for trial in whole if (value := final(trial)) is not None]
    if not valued:
        return None
    return (max if maximize else min)(valued, key=lambda pair: pair[0])[1]


def counters(trials: Sequence[Trial]) -> dict[str, dict[str, int]]:
    """Return the counts of trials by their status, and by that of their objective."""
    statuses = [_status(trial) for trial in trials]
    names = ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped")
    objectives = [trial["ObjectiveStatus"] for trial in trials]
    return {
        "TrainingJobStatusCounters": {name: statuses.count(name) for name in names},
        "ObjectiveStatusCounters": {
            name: objectives.count(name) for name in ("Succeeded", "Pending", "Failed")
        },
    }


def _status(trial: Trial) -> str:
    if trial["TrainingJobStatus"] == "Failed":
        internal = trial.get("FailureReason", "").startswith("InternalServerError")
        return "RetryableError" if internal else "NonRetryableError"
    return "InProgress" if trial["TrainingJobStatus"] == "Stopping" else str(trial["TrainingJobStatus"])


def _resources(definition: Record) -> Record:
    """Return the instances of a trial: of several kinds that would do, the first."""
    if "ResourceConfig" in definition:
        resources: Record = definition["ResourceConfig"]
        return resources
    flexible = definition["HyperParameterTuningResourceConfig"]
    chosen = (flexible.get("InstanceConfigs") or [flexible])[0]
    resources = {member: chosen[member] for member in _SIZE if member in chosen}
    key = {"VolumeKmsKeyId": flexible["VolumeKmsKeyId"]} if "VolumeKmsKeyId" in flexible else {}
    return resources | key
