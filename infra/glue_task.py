"""A task state that runs a job of Glue and waits for its end, with the grants that it needs."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.glue_job import GlueJob
from infra.sagemaker_task import allow

_BUSY = ["Glue.ConcurrentRunsExceededException", "Glue.ResourceNumberLimitExceededException"]
_FAULTS = ["Glue.AWSGlueException", "Glue.InternalServiceException", "Glue.OperationTimeoutException"]


def glue_task(
    scope: Construct, id: str, job: GlueJob, *, arguments: Mapping[str, str], timeout: Duration
) -> sfn.CustomState:
    """Return a task state that runs `job` and waits.

    Parameters
    ----------
    job : GlueJob
        Which.
    arguments : mapping of str to str
        Beyond the job's own, by names with two dashes; strings in ``{% %}`` are JSONata.
    timeout : Duration
        After which the state fails.
    """
    task = sfn.CustomState(
        scope,
        id,
        state_json={
            "Type": "Task",
            "Resource": f"arn:{Stack.of(scope).partition}:states:::glue:startJobRun.sync",
            "Arguments": {"JobName": job.job_name, "Arguments": dict(arguments)},
            "TimeoutSeconds": timeout.to_seconds(),
            "Output": "{% $states.input %}",
        },
    )
    # Other files are being cleaned: this one waits its turn, for about a day.
    task.add_retry(
        errors=_BUSY,
        interval=Duration.minutes(1),
        max_delay=Duration.minutes(10),
        max_attempts=150,
        backoff_rate=2,
        jitter_strategy=sfn.JitterType.FULL,
    )
    task.add_retry(
        errors=_FAULTS,
        interval=Duration.seconds(10),
        max_delay=Duration.minutes(2),
        max_attempts=5,
        backoff_rate=2,
        jitter_strategy=sfn.JitterType.FULL,
    )
    # A machine was lost, or the run was: a second one replaces all that the first has written.
    task.add_retry(
        errors=["States.TaskFailed"],
        interval=Duration.seconds(30),
        max_attempts=1,
        jitter_strategy=sfn.JitterType.FULL,
    )
    return task


def grant_runs(role: iam.IRole, job: GlueJob) -> None:
    """Allow `role` to run `job`, to look at its runs, and to stop them."""
    verbs = ("StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun")
    allow(role, [f"glue:{verb}" for verb in verbs], [job.arn])
