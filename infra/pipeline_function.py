"""The one way this project defines a Lambda function."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration, Size
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.layers import RUNTIME
from infra.narrow_grants import acknowledge_wildcards
from infra.pipeline_logs import PipelineLogs
from infra.pipeline_stack import PipelineStack
from infra.placement import Placement, place_function
from infra.sagemaker_task import allow

_RESERVED = 10
"""As many as the largest event source asks for; thirty functions take a third of an account's usual quota."""


class PipelineFunction(lambda_.Function):
    """The function ``lambdas/<name>/handler.py``, with its own role and its own encrypted log group.

    Grants go on the line after it is created: ``data.grant_read(function)``.

    Parameters
    ----------
    name : str
        The folder under ``lambdas/``, e.g. ``ingest_file``.
    pipeline : Pipeline
        Bundled as ``pipeline.json``.
    key : IKey
        Encrypts the function's logs and environment.
    environment : mapping of str to str
        Variables beyond Powertools' own.
    memory_mb : int
        128 to 10,240; one vCPU comes with 1,769 MB.
    timeout_s : int
        1 to 900.
    scratch_mb : int
        Disk under ``/tmp``, 512 to 10,240.
    pandas : bool
        Whether the AWS SDK for pandas layer is attached.
    reserved_concurrency : int, optional
        At most this many at once. With `compliance: strict` ten, if nothing is said.
    network : Placement, optional
        Where it runs; by default where everything of its stack does.
    """

    def __init__(  # noqa: PLR0913 - every argument is one property of a function
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        pipeline: Pipeline,
        key: kms.IKey,
        environment: Mapping[str, str],
        memory_mb: int = 256,
        timeout_s: int = 60,
        scratch_mb: int = 512,
        pandas: bool = False,
        reserved_concurrency: int | None = None,
        network: Placement | None = None,
    ) -> None:
        stack = PipelineStack.of_pipeline(scope)
        log_group = PipelineLogs(scope, f"{id}Logs", key=key)
        role = iam.Role(scope, f"{id}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(role)
        super().__init__(
            scope,
            id,
            description=f"Headrace {pipeline.name}: {name.replace('_', ' ')}",
            runtime=RUNTIME,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"lambdas.{name}.handler.handler",
            code=stack.lambda_code(),
            role=role,
            log_group=log_group,
            layers=[stack.powertools, *([stack.pandas] if pandas else [])],
            environment={
                "POWERTOOLS_SERVICE_NAME": name,
                "POWERTOOLS_METRICS_NAMESPACE": "Headrace",
                **environment,
            },
            environment_encryption=key,
            memory_size=memory_mb,
            timeout=Duration.seconds(timeout_s),
            ephemeral_storage_size=Size.mebibytes(scratch_mb),
            reserved_concurrent_executions=reserved_concurrency or (_RESERVED if stack.strict else None),
            tracing=lambda_.Tracing.ACTIVE if stack.strict else lambda_.Tracing.DISABLED,
        )
        key.grant_decrypt(role)
        if placement := network or stack.network:
            place_function(self, placement)
        self._harden(stack, role, key)

    def _harden(self, stack: PipelineStack, role: iam.Role, key: kms.IKey) -> None:
        """Keep asynchronous calls that have failed, where the pipeline is strict, and say what traces need."""
        if (queue := stack.undelivered) is None:
            return
        resource = self.node.default_child
        assert isinstance(resource, lambda_.CfnFunction)
        # The L2's grant would allow every use of the key.
        resource.dead_letter_config = lambda_.CfnFunction.DeadLetterConfigProperty(target_arn=queue.queue_arn)
        allow(role, ["sqs:SendMessage"], [queue.queue_arn])
        allow(role, ["kms:GenerateDataKey"], [key.key_arn])
        acknowledge_wildcards(role, "X-Ray has no resources.")

    @property
    def resource_arns_for_grant_invoke(self) -> list[str]:
        """What whoever calls the function is allowed: the function, without the versions that the CDK adds and nobody has."""
        return [self.function_arn]
