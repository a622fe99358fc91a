"""The functions of a deployment, each with what it may do and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_lambda as lambda_

from infra.asynchronous import grant_asking
from infra.deploy_flow import DeployFunctions
from infra.narrow_grants import acknowledge_wildcards, grant_data_keys, grant_items, grant_list, grant_objects
from infra.pipeline_function import PipelineFunction
from infra.release_alarms import release_alarm_arns
from infra.release_flow import ReleaseFunctions
from infra.release_judge import ReleaseJudge
from infra.sagemaker_task import allow, grant_put_events, sagemaker_arn
from infra.signing_key import verify_function
from infra.state_machine import PipelineStateMachine
from infra.transform_call import WORK

if TYPE_CHECKING:
    from infra.serving_stack import ServingStack

_WILDCARDS = "Deployments and packages are named at run time: the pipeline's prefix is the scope. Listing has no resources."


class DeploymentFunctions:
    """Makes the functions in the serving stack's own scope, so that their names begin with the stack's and their own.

    Attributes
    ----------
    decide_release, hold_release : PipelineFunction
        Wake executions of the state machine: see `grant_waking`. The second is None where models are exchanged all at once.
    """

    def __init__(self, stack: ServingStack) -> None:
        self._stack, self._pipeline = stack, stack.pipeline
        self._key, self._ledger = stack.data.key, stack.data.ledger
        self._bucket = stack.data.artifacts_bucket
        self._endpoint = sagemaker_arn(stack, "endpoint", stack.endpoint_name)
        group = stack.training.model_package_group_name
        self._packages = sagemaker_arn(stack, "model-package", f"{group}/*")
        self.decide_release = self._decide_release()
        self.hold_release = self._hold_release() if stack.pipeline.release.shares else None

    def all(self, scale_endpoint: lambda_.IFunction | None) -> DeployFunctions:
        """Return what the states call."""
        smoke_test = self._smoke_test()
        return DeployFunctions(
            plan_deployment=self._plan_deployment(),
            verify_model=verify_function(self._stack, self._stack.data, self._stack.training.signing_key),
            decide_release=self.decide_release,
            smoke_test=smoke_test,
            publish_model=self._publish_model(),
            remove_previous=self._remove_previous(),
            roll_back_deployment=self._roll_back_deployment(),
            scale_endpoint=scale_endpoint,
            write_sample=self._write_sample(),
            release=self._release(self.hold_release, smoke_test) if self.hold_release else None,
        )

    def _release(self, hold_release: lambda_.IFunction, smoke_test: lambda_.IFunction) -> ReleaseFunctions:
        stack = self._stack
        judge = ReleaseJudge(
            stack, "JudgeRelease", pipeline=self._pipeline, data=stack.data, endpoint=stack.endpoint_name
        )
        return ReleaseFunctions(smoke_test, self._begin_release(), hold_release, judge)

    def grant_waking(self, machine: PipelineStateMachine) -> None:
        """Allow waking the executions of `machine` that wait, and who decides to see whether one still runs."""
        waking = [self.decide_release, *([self.hold_release] if self.hold_release else [])]
        machine.let_wake(waking, id="WakeDeployments")
        machine.let_look([self.decide_release], id="LookAtDeployments")

    # --- one by one

    def _plan_deployment(self) -> PipelineFunction:
        function = self._add("PlanDeployment", "plan_deployment")
        grant_items(function, self._ledger, "dynamodb:GetItem", ["champion", "deployment"])
        grant_items(function, self._ledger, "dynamodb:PutItem", ["deployment", "release"])
        grant_items(function, self._ledger, "dynamodb:DeleteItem", ["release"])
        allow(function.role, ["sagemaker:DescribeModelPackage"], [self._packages])
        self._allow_endpoint(function, "Describe", "Delete")
        return function

    def _decide_release(self) -> PipelineFunction:
        function = self._add("DecideRelease", "decide_release")
        grant_items(function, self._ledger, "dynamodb:GetItem", ["champion", "deployment", "release"])
        grant_items(function, self._ledger, "dynamodb:PutItem", ["deployment", "release"])
        grant_items(function, self._ledger, "dynamodb:UpdateItem", ["release"])
        grant_items(function, self._ledger, "dynamodb:DeleteItem", ["deployment"])
        allow(function.role, ["sagemaker:DescribeModelPackage"], [self._packages])
        self._allow_endpoint(function, "Describe")
        grant_put_events(function.role, self._stack)
        return function

    def _begin_release(self) -> PipelineFunction:
        function = self._add("BeginRelease", "begin_release")
        grant_items(function, self._ledger, "dynamodb:PutItem", ["release"])
        alarms = release_alarm_arns(self._stack, self._stack.endpoint_name)
        allow(function.role, ["cloudwatch:PutMetricAlarm"], alarms)
        return function

    def _hold_release(self) -> PipelineFunction:
        function = self._add("HoldRelease", "hold_release")
        for action in ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"):
            grant_items(function, self._ledger, action, ["release"])
        # AWS asks for everything where composite alarms may be among the answers.
        allow(function.role, ["cloudwatch:DescribeAlarms"], ["*"])
        return function

    def _smoke_test(self) -> PipelineFunction:
        function = self._add("SmokeTest", "smoke_test", timeout_s=300)
        grant_objects(function, self._bucket, "s3:GetObject", ["training/*"])
        if self._pipeline.endpoint.kind == "asynchronous":
            grant_asking(function, self._bucket, self._key, endpoint=self._endpoint)
        elif self._pipeline.endpoint.kind == "batch":
            grant_objects(function, self._bucket, "s3:GetObject", [f"{WORK}*"])
            grant_list(function, self._bucket, WORK)
        else:
            allow(function.role, ["sagemaker:InvokeEndpoint"], [self._endpoint])
        return function

    def _write_sample(self) -> PipelineFunction | None:
        if self._pipeline.endpoint.exists:
            return None
        function = self._add("WriteSample", "write_sample")
        grant_objects(function, self._bucket, "s3:GetObject", ["training/*"])
        grant_objects(function, self._bucket, "s3:PutObject", [f"{WORK}*"])
        grant_data_keys(function, self._key)
        return function

    def _publish_model(self) -> PipelineFunction:
        function = self._add("PublishModel", "publish_model")
        for prefix in ("baselines/", "evaluations/"):
            grant_list(function, self._bucket, prefix)
        grant_objects(function, self._bucket, "s3:GetObject", ["training/*", "evaluations/*"])
        grant_objects(function, self._bucket, "s3:PutObject", ["baselines/*"])
        grant_data_keys(function, self._key)
        for action in ("dynamodb:GetItem", "dynamodb:PutItem"):
            grant_items(function, self._ledger, action, ["champion", "release"])
        allow(function.role, ["sagemaker:UpdateModelPackage"], [self._packages])
        grant_put_events(function.role, self._stack)
        return function

    def _remove_previous(self) -> PipelineFunction:
        function = self._add("RemovePrevious", "remove_previous")
        self._allow_deleting(function)
        allow(function.role, ["sagemaker:ListEndpointConfigs", "sagemaker:ListModels"], ["*"])
        grant_items(function, self._ledger, "dynamodb:GetItem", ["champion", "release"])
        grant_items(function, self._ledger, "dynamodb:DeleteItem", ["deployment", "release"])
        grant_put_events(function.role, self._stack)
        return function

    def _roll_back_deployment(self) -> PipelineFunction:
        function = self._add("RollBackDeployment", "roll_back_deployment")
        self._allow_deleting(function)
        self._allow_endpoint(function, "Describe", "Delete")
        if self._pipeline.endpoint.exists:
            moved = [self._endpoint, self._stack.named("endpoint-config")]
            allow(function.role, ["sagemaker:UpdateEndpoint"], moved)
        allow(function.role, ["sagemaker:UpdateModelPackage"], [self._packages])
        grant_items(function, self._ledger, "dynamodb:GetItem", ["champion", "training", "release"])
        # Without an endpoint, the model in service is what the ledger says.
        back = [] if self._pipeline.endpoint.exists else ["champion"]
        grant_items(function, self._ledger, "dynamodb:PutItem", ["training", "release", *back])
        grant_items(function, self._ledger, "dynamodb:DeleteItem", ["deployment", "release"])
        grant_put_events(function.role, self._stack)
        return function

    # --- what several have

    def _add(self, id: str, name: str, *, timeout_s: int = 60) -> PipelineFunction:
        function = PipelineFunction(
            self._stack,
            id,
            name=name,
            pipeline=self._pipeline,
            key=self._key,
            environment={
                "LEDGER_TABLE": self._ledger.table_name,
                "ARTIFACTS_BUCKET": self._bucket.bucket_name,
            },
            timeout_s=timeout_s,
        )
        acknowledge_wildcards(function.role, _WILDCARDS)
        return function

    def _allow_endpoint(self, function: PipelineFunction, *verbs: str) -> None:
        """Allow looking at the endpoint, or deleting it, where there is one."""
        if self._pipeline.endpoint.exists:
            allow(function.role, [f"sagemaker:{verb}Endpoint" for verb in verbs], [self._endpoint])

    def _allow_deleting(self, function: PipelineFunction) -> None:
        allow(function.role, ["sagemaker:DeleteEndpointConfig"], [self._stack.named("endpoint-config")])
        allow(function.role, ["sagemaker:DeleteModel"], [self._stack.named("model")])
        allow(
            function.role,
            ["cloudwatch:DeleteAlarms"],
            release_alarm_arns(self._stack, self._stack.endpoint_name),
        )
