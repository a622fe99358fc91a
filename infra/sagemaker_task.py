"""Task states that call SageMaker, with the grants that they need.

The L2 constructs of the CDK write a broken ARN for SageMaker's ``.sync`` integrations under JSONata, so these states are
written as they are, and their permissions beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Arn, ArnComponents, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.narrow_grants import acknowledge_wildcards

# The rules by which Step Functions learns that a job has ended; it creates them itself, in the name of our role.
_RULES = {
    "training-job": "StepFunctionsGetEventsForSageMakerTrainingJobsRule",
    "processing-job": "StepFunctionsGetEventsForSageMakerProcessingJobsRule",
    "transform-job": "StepFunctionsGetEventsForSageMakerTransformJobsRule",
    "hyper-parameter-tuning-job": "StepFunctionsGetEventsForSageMakerTuningJobsRule",
}


@dataclass(frozen=True)
class Job:
    """A kind of SageMaker job that a state machine starts and waits for.

    Parameters
    ----------
    noun : str
        As in the API, e.g. ``TrainingJob``.
    resource : str
        As in ARNs, e.g. ``training-job``.
    """

    noun: str
    resource: str


TRAINING = Job("TrainingJob", "training-job")
PROCESSING = Job("ProcessingJob", "processing-job")
TRANSFORM = Job("TransformJob", "transform-job")
TUNING = Job("HyperParameterTuningJob", "hyper-parameter-tuning-job")


def sagemaker_task(
    scope: Construct,
    id: str,
    *,
    integration: str,
    arguments: Mapping[str, Any],
    timeout: Duration,
    assign: Mapping[str, Any] | None = None,
    outputs: Any = None,
) -> sfn.CustomState:
    """Return a task state that calls SageMaker.

    Parameters
    ----------
    integration : str
        What follows ``arn:aws:states:::``, e.g. ``sagemaker:createTrainingJob.sync``.
    arguments : mapping
        Arguments of the call, in SageMaker's names; strings in ``{% %}`` are JSONata.
    timeout : Duration
        After which the state fails.
    assign, outputs : optional
        Variables to set, and the state's output.
    """
    state = {
        "Type": "Task",
        "Resource": f"arn:{Stack.of(scope).partition}:states:::{integration}",
        "Arguments": dict(arguments),
        "TimeoutSeconds": timeout.to_seconds(),
        **({"Assign": dict(assign)} if assign else {}),
        **({"Output": outputs} if outputs is not None else {}),
    }
    task = sfn.CustomState(scope, id, state_json=state)
    task.add_retry(
        errors=[
            "SageMaker.AmazonSageMakerException",
            "SageMaker.SageMakerException",
            "SageMaker.ThrottlingException",
        ],
        interval=Duration.seconds(5),
        max_delay=Duration.seconds(60),
        max_attempts=4,
        backoff_rate=2,
        jitter_strategy=sfn.JitterType.FULL,
    )
    task.add_retry(
        errors=["SageMaker.ResourceLimitExceededException"],
        interval=Duration.minutes(1),
        max_delay=Duration.minutes(10),
        max_attempts=5,
        backoff_rate=2,
        jitter_strategy=sfn.JitterType.FULL,
    )
    return task


def grant_jobs(
    role: iam.IRole, scope: Construct, job: Job, *, name_prefix: str, job_role: iam.IRole | None = None
) -> None:
    """Allow `role` to run jobs of one kind whose names begin with `name_prefix`, and to wait for them.

    A transform job has no role of its own to be passed: it runs under its model's.
    """
    jobs = sagemaker_arn(scope, job.resource, f"{name_prefix}-*")
    rule = Arn.format(
        ArnComponents(service="events", resource="rule", resource_name=_RULES[job.resource]), Stack.of(scope)
    )
    verbs = ("Create", "Describe", "Stop")
    allow(role, [f"sagemaker:{verb}{job.noun}" for verb in verbs] + ["sagemaker:AddTags"], [jobs])
    allow(role, ["events:PutRule", "events:PutTargets", "events:DescribeRule"], [rule])
    if job_role is not None:
        grant_pass_role(role, job_role, "sagemaker.amazonaws.com")
    acknowledge_wildcards(role, "Jobs are named at run time: the pipeline's own prefix is the scope.")


def grant_pass_role(role: iam.IRole, passed: iam.IRole, service: str) -> None:
    """Allow `role` to hand `passed` to one service."""
    role.add_to_principal_policy(
        iam.PolicyStatement(
            actions=["iam:PassRole"],
            resources=[passed.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": service}},
        )
    )


def allow(role: iam.IRole | None, actions: Sequence[str], resources: Sequence[str]) -> None:
    """Allow `role` some actions on some resources; for services whose constructs have no grants."""
    if role is not None:
        role.add_to_principal_policy(iam.PolicyStatement(actions=list(actions), resources=list(resources)))


def grant_put_events(role: iam.IRole | None, scope: Construct) -> None:
    """Allow publishing the pipeline's own events, and no others, on the default bus."""
    bus = Arn.format(
        ArnComponents(service="events", resource="event-bus", resource_name="default"), Stack.of(scope)
    )
    if role is not None:
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["events:PutEvents"],
                resources=[bus],
                conditions={"StringEquals": {"events:source": "headrace"}},
            )
        )


def sagemaker_arn(scope: Construct, resource: str, name: str) -> str:
    """Return the ARN of a SageMaker resource of this account and region."""
    return Arn.format(
        ArnComponents(service="sagemaker", resource=resource, resource_name=name), Stack.of(scope)
    )
