"""Empties buckets before CloudFormation deletes them."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import CustomResource
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.narrow_grants import acknowledge_wildcards
from infra.pipeline_function import PipelineFunction


class EmptyOnDelete(Construct):
    """Custom resource whose deletion deletes every version of every object of `buckets`, if the pipeline's data goes with the stack.

    It depends on the buckets, so that it is deleted before them. Whatever writes to them must depend on it. Where data is kept it is there as
    well, and does nothing: CloudFormation deletes what is no longer in a template, so that whoever sets `on_destroy: retain` would lose it all.

    Parameters
    ----------
    buckets : sequence of IBucket
        What is emptied.
    close : sequence of IBucket
        Those of them that AWS itself writes to, such as access logs hours later: they lose the policy that lets it.

    Attributes
    ----------
    function : PipelineFunction
        Does it.
    resource : CustomResource
        Whose deletion it is.
    deletes : bool
        Whether the data goes with the stack.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        pipeline: Pipeline,
        key: kms.IKey,
        buckets: Sequence[s3.IBucket],
        close: Sequence[s3.IBucket],
    ) -> None:
        super().__init__(scope, id)
        self.function = PipelineFunction(
            self, "Function", name="empty_buckets", pipeline=pipeline, key=key, environment={}, timeout_s=900
        )
        self.deletes = deletes = pipeline.on_destroy == "delete"
        if deletes:
            self._grant(buckets, close)
        self.resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::EmptyBuckets",
            service_token=self.function.function_arn,
            properties={
                "BucketNames": [bucket.bucket_name for bucket in buckets if deletes],
                "CloseBuckets": [bucket.bucket_name for bucket in close if deletes],
            },
        )
        self.resource.node.add_dependency(*buckets)

    def _grant(self, buckets: Sequence[s3.IBucket], close: Sequence[s3.IBucket]) -> None:
        function = self.function
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["s3:ListBucketVersions"], resources=[bucket.bucket_arn for bucket in buckets]
            )
        )
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["s3:DeleteObject", "s3:DeleteObjectVersion"],
                resources=[bucket.arn_for_objects("*") for bucket in buckets],
            )
        )
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["s3:DeleteBucketPolicy"], resources=[bucket.bucket_arn for bucket in close]
            )
        )
        acknowledge_wildcards(function.role, "All objects of these buckets are what it is there to delete.")
