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
    """Looks the jobs of a run up by their names, whatever became of the run.

    Parameters
    ----------
    client : SageMakerClient
        Knows them.
    instances : int
        On how many each training job runs: SageMaker tells the seconds of one.
    """

    def __init__(self, client: SageMakerClient, *, instances: int = 1) -> None:
        self._client, self._instances = client, instances

    def billable_seconds(self, run: str, now: datetime, *, tuning: str = "") -> int:
        """Return the billable seconds of the training job and the evaluation job of `run`, of all instances together.

        A processing job has no billable time of its own: it is billed from start to end. So is a trial here, all those of the job
        `tuning` together, where hyperparameters are searched; on spot instances trials cost less than that.

        References
        ----------
        .. [1] SageMaker API reference, "DescribeTrainingJob", BillableTimeInSeconds: multiply it by the number of instances.
        """
        fitted_s = self._training_s(run, now) + (self._trials_s(tuning, now) if tuning else 0.0)
        processing = self._find(
            lambda name: self._client.describe_processing_job(ProcessingJobName=name), run
        )
        return round(fitted_s * self._instances + _elapsed(processing, "Processing", now))

    def saved_seconds(self, run: str) -> int:
        """Return the seconds of the training job of `run` that spot instances have saved, of all instances together.

        References
        ----------
        .. [1] SageMaker API reference, "DescribeTrainingJob": savings are 1 - BillableTimeInSeconds / TrainingTimeInSeconds.
        """
        job = self._training_job(run)
        trained_s = int(job.get("TrainingTimeInSeconds", 0))
        return max(0, trained_s - int(job.get("BillableTimeInSeconds", trained_s))) * self._instances

    def _trials_s(self, tuning: str, now: datetime) -> float:
        return TuningJobs(self._client).seconds_of_attempts(tuning, now)

    def _training_s(self, run: str, now: datetime) -> float:
        return _trained(self._training_job(run), now)

    def _training_job(self, run: str) -> Mapping[str, Any]:
        return self._find(lambda name: self._client.describe_training_job(TrainingJobName=name), run)

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
