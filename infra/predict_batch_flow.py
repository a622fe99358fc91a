"""The states between a dropped file and its predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.sagemaker_task import sagemaker_task
from infra.state_machine import Task, catch_all, lambda_task, says

_SHORT = Duration.minutes(5)
_LONG = Duration.minutes(16)
LONGEST_JOB = Duration.days(1)
_KNOWN = {"file": "{% $file %}", "execution": "{% $states.context.Execution.Id %}"}


@dataclass(frozen=True)
class PredictBatchFunctions:
    """The functions that the states call."""

    plan_batch: lambda_.IFunction
    prepare_batch: lambda_.IFunction
    finish_batch: lambda_.IFunction


def predict_batch_flow(
    scope: Construct, functions: PredictBatchFunctions, transform: dict[str, Any]
) -> sfn.IChainable:
    """Chain the states: wait for the turn, prepare, transform, finish; a file without rows needs no job."""
    scope = Construct(scope, "States")  # states are named as the functions are that they call
    begin = sfn.Pass.jsonata(
        scope,
        "Begin",
        assign={"file": "{% $states.input.file %}", "plan": {}, "prepared": {}, "error": {}},
    )
    plan = lambda_task(
        scope,
        "PlanBatch",
        functions.plan_batch,
        payload=_KNOWN,
        timeout=_SHORT,
        assign={"plan": "{% $states.result.Payload %}"},
    )
    prepare = lambda_task(
        scope,
        "PrepareBatch",
        functions.prepare_batch,
        payload={**_KNOWN, "plan": "{% $plan %}"},
        timeout=_LONG,
        assign={"prepared": "{% $states.result.Payload %}"},
    )
    job = sagemaker_task(
        scope,
        "TransformBatch",
        integration="sagemaker:createTransformJob.sync",
        arguments=transform,
        timeout=LONGEST_JOB,
    )
    finish = lambda_task(
        scope,
        "FinishBatch",
        functions.finish_batch,
        payload={
            **_KNOWN,
            "plan": "{% $plan %}",
            "prepared": "{% $prepared %}",
            "at": "{% $states.context.State.EnteredTime %}",
        },
        timeout=_LONG,
    )
    working: list[Task] = [plan, prepare, job, finish]
    catch_all(working, _fail(scope, functions))
    finish.next(sfn.Succeed.jsonata(scope, "BatchFinished"))
    job.next(finish)
    prepare.next(
        sfn.Choice.jsonata(scope, "IsThereAnyRow").when(says("$prepared.rows > 0"), job).otherwise(finish)
    )
    return begin.next(plan).next(_turn(scope, plan, prepare))


def _turn(scope: Construct, plan: sfn.IChainable, prepare: sfn.IChainable) -> sfn.IChainable:
    """Go on, ask again in a while, or leave the file to whoever has it."""
    wait = sfn.Wait.jsonata(scope, "WaitForTurn", time=sfn.WaitTime.seconds("{% $plan.again_in_s %}"))
    return (
        sfn.Choice.jsonata(scope, "IsItsTurn")
        .when(says("$plan.action = 'predict'"), prepare)
        .when(says("$plan.action = 'wait'"), wait.next(plan))
        .otherwise(sfn.Succeed.jsonata(scope, "NothingToDo"))
    )


def _fail(scope: Construct, functions: PredictBatchFunctions) -> sfn.IChainable:
    """Write down what went wrong; the file's event goes to the dead letters."""
    fail = lambda_task(
        scope,
        "FailBatch",
        functions.finish_batch,
        payload={**_KNOWN, "error": "{% $error %}"},
        timeout=_SHORT,
    )
    return fail.next(
        sfn.Fail.jsonata(scope, "BatchFailed", error="BatchFailed", cause="{% $states.input.why %}")
    )
