"""Deploys approved models behind one endpoint."""

from __future__ import annotations

from aws_cdk import Acknowledgment, CfnOutput, Duration, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.asynchronous import FAILURES, INPUT, OUTPUT, async_topics, how_to_ask
from infra.batch_deploy_flow import batch_deploy_flow
from infra.capture import EndpointLogs
from infra.clean_up import CleanUp
from infra.data_stack import DataStack
from infra.deploy_calls import EndpointSettings, deploy_calls
from infra.deploy_flow import deploy_flow
from infra.deploy_functions import DeploymentFunctions
from infra.deploy_triggers import DeployTriggers
from infra.endpoint_scaling import EndpointScaling
from infra.job_roles import JobRole, grant_encrypted_volumes
from infra.pipeline_stack import PipelineStack
from infra.placement import allow_job_interfaces
from infra.sagemaker_task import TRANSFORM, allow, grant_jobs, grant_pass_role, sagemaker_arn
from infra.state_machine import PipelineStateMachine
from infra.training_stack import TrainingStack
from infra.transform_call import WORK, transform_call

_READ = {"asynchronous": [INPUT]}
_WRITTEN = {"realtime": ["capture/"], "asynchronous": [OUTPUT, FAILURES]}
"""Prefixes of the artifacts bucket that the containers' role reads beside the model, and writes, by kind of endpoint."""

_WHY_FROM_ECR = (
    "AWS documents access by the network for registries other than ECR, where the image lies (ADR 48)."
)


