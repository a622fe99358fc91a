"""What every stack of a pipeline has in common."""

from __future__ import annotations

from functools import cached_property

from aws_cdk import RemovalPolicy, Stack, Tags
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.code_bundle import lambda_bundle
from infra.layers import file_formats_layer, pandas_layer, powertools_layer
from infra.permissions_boundary import apply_permissions_boundary
from infra.pipeline_tags import pipeline_tags
from infra.placement import Placement


class PipelineStack(Stack):
    """A stack of one pipeline, named and tagged after it.

    Its functions share one code asset and one reference to each public layer.

    Attributes
    ----------
    network : Placement or None
        Where its functions, jobs and models run; None if that is no network of the account's.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        pipeline: Pipeline,
        description: str,
        network: Placement | None = None,
    ) -> None:
        super().__init__(scope, id, description=f"Headrace {pipeline.name}: {description}")
        self.pipeline = pipeline
        for key, value in pipeline_tags(pipeline).items():
            Tags.of(self).add(key, value)
        self.network = network
        apply_permissions_boundary(self)

    @staticmethod
    def of_pipeline(scope: Construct) -> PipelineStack:
        """Return the pipeline stack that `scope` is part of; ``TypeError`` if it is in another kind."""
        stack = Stack.of(scope)
        if not isinstance(stack, PipelineStack):
            raise TypeError(f"{scope.node.path} is not in a PipelineStack")
        return stack

    @property
    def removal_policy(self) -> RemovalPolicy:
        """What happens to this pipeline's data on `cdk destroy`."""
        return RemovalPolicy.DESTROY if self.pipeline.on_destroy == "delete" else RemovalPolicy.RETAIN

    def lambda_code(self) -> lambda_.Code:
        """Code of every function of this pipeline: one asset, staged once."""
        return lambda_.Code.from_asset(str(lambda_bundle(self.pipeline)))

    @cached_property
    def powertools(self) -> lambda_.ILayerVersion:
        """Layer with Powertools and Pydantic."""
        return powertools_layer(self)

    @cached_property
    def pandas(self) -> lambda_.ILayerVersion:
        """Layer with AWS SDK for pandas."""
        return pandas_layer(self)

    @cached_property
    def file_formats(self) -> lambda_.ILayerVersion:
        """Layer with what reading files takes beyond those."""
        return file_formats_layer(self)
