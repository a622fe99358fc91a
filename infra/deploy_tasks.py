"""The tasks of a deployment: what fails leads to its roll-back."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.sagemaker_task import sagemaker_task
from infra.state_machine import catch_all, lambda_task

EXECUTION = "{% $states.context.Execution.Id %}"
FOR_PLAN = {"plan": "{% $plan %}", "execution": EXECUTION}
"""What most functions are told."""
SHORT = Duration.minutes(5)


class DeployTasks:
    """Makes tasks whose failure leads to the roll-back.

    Parameters
    ----------
    scope : Construct
        Where the states are made.
    roll_back : IChainable
        Finds in ``$error`` what happened.
    """

    def __init__(self, scope: Construct, roll_back: sfn.IChainable) -> None:
        self._scope, self._roll_back = scope, roll_back

    def function(
        self,
        id: str,
        function: lambda_.IFunction,
        payload: dict[str, Any],
        *,
        timeout: Duration = SHORT,
        assign: dict[str, Any] | None = None,
    ) -> tasks.LambdaInvoke:
        """Invoke a function."""
        task = lambda_task(self._scope, id, function, payload=payload, timeout=timeout, assign=assign)
        catch_all([task], self._roll_back)
        return task

    def call(
        self, id: str, action: str, arguments: dict[str, Any], *, assign: dict[str, Any] | None = None
    ) -> sfn.CustomState:
        """Call SageMaker; `action` is named as the SDK names it, e.g. ``createModel``."""
        task = sagemaker_task(
            self._scope,
            id,
            integration=f"aws-sdk:sagemaker:{action}",
            arguments=arguments,
            timeout=SHORT,
            assign=assign,
        )
        catch_all([task], self._roll_back)
        return task
