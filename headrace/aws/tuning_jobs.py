"""SageMaker's tuning jobs and their trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

_ATTEMPTS = 10
"""A state tries again nine times at most, and the attempt is the last part of a job's name."""
_GONE = ("not find", "not found", "does not exist", "NotFound")


class TuningJobs:
    """Looks tuning jobs up by their names."""

    def __init__(self, client: SageMakerClient) -> None:
        self._client = client

    def find(self, name: str) -> Mapping[str, Any] | None:
        """Return the description of a tuning job; None if there is none."""
        try:
            return self._client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        except ClientError as error:
            if not _is_gone(error):
                raise
            return None

    def attempt(self, name: str) -> Mapping[str, Any] | None:
        """Return the description of the attempt that a state has made under `name`; None if there is none."""
        found = (self.find(f"{name}{number}") for number in range(_ATTEMPTS))
        return next((job for job in found if job is not None), None)

    def trials(self, name: str) -> list[Mapping[str, Any]]:
        """Return the summaries of a tuning job's trials, in the order in which they were created."""
        pages = self._client.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
            HyperParameterTuningJobName=name, SortBy="CreationTime", SortOrder="Ascending"
        )
        return [trial for page in pages for trial in page["TrainingJobSummaries"]]

    def seconds_of_attempts(self, name: str, now: datetime) -> float:
        """Return how long all trials ran together, in seconds, of the attempt that a state has made under `name`."""
        for number in range(_ATTEMPTS):
            try:
                trials = self.trials(f"{name}{number}")
            except ClientError as error:
                if not _is_gone(error):
                    raise
            else:
                return sum(ran_s(trial, now) for trial in trials)
        return 0.0

    def model_of(self, trial: str) -> str:
        """Return where the ``model.tar.gz`` of a trial is."""
        job = self._client.describe_training_job(TrainingJobName=trial)
        return str(job["ModelArtifacts"]["S3ModelArtifacts"])


def ran_s(trial: Mapping[str, Any], now: datetime) -> float:
    """Return how long a trial ran, or has run until `now`, in seconds: what is billed of it.

    Examples
    --------
    >>> from datetime import timedelta
    >>> start = datetime(2026, 1, 31, 12)
    >>> ran_s({"TrainingStartTime": start, "TrainingEndTime": start + timedelta(seconds=90)}, start), ran_s({}, start)
    (90.0, 0.0)
    """
    started = trial.get("TrainingStartTime")
    return (
        0.0 if started is None else float(((trial.get("TrainingEndTime") or now) - started).total_seconds())
    )


def ranges(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the ranges of a tuning job's configuration, of whatever kind."""
    for found in config.get("ParameterRanges", {}).values():
        yield from found


def _is_gone(error: ClientError) -> bool:
    return any(word in str(error) for word in _GONE)
