"""Deploys approved models behind one endpoint."""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.asynchronous import FAILURES, INPUT, OUTPUT, async_topics, grant_asking, how_to_ask
from infra.capture import EndpointLogs
from infra.clean_up import CleanUp
from infra.data_stack import DataStack
from infra.deploy_calls import EndpointSettings, deploy_calls
from infra.deploy_flow import DeployFunctions, deploy_flow
from infra.endpoint_scaling import EndpointScaling
from infra.job_roles import JobRole, grant_encrypted_volumes
from infra.narrow_grants import acknowledge_wildcards, grant_data_keys, grant_items, grant_list, grant_objects
from infra.pipeline_function import PipelineFunction
from infra.pipeline_stack import PipelineStack
from infra.sagemaker_task import allow, grant_pass_role, grant_put_events, sagemaker_arn
from infra.state_machine import PipelineStateMachine
from infra.training_stack import TrainingStack

_READ = {"asynchronous": [INPUT]}
_WRITTEN = {"realtime": ["capture/"], "asynchronous": [OUTPUT, FAILURES]}
"""Prefixes of the artifacts bucket that the containers' role reads beside the model, and writes, by kind of endpoint."""


class ServingStack(PipelineStack):
    """Role of the containers, functions, and the state machine that deploys on approval.

    Attributes
    ----------
    endpoint_name : str
        The endpoint; it exists once the first model has been deployed.
    endpoint_log_group : ILogGroup
        Where its containers log to.
    deploy_state_machine : IStateMachine
        Deploys the model package of an approval event.
    """

    def __init__(
        self, scope: Construct, id: str, *, pipeline: Pipeline, data: DataStack, training: TrainingStack
    ) -> None:
        super().__init__(scope, id, pipeline=pipeline, description="endpoint and deployments")
        self._data, self._training = data, training
        self.endpoint_name = f"headrace-{pipeline.name}"
        endpoint_logs = EndpointLogs(self, "EndpointLogs", pipeline=pipeline, key=data.key)
        self.endpoint_log_group: logs.ILogGroup = endpoint_logs.log_group
        self._model_role = self._add_model_role()
        self._async_topics = async_topics(self, pipeline, data.key, self._model_role)
        clean_up = CleanUp(self, "CleanUp", pipeline=pipeline, key=data.key, what="deployment")
        # The endpoint goes first: what still logs would make SageMaker create the log group anew.
        clean_up.resource.node.add_dependency(endpoint_logs)
        self._scaling = self._add_scaling(clean_up)
        self.deploy_state_machine: sfn.IStateMachine = self._add_state_machine()
        self._start_on_approval()
        self._output()

    def _add_model_role(self) -> JobRole:
        kind = self.pipeline.endpoint.kind
        role = JobRole(
            self,
            "ModelRole",
            bucket=self._data.artifacts_bucket,
            key=self._data.key,
            read=["training/", *_READ.get(kind, [])],
            write=_WRITTEN.get(kind, []),
            log_groups=f"Endpoints/{self.endpoint_name}",
        )
        self._training.image.grant_pull(role)
        return role

    def _add_scaling(self, clean_up: CleanUp) -> EndpointScaling | None:
        """Let the instances follow the load; where they did, that ends before the endpoint does."""
        block = self.pipeline.endpoint.scaling
        if block is None:
            return None
        scaling = EndpointScaling(
            self,
            "Scaling",
            pipeline=self.pipeline,
            scaling=block,
            key=self._data.key,
            endpoint_name=self.endpoint_name,
        )
        scaling.resource.node.add_dependency(clean_up.resource)
        return scaling

    # --- functions

    def _add_functions(self) -> DeployFunctions:
        return DeployFunctions(
            plan_deployment=self._add_plan_deployment(),
            smoke_test=self._add_smoke_test(),
            publish_model=self._add_publish_model(),
            remove_previous=self._add_remove_previous(),
            roll_back_deployment=self._add_roll_back_deployment(),
            scale_endpoint=self._scaling.function if self._scaling else None,
        )

    def _add_plan_deployment(self) -> PipelineFunction:
        function = self._add_function("PlanDeployment", "plan_deployment")
        grant_items(function, self._data.ledger, "dynamodb:GetItem", ["champion", "deployment"])
        grant_items(function, self._data.ledger, "dynamodb:PutItem", ["deployment"])
        allow(function.role, ["sagemaker:DescribeModelPackage"], [self._packages()])
        allow(function.role, ["sagemaker:DescribeEndpoint", "sagemaker:DeleteEndpoint"], [self._endpoint()])
        return function

    def _add_smoke_test(self) -> PipelineFunction:
        function = self._add_function("SmokeTest", "smoke_test", timeout_s=300)
        grant_objects(function, self._data.artifacts_bucket, "s3:GetObject", ["training/*"])
        if self.pipeline.endpoint.kind == "asynchronous":
            grant_asking(function, self._data.artifacts_bucket, self._data.key, endpoint=self._endpoint())
        else:
            allow(function.role, ["sagemaker:InvokeEndpoint"], [self._endpoint()])
        return function

    def _add_publish_model(self) -> PipelineFunction:
        function = self._add_function("PublishModel", "publish_model")
        bucket, ledger = self._data.artifacts_bucket, self._data.ledger
        grant_list(function, bucket, "evaluations/")
        grant_objects(function, bucket, "s3:GetObject", ["training/*", "evaluations/*"])
        grant_objects(function, bucket, "s3:PutObject", ["baselines/*"])
        grant_data_keys(function, self._data.key)
        grant_items(function, ledger, "dynamodb:PutItem", ["champion"])
        grant_put_events(function.role, self)
        return function

    def _add_remove_previous(self) -> PipelineFunction:
        function = self._add_function("RemovePrevious", "remove_previous")
        self._allow_deleting(function)
        allow(function.role, ["sagemaker:ListEndpointConfigs", "sagemaker:ListModels"], ["*"])
        grant_items(function, self._data.ledger, "dynamodb:DeleteItem", ["deployment"])
        return function

    def _add_roll_back_deployment(self) -> PipelineFunction:
        function = self._add_function("RollBackDeployment", "roll_back_deployment")
        self._allow_deleting(function)
        allow(
            function.role,
            ["sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpoint", "sagemaker:DeleteEndpoint"],
            [self._endpoint(), self._named("endpoint-config")],
        )
        allow(function.role, ["sagemaker:UpdateModelPackage"], [self._packages()])
        ledger = self._data.ledger
        grant_items(function, ledger, "dynamodb:GetItem", ["champion", "training"])
        grant_items(function, ledger, "dynamodb:PutItem", ["training"])
        grant_items(function, ledger, "dynamodb:DeleteItem", ["deployment"])
        return function

    def _add_function(self, id: str, name: str, *, timeout_s: int = 60) -> PipelineFunction:
        function = PipelineFunction(
            self,
            id,
            name=name,
            pipeline=self.pipeline,
            key=self._data.key,
            environment={
                "LEDGER_TABLE": self._data.ledger.table_name,
                "ARTIFACTS_BUCKET": self._data.artifacts_bucket.bucket_name,
            },
            timeout_s=timeout_s,
        )
        acknowledge_wildcards(
            function.role,
            "Deployments and packages are named at run time: the pipeline's prefix is the scope. Listing has no resources.",
        )
        return function

    def _allow_deleting(self, function: PipelineFunction) -> None:
        allow(function.role, ["sagemaker:DeleteEndpointConfig"], [self._named("endpoint-config")])
        allow(function.role, ["sagemaker:DeleteModel"], [self._named("model")])

    # --- the state machine and what starts it

    def _add_state_machine(self) -> PipelineStateMachine:
        settings = EndpointSettings(
            pipeline=self.pipeline,
            endpoint_name=self.endpoint_name,
            bucket=self._data.artifacts_bucket.bucket_name,
            key_arn=self._data.key.key_arn,
            model_role_arn=self._model_role.role_arn,
            network_isolation=self._training.image.network_isolation,
            topics=self._async_topics,
        )
        machine = PipelineStateMachine(
            self,
            "Deployment",
            definition=deploy_flow(self, self._add_functions(), deploy_calls(settings)),
            key=self._data.key,
            timeout=Duration.hours(3),
            comment=f"Headrace {self.pipeline.name}: from an approved model to an endpoint that serves it",
        )
        role, configs = machine.role, self._named("endpoint-config")
        allow(role, ["sagemaker:CreateModel"], [self._named("model")])
        allow(role, ["sagemaker:CreateEndpointConfig"], [configs, self._named("model")])
        allow(
            role,
            ["sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint", "sagemaker:DescribeEndpoint"],
            [self._endpoint(), configs],
        )
        allow(role, ["sagemaker:AddTags"], [self._named("model"), configs])
        grant_pass_role(role, self._model_role, "sagemaker.amazonaws.com")
        grant_encrypted_volumes(role, self._data.key)
        return machine

    def _start_on_approval(self) -> None:
        rule = events.Rule(
            self,
            "OnApproval",
            description=f"Headrace {self.pipeline.name}: an approved model is deployed",
            event_pattern=events.EventPattern(
                source=["aws.sagemaker"],
                detail_type=["SageMaker Model Package State Change"],
                detail={
                    "ModelPackageGroupName": [self._training.model_package_group_name],
                    "ModelApprovalStatus": ["Approved"],
                },
            ),
        )
        rule.add_target(
            targets.SfnStateMachine(
                self.deploy_state_machine,
                input=events.RuleTargetInput.from_event_path("$.detail"),
                retry_attempts=8,
                max_event_age=Duration.hours(6),
            )
        )

    def _output(self) -> None:
        CfnOutput(self, "EndpointName", value=self.endpoint_name)
        CfnOutput(self, "DeployStateMachineArn", value=self.deploy_state_machine.state_machine_arn)
        CfnOutput(
            self,
            "InvokeLikeThis",
            description="rows.csv holds features with a header line",
            value=self._invocation(),
        )

    def _invocation(self) -> str:
        if self.pipeline.endpoint.kind == "asynchronous":
            return how_to_ask(self.endpoint_name, self._data.artifacts_bucket.bucket_name)
        return (
            f"aws sagemaker-runtime invoke-endpoint --endpoint-name {self.endpoint_name} "
            "--content-type text/csv --body fileb://rows.csv out.csv"
        )

    def _endpoint(self) -> str:
        return sagemaker_arn(self, "endpoint", self.endpoint_name)

    def _named(self, resource: str) -> str:
        return sagemaker_arn(self, resource, f"{self.endpoint_name}-v*")

    def _packages(self) -> str:
        return sagemaker_arn(self, "model-package", f"{self._training.model_package_group_name}/*")
