"""The states that search hyperparameters, before the training job that has what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.sagemaker_task import sagemaker_task
from infra.state_machine import Task, catch_all, lambda_task, says

_SHORT = Duration.minutes(5)
_NAMES = ("TuneModel", "TuneModelWarm")
OF_THE_SEARCH = ("hyperparameters", "tuning", "trial")
"""What the variable `training` keeps of a search."""


@dataclass(frozen=True)
class TuningFunctions:
    """The functions that the states call."""

    plan_tuning: lambda_.IFunction
    record_trials: lambda_.IFunction


@dataclass(frozen=True)
class Fit:
    """The states that end with a model in the variable `training`.

    Parameters
    ----------
    first : IChainable
        The one to begin with.
    last : Task
        The one that leads on.
    working : list of Task
        Those whose errors are nobody's yet.
    """

    first: sfn.IChainable
    last: Task
    working: list[Task]


def tuning_states(
    scope: Construct,
    functions: TuningFunctions,
    calls: Sequence[Mapping[str, Any]],
    timeout: Duration,
    train: Task,
) -> Fit:
    """Chain the states: plan, tune (from nothing, or from what a former tuning has found), record, train with what was found.

    A tuning that has failed or was stopped is recorded, too: its trials say why, and the best of those that came to their end
    may be worth judging.
    """
    plan = lambda_task(
        scope,
        "PlanTuning",
        functions.plan_tuning,
        payload={
            "started_at": "{% $guard.started_at %}",
            "validation_rows": "{% $snapshot.rows.validation %}",
        },
        timeout=_SHORT,
        assign={
            "tuning_job": "{% $states.result.Payload.job %}",
            "tuning_parent": "{% $states.result.Payload.parent %}",
        },
    )
    record = lambda_task(
        scope,
        "RecordTrials",
        functions.record_trials,
        payload={
            "run": "{% $guard.run %}",
            "tuning_job": "{% $tuning_job %}",
            "parent": "{% $tuning_parent %}",
            "validation_rows": "{% $snapshot.rows.validation %}",
            "error": "{% $error %}",
        },
        timeout=_SHORT,
        assign={"training": "{% $states.result.Payload %}", "error": {}},
    )
    tunes = [
        sagemaker_task(
            scope,
            name,
            integration="sagemaker:createHyperParameterTuningJob.sync",
            arguments=arguments,
            timeout=timeout,
        )
        for name, arguments in zip(_NAMES, calls, strict=False)
    ]
    catch_all(tunes, record)
    for tune in tunes:
        tune.next(record)
    if len(tunes) == 1:
        plan.next(tunes[0])
    else:
        cold, warm = tunes
        plan.next(
            sfn.Choice.jsonata(scope, "HasFormerTuning")
            .when(says("$tuning_parent != ''"), warm)
            .otherwise(cold)
        )
    record.next(train)
    return Fit(plan, train, [plan, record, train])


def with_found_hyperparameters(train: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a training job with the hyperparameters of the best trial, as SageMaker was given them."""
    return {**train, "HyperParameters": "{% $training.given %}"}
