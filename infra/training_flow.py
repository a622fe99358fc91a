"""The states between new data and a registered, signed model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.glue_task import glue_task
from infra.sagemaker_task import sagemaker_task
from infra.state_machine import Task, catch_all, lambda_task, says
from infra.tuning_states import (
    OF_THE_SEARCH,
    Fit,
    TuningFunctions,
    tuning_states,
    with_found_hyperparameters,
)

if TYPE_CHECKING:
    from infra.large_data_stack import LargeDataStack

# Files that are dropped together are accepted within seconds of each other, and belong into one training.
_BURST = Duration.seconds(5)
_SHORT = Duration.minutes(5)


@dataclass(frozen=True)
class TrainingFunctions:
    """The functions that the states call."""

    guard_training: lambda_.IFunction
    snapshot_data: lambda_.IFunction
    judge_model: lambda_.IFunction
    sign_model: lambda_.IFunction
    close_training: lambda_.IFunction
    tuning: TuningFunctions | None = None


@dataclass(frozen=True)
class TrainingCalls:
    """The arguments of the states that call SageMaker, and how long the jobs may take.

    `tune` is empty without a search; `longest_fit` is of the search where there is one, else of the training job.
    """

    train: dict[str, Any]
    evaluate: dict[str, Any]
    register: dict[str, Any]
    approve: dict[str, Any] | None
    longest_job: Duration
    longest_fit: Duration
    tune: list[dict[str, Any]] = field(default_factory=list)


def training_flow(
    scope: Construct, functions: TrainingFunctions, calls: TrainingCalls, large: LargeDataStack | None = None
) -> sfn.IChainable:
    """Chain the states: guard, snapshot, train, evaluate, judge, register, sign, approve, close.

    `calls.approve` is None where a person approves. With `large`, a snapshot that does not fit the function is made by Spark.
    """
    scope = Construct(scope, "States")  # states are named as the functions are that they call
    guard = lambda_task(
        scope,
        "GuardTraining",
        functions.guard_training,
        payload={"reason": "{% $reason %}", "detail": "{% $detail %}", "execution": _EXECUTION},
        timeout=_SHORT,
        assign={"guard": "{% $states.result.Payload %}"},
    )
    snapshot = lambda_task(
        scope,
        "SnapshotData",
        functions.snapshot_data,
        payload={
            "run": "{% $guard.run %}",
            "champion_snapshot": "{% $guard.champion != null ? $guard.champion.snapshot : '' %}",
        },
        timeout=Duration.minutes(16),
        assign={"snapshot": "{% $states.result.Payload %}"},
    )
    fit = _fit(scope, functions, calls)
    of_tuning = {} if functions.tuning is None else {"training": "{% $training %}"}
    evaluate = sagemaker_task(
        scope,
        "EvaluateModel",
        integration="sagemaker:createProcessingJob.sync",
        arguments=calls.evaluate,
        timeout=calls.longest_job,
    )
    judge = lambda_task(
        scope,
        "JudgeModel",
        functions.judge_model,
        payload={
            "run": "{% $guard.run %}",
            "reason": "{% $guard.reason %}",
            "cause": "{% $guard.cause %}",
            "training_job": "{% $training.job %}",
            "content_hash": "{% $snapshot.content_hash %}",
            "snapshot": "{% $snapshot %}",
            "model_data_url": "{% $training.model_data_url %}",
            "learned_from": "{% $snapshot.window %}",
            "has_champion": "{% $guard.champion != null %}",
            "champion": "{% $guard.champion %}",
            **of_tuning,
        },
        timeout=_SHORT,
        assign={"judgement": "{% $states.result.Payload %}"},
    )
    register = sagemaker_task(
        scope,
        "RegisterModel",
        integration="aws-sdk:sagemaker:createModelPackage",
        arguments=calls.register,
        timeout=_SHORT,
        assign={"model_package_arn": "{% $states.result.ModelPackageArn %}"},
    )
    sign = lambda_task(
        scope,
        "SignModel",
        functions.sign_model,
        payload={
            "run": "{% $guard.run %}",
            "model_data_url": "{% $training.model_data_url %}",
            "model_package_arn": "{% $model_package_arn %}",
        },
        timeout=_SHORT,
    )
    registered = _close(scope, "CloseRegistered", functions, outcome="registered")
    kept = _close(scope, "CloseKept", functions, outcome="kept_champion")
    failed = _close(scope, "CloseFailed", functions, outcome="failed")

    register_and_approve = register.next(sign)
    working: list[Task] = [guard, snapshot, *fit.working, evaluate, judge, register, sign]
    if calls.approve is not None:
        approve = sagemaker_task(
            scope,
            "ApproveModel",
            integration="aws-sdk:sagemaker:updateModelPackage",
            arguments=calls.approve,
            timeout=_SHORT,
        )
        register_and_approve = register_and_approve.next(approve)
        working.append(approve)

    catch_all(working, failed)
    failed.next(
        sfn.Fail.jsonata(scope, "TrainingFailed", error="TrainingFailed", cause="{% $states.input.why %}")
    )
    judged = (
        sfn.Choice.jsonata(scope, "IsBetter")
        .when(
            says("$judgement.promote"),
            register_and_approve.next(registered).next(sfn.Succeed.jsonata(scope, "ModelRegistered")),
        )
        .otherwise(kept.next(sfn.Succeed.jsonata(scope, "ChampionKept")))
    )
    fit.last.next(evaluate).next(judge).next(judged)
    work = snapshot.next(
        fit.first if large is None else _is_large(scope, functions, large, fit.first, failed)
    )
    burst = sfn.Wait.jsonata(scope, "WaitForBurst", time=sfn.WaitTime.duration(_BURST)).next(work)
    guarded = (
        sfn.Choice.jsonata(scope, "MayTrain")
        .when(says("$guard.proceed and $guard.reason != 'manual'"), burst)
        .when(says("$guard.proceed"), snapshot)
        .otherwise(sfn.Succeed.jsonata(scope, "NotNow"))
    )
    return _begin(scope, tuned=functions.tuning is not None).next(guard).next(guarded)


def _fit(scope: Construct, functions: TrainingFunctions, calls: TrainingCalls) -> Fit:
    """Return the states that make a model: one training job, after a search with what that has found."""
    tuned = functions.tuning is not None
    train = sagemaker_task(
        scope,
        "TrainModel",
        integration="sagemaker:createTrainingJob.sync",
        arguments=with_found_hyperparameters(calls.train) if tuned else calls.train,
        timeout=calls.longest_fit,
        assign={
            "training": {
                "job": "{% $states.result.TrainingJobName %}",
                "model_data_url": "{% $states.result.ModelArtifacts.S3ModelArtifacts %}",
                **({name: f"{{% $training.{name} %}}" for name in OF_THE_SEARCH} if tuned else {}),
            }
        },
    )
    if functions.tuning is None:
        return Fit(train, train, [train])
    return tuning_states(scope, functions.tuning, calls.tune, calls.longest_fit, train)


def _is_large(
    scope: Construct,
    functions: TrainingFunctions,
    large: LargeDataStack,
    train: sfn.IChainable,
    failed: sfn.IChainable,
) -> sfn.IChainable:
    """Lead to the training at once, or by way of Spark, which deals the rows in place of the function."""
    deal = glue_task(
        scope,
        "DealLargeData",
        large.snapshot_job,
        arguments={"--folder": "{% $snapshot.folder %}"},
        timeout=large.longest_run,
    )
    describe = lambda_task(
        scope,
        "DescribeSnapshot",
        functions.snapshot_data,
        payload={"run": "{% $guard.run %}", "dealt": True},
        timeout=_SHORT,
        assign={"snapshot": "{% $states.result.Payload %}"},
    )
    catch_all([deal, describe], failed)
    return (
        sfn.Choice.jsonata(scope, "IsSnapshotLarge")
        .when(says("$snapshot.large"), deal.next(describe).next(train))
        .otherwise(train)
    )


_EXECUTION = "{% $states.context.Execution.Id %}"


def _begin(scope: Construct, *, tuned: bool) -> sfn.Pass:
    """Give every variable a value, so that a failure can tell how far the training came; `{}` is a manual start."""
    return sfn.Pass.jsonata(
        scope,
        "Begin",
        assign={
            "reason": "{% $exists($states.input.reason) ? $states.input.reason : 'manual' %}",
            "detail": "{% $exists($states.input.detail) ? $states.input.detail : {} %}",
            "guard": {},
            "snapshot": {},
            "training": {},
            "judgement": {"why": "", "metrics": {}, "measured": {}},
            "model_package_arn": "",
            "error": {},
            **({"tuning_job": ""} if tuned else {}),
        },
    )


def _close(scope: Construct, id: str, functions: TrainingFunctions, *, outcome: str) -> Any:
    tuned = functions.tuning is not None
    of_tuning = {"tuning_job": "{% $tuning_job %}", "training": "{% $training %}"} if tuned else {}
    return lambda_task(
        scope,
        id,
        functions.close_training,
        payload={
            "execution": _EXECUTION,
            "outcome": outcome,
            "guard": "{% $guard %}",
            "snapshot": "{% $snapshot %}",
            "why": "{% $judgement.why %}",
            "metrics": "{% $judgement.metrics %}",
            "measured": "{% $judgement.measured %}",
            "model_package_arn": "{% $model_package_arn %}",
            "error": "{% $error %}",
            **of_tuning,
        },
        timeout=_SHORT,
    )
