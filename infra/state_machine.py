"""The one way this project defines a state machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aws_cdk import Acknowledgment, ArnFormat, Duration, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.narrow_grants import acknowledge_wildcards
from infra.pipeline_logs import PipelineLogs

_LAMBDA_FAULTS = [
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
]

Task = tasks.LambdaInvoke | sfn.CustomState


class PipelineStateMachine(sfn.StateMachine):
    """A standard state machine in JSONata, with traces, and an encrypted log that never shows data."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        definition: sfn.IChainable,
        key: kms.IKey,
        timeout: Duration,
        comment: str,
        name: str | None = None,
    ) -> None:
        log_group = PipelineLogs(scope, f"{id}Logs", key=key)
        super().__init__(
            scope,
            id,
            state_machine_name=name,
            comment=comment,
            definition_body=sfn.DefinitionBody.from_chainable(definition),
            query_language=sfn.QueryLanguage.JSONATA,
            state_machine_type=sfn.StateMachineType.STANDARD,
            timeout=timeout,
            tracing_enabled=True,
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
        )
        acknowledge_wildcards(
            self.role,
            "Log delivery and X-Ray have no resources to name; a function's versions and a job's names are its suffix.",
        )

    @property
    def principal_role(self) -> iam.IRole:
        """Role that the state machine acts under."""
        return self.role

    # What states call may do something to executions only by a policy apart: the functions depend on their own policies,
    # and on the functions the state machine.

    def let_wake(self, functions: Iterable[lambda_.IFunction], *, id: str) -> None:
        """Allow `functions`, which states call, to wake executions that wait, by the policy `id`."""
        self._let(functions, "states:SendTaskSuccess", self.state_machine_arn, id)

    def let_look(self, functions: Iterable[lambda_.IFunction], *, id: str) -> None:
        """Allow `functions`, which states call, to see how executions are, by the policy `id`."""
        executions = Stack.of(self).format_arn(
            service="states",
            resource="execution",
            resource_name=f"{self.state_machine_name}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        policy = self._let(functions, "states:DescribeExecution", executions, id)
        reason = "Executions are named at run time: the state machine is the scope."
        Validations.of(policy).acknowledge(Acknowledgment(id="AwsSolutions-IAM5", reason=reason))

    def _let(self, functions: Iterable[lambda_.IFunction], action: str, resource: str, id: str) -> iam.Policy:
        statement = iam.PolicyStatement(actions=[action], resources=[resource])
        roles = [function.role for function in functions if function.role is not None]
        return iam.Policy(Stack.of(self), id, statements=[statement], roles=roles)


def lambda_task(
    scope: Construct,
    id: str,
    function: lambda_.IFunction,
    *,
    payload: Mapping[str, Any],
    timeout: Duration,
    assign: Mapping[str, Any] | None = None,
) -> tasks.LambdaInvoke:
    """Return a task state that invokes `function` and puts out what it returns."""
    task = tasks.LambdaInvoke.jsonata(
        scope,
        id,
        lambda_function=function,
        payload=sfn.TaskInput.from_object(dict(payload)),
        outputs="{% $states.result.Payload %}",
        assign=dict(assign) if assign else None,
        task_timeout=sfn.Timeout.duration(timeout),
        retry_on_service_exceptions=False,
    )
    _retry_faults(task)
    return task


def waiting_task(
    scope: Construct,
    id: str,
    function: lambda_.IFunction,
    *,
    payload: Mapping[str, Any],
    timeout: Duration,
    assign: Mapping[str, Any] | None = None,
) -> tasks.LambdaInvoke:
    """Return a task state that tells `function` a ``token``, waits until somebody wakes it by that, and puts out their answer.

    Nobody needs to: after `timeout` it fails with ``States.Timeout``, to be caught.
    """
    task = tasks.LambdaInvoke.jsonata(
        scope,
        id,
        lambda_function=function,
        integration_pattern=sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
        payload=sfn.TaskInput.from_object({**payload, "token": "{% $states.context.Task.Token %}"}),
        outputs="{% $states.result %}",
        assign=dict(assign) if assign else None,
        task_timeout=sfn.Timeout.duration(timeout),
        retry_on_service_exceptions=False,
    )
    _retry_faults(task)
    return task


def _retry_faults(task: tasks.LambdaInvoke) -> None:
    task.add_retry(
        errors=_LAMBDA_FAULTS,
        interval=Duration.seconds(2),
        max_delay=Duration.seconds(60),
        max_attempts=6,
        backoff_rate=2,
        jitter_strategy=sfn.JitterType.FULL,
    )


def catch_all(states: Iterable[Task], handler: sfn.IChainable, *, variable: str = "error") -> None:
    """Lead any error of any of `states` to `handler`, which finds in `variable` what it was."""
    for state in states:
        state.add_catch(handler, errors=["States.ALL"], assign={variable: "{% $states.errorOutput %}"})


def says(expression: str) -> sfn.Condition:
    """Return the condition that `expression`, in JSONata without its braces, is true."""
    return sfn.Condition.jsonata(f"{{% {expression} %}}")
