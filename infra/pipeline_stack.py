"""What every stack of a pipeline has in common."""

from __future__ import annotations

from functools import cached_property

from aws_cdk import RemovalPolicy, Stack, Tags
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.code_bundle import lambda_bundle
from infra.dead_letters import DeadLetters
from infra.hardening import Hardening
from infra.layers import pandas_layer, powertools_layer
from infra.permissions_boundary import apply_permissions_boundary
from infra.pipeline_tags import pipeline_tags
from infra.placement import Placement


class PipelineStack(Stack):
    """A stack of one pipeline, named and tagged after it.

    Its functions share one code asset and one reference to each public layer.

    Attributes
    ----------
    hardening : Hardening
        What the switches of the pipeline file have made for all stacks.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        pipeline: Pipeline,
        description: str,
        hardening: Hardening | None = None,
    ) -> None:
        super().__init__(scope, id, description=f"Headrace {pipeline.name}: {description}")
        self.pipeline = pipeline
        for key, value in pipeline_tags(pipeline).items():
            Tags.of(self).add(key, value)
        self.hardening = hardening or Hardening()
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

    @property
    def network(self) -> Placement | None:
        """Where its functions, jobs and models run; None if that is no network of the account's."""
        return self.hardening.network

    @property
    def strict(self) -> bool:
        """Whether it has what compliance packs ask and what costs money or quota."""
        return self.pipeline.compliance == "strict"

    @cached_property
    def undelivered(self) -> sqs.IQueue | None:
        """Where events and calls end that its rules and functions could not deal with; None if it is not strict."""
        key = self.hardening.key
        return DeadLetters(self, "Undelivered", key=key).queue if key else None

    @property
    def undelivered_if_any(self) -> sqs.IQueue | None:
        """The same, if anything has been told to use it."""
        return self.undelivered if self.node.try_find_child("Undelivered") else None

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
