"""The states between an approved model and one that answers files, where there is no endpoint."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from headrace.config.release import Release
from infra.deploy_flow import DeployCalls, DeployFlow, DeployFunctions
from infra.sagemaker_task import sagemaker_task
from infra.state_machine import catch_all

_LONGEST_JOB = Duration.minutes(45)


def batch_deploy_flow(
    scope: Construct,
    functions: DeployFunctions,
    calls: DeployCalls,
    transform_sample: dict[str, Any],
) -> sfn.IChainable:
    """Chain the states: plan, verify, create the model, try it with one row by a transform job, publish; or roll back.

    `transform_sample` has the arguments of that job: the container starts, loads the model and answers as it will answer files.
    """
    return _BatchDeployFlow(Construct(scope, "States"), functions, calls, transform_sample).begin()


class _BatchDeployFlow(DeployFlow):
    def __init__(
        self,
        scope: Construct,
        functions: DeployFunctions,
        calls: DeployCalls,
        transform_sample: dict[str, Any],
    ) -> None:
        self._transform_sample = transform_sample
        super().__init__(scope, functions, calls, Release(strategy="all_at_once"))

    def _add_creation(self) -> sfn.IChainable:
        return self._tasks.call("CreateModel", "createModel", self._calls.create_model).next(self._serve)

    def _add_move(self) -> sfn.IChainable:
        """Go back to a model that is there still: it is tried once more."""
        return self._serve

    def _add_waiting(self, serving: sfn.IChainable) -> sfn.IChainable:
        """Ask the model about the row that the smoke test looks at."""
        assert self._functions.write_sample
        write = self._tasks.function("WriteSample", self._functions.write_sample, {"plan": "{% $plan %}"})
        transform = sagemaker_task(
            self._scope,
            "TransformSample",
            integration="sagemaker:createTransformJob.sync",
            arguments=self._transform_sample,
            timeout=_LONGEST_JOB,
        )
        catch_all([transform], self._roll_back)
        return write.next(transform).next(serving)