class ServingStack(PipelineStack):
    """Role of the containers, functions, and the state machine that deploys on approval.

    Attributes
    ----------
    data, training : DataStack, TrainingStack
        What the stack is built on.
    endpoint_name : str
        The endpoint; it exists once the first model has been deployed, unless the pipeline has none.
    endpoint_log_group : ILogGroup or None
        Where its containers log to; None if there is no endpoint.
    model_role : JobRole
        Of the models, under which endpoints and transform jobs run their containers.
    deploy_state_machine : IStateMachine
        Deploys the model package of an approval event.
    """

    def __init__(
        self, scope: Construct, id: str, *, pipeline: Pipeline, data: DataStack, training: TrainingStack
    ) -> None:
        super().__init__(
            scope, id, pipeline=pipeline, description="endpoint and deployments", hardening=data.hardening
        )
        self.data, self.training = data, training
        self.endpoint_name = f"headrace-{pipeline.name}"
        endpoint_logs = self._add_endpoint_logs()
        self.endpoint_log_group: logs.ILogGroup | None = endpoint_logs.log_group if endpoint_logs else None
        self.model_role = self._add_model_role()
        self._async_topics = async_topics(self, pipeline, data.key, self.model_role)
        clean_up = CleanUp(self, "CleanUp", pipeline=pipeline, key=data.key, what="deployment")
        if endpoint_logs:
            # The endpoint goes first: what still logs would make SageMaker create the log group anew.
            clean_up.resource.node.add_dependency(endpoint_logs)
        self._scaling = self._add_scaling(clean_up)
        self.deploy_state_machine: sfn.IStateMachine = self._add_state_machine()
        DeployTriggers(
            self,
            pipeline=pipeline,
            machine=self.deploy_state_machine,
            model_package_group=training.model_package_group_name,
        )
        self._output()

    def _add_endpoint_logs(self) -> EndpointLogs | None:
        if not self.pipeline.endpoint.exists:
            return None
        return EndpointLogs(self, "EndpointLogs", pipeline=self.pipeline, key=self.data.key)

    def _add_model_role(self) -> JobRole:
        kind = self.pipeline.endpoint.kind
        transform = [WORK] if self.pipeline.endpoint.batches else []
        role = JobRole(
            self,
            "ModelRole",
            bucket=self.data.artifacts_bucket,
            key=self.data.key,
            read=["training/", *_READ.get(kind, []), *transform],
            write=[*_WRITTEN.get(kind, []), *transform],
            log_groups=self._log_groups(),
        )
        self.training.image.grant_pull(role)
        if self.network and kind != "serverless":
            allow_job_interfaces(role)
        return role

    def _log_groups(self) -> list[str]:
        endpoint = self.pipeline.endpoint
        of_endpoint = [f"Endpoints/{self.endpoint_name}"] if endpoint.exists else []
        return [*of_endpoint, *(["TransformJobs"] if endpoint.batches else [])]

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
            key=self.data.key,
            endpoint_name=self.endpoint_name,
        )
        scaling.resource.node.add_dependency(clean_up.resource)
        return scaling

    # --- the state machine and what starts it

    def _add_state_machine(self) -> PipelineStateMachine:
        settings = EndpointSettings(
            pipeline=self.pipeline,
            endpoint_name=self.endpoint_name,
            bucket=self.data.artifacts_bucket.bucket_name,
            key_arn=self.data.key.key_arn,
            model_role_arn=self.model_role.role_arn,
            network_isolation=self.training.image.network_isolation,
            topics=self._async_topics,
            network=self.network,
        )
        functions = DeploymentFunctions(self)
        machine = PipelineStateMachine(
            self,
            "Deployment",
            definition=self._deployment(functions, settings),
            key=self.data.key,
            timeout=_longest(self.pipeline),
            comment=f"Headrace {self.pipeline.name}: from an approved model to an endpoint that serves it",
        )
        Validations.of(machine).acknowledge(
            Acknowledgment(id="Headrace-ImagesComeThroughTheNetwork", reason=_WHY_FROM_ECR)
        )
        allow(machine.role, ["sagemaker:CreateModel", "sagemaker:AddTags"], [self.named("model")])
        if self.pipeline.endpoint.exists:
            self._allow_endpoints(machine.role)
        else:
            grant_jobs(machine.role, self, TRANSFORM, name_prefix=f"{self.endpoint_name}-sample")
        grant_pass_role(machine.role, self.model_role, "sagemaker.amazonaws.com")
        grant_encrypted_volumes(machine.role, self.data.key)
        functions.grant_waking(machine)
        return machine

    def _deployment(self, functions: DeploymentFunctions, settings: EndpointSettings) -> sfn.IChainable:
        called = functions.all(self._scaling.function if self._scaling else None)
        calls = deploy_calls(settings)
        if self.pipeline.endpoint.exists:
            return deploy_flow(self, called, calls, self.pipeline.release)
        sample = transform_call(
            self.pipeline,
            settings.key_arn,
            # Not by the deployment's name, which is gone back to: each attempt is a job.
            name=f"'{self.endpoint_name}-sample-' & $string($toMillis($states.context.Execution.StartTime))",
            model="$plan.name",
            folder=f"'s3://{settings.bucket}/{WORK}' & $plan.name & '/'",
        )
        return batch_deploy_flow(self, called, calls, sample)

    def _allow_endpoints(self, role: iam.IRole) -> None:
        configs = self.named("endpoint-config")
        allow(role, ["sagemaker:CreateEndpointConfig"], [configs])
        allow(role, ["sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint"], [self._endpoint(), configs])
        allow(role, ["sagemaker:DescribeEndpoint"], [self._endpoint()])
        if self.pipeline.release.shares:
            allow(role, ["sagemaker:UpdateEndpointWeightsAndCapacities"], [self._endpoint()])
        allow(role, ["sagemaker:AddTags"], [configs, self._endpoint()])

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
        if not self.pipeline.endpoint.exists:
            return f"aws s3 cp rows.csv s3://{self.data.data_bucket.bucket_name}/batch/"
        if self.pipeline.endpoint.kind == "asynchronous":
            return how_to_ask(self.endpoint_name, self.data.artifacts_bucket.bucket_name)
        return (
            f"aws sagemaker-runtime invoke-endpoint --endpoint-name {self.endpoint_name} "
            "--content-type text/csv --body fileb://rows.csv out.csv"
        )

    def _endpoint(self) -> str:
        return sagemaker_arn(self, "endpoint", self.endpoint_name)

    def named(self, resource: str) -> str:
        """Return the ARN of all deployments' resources of one kind: ``model`` or ``endpoint-config``."""
        return sagemaker_arn(self, resource, f"{self.endpoint_name}-v*")


def _longest(pipeline: Pipeline) -> Duration:
    """Return how long a deployment may take: hours, and if requests come to the model by and by, days more."""
    release = pipeline.release
    return Duration.seconds(3 * 3600 + (release.longest_s if release.shares else 0))
