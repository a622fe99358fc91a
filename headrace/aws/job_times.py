"""How long the jobs of a training ran, as SageMaker bills them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from headrace.aws.tuning_jobs import TuningJobs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_sagemaker import SageMakerClient

_ATTEMPTS = 10
"""A state tries again nine times at most, and the attempt is the last part of a job's name."""


class JobTimes:
    """Looks the jobs of a run up by their names, whatever became of the run."""

    def __init__(self, client: SageMakerClient) -> None:
        self._client = client

    def billable_seconds(self, run: str, now: datetime, *, tuning: str = "") -> int:
        """Return the billable seconds of the training job and the evaluation job of `run`, together.

        A processing job has no billable time of its own: it is billed from start to end. So is a trial here, all those of the job
        `tuning` together, where hyperparameters are searched.
        """
        fitted_s = self._trials_s(tuning, now) if tuning else self._training_s(run, now)
        processing = self._find(
            lambda name: self._client.describe_processing_job(ProcessingJobName=name), run
        )
        return round(fitted_s + _elapsed(processing, "Processing", now))

    def _trials_s(self, tuning: str, now: datetime) -> float:
        return TuningJobs(self._client).seconds_of_attempts(tuning, now)

    def _training_s(self, run: str, now: datetime) -> float:
        return _trained(
            self._find(lambda name: self._client.describe_training_job(TrainingJobName=name), run), now
        )

    def _find(self, describe: Callable[[str], Any], run: str) -> Mapping[str, Any]:
        for attempt in range(_ATTEMPTS):
            try:
                job: Mapping[str, Any] = describe(f"{run}-{attempt}")
            except ClientError as error:
                if "not find" not in str(error) and "not found" not in str(error):
                    raise
            else:
                return job
        return {}


def _trained(job: Mapping[str, Any], now: datetime) -> float:
    return float(job.get("BillableTimeInSeconds") or _elapsed(job, "Training", now))


def _elapsed(job: Mapping[str, Any], kind: str, now: datetime) -> float:
    started = job.get(f"{kind}StartTime")
    return 0.0 if started is None else ((job.get(f"{kind}EndTime") or now) - started).total_seconds()
