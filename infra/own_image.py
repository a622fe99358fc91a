"""A container image of the user's own, with the entry points of ours."""

from __future__ import annotations

import hashlib

from aws_cdk import Stack, Token
from aws_cdk import aws_iam as iam
from constructs import Construct

from headrace.config.images import ecr_image
from headrace.config.pipeline import Pipeline
from infra.image_containers import SelfContainedImage, grant_pull_from
from infra.sagemaker_task import allow


class OwnImage(SelfContainedImage):
    """An image in Amazon ECR that somebody else builds; nothing is built here.

    Attributes
    ----------
    uri, training_uri : str
        Of the image, which trains, evaluates and serves.
    code_version : str
        Hash of the URI: what lies behind a tag is not known here.

    Raises
    ------
    ValueError
        If the image lies in another region than the stack; SageMaker pulls from its own only.
    """

    def __init__(self, scope: Construct, id: str, *, pipeline: Pipeline) -> None:
        super().__init__(scope, id)
        stack, place = Stack.of(self), ecr_image(pipeline.image)
        if place is None:
            raise ValueError(f"{pipeline.image!r} is no URI of Amazon ECR")
        if not Token.is_unresolved(stack.region) and stack.region != place.region:
            raise ValueError(
                f"`image` of pipelines/{pipeline.name}.yaml lies in {place.region}, and is deployed to {stack.region}: "
                "SageMaker pulls images of its own region only; push it there as well"
            )
        self.uri = self.training_uri = pipeline.image
        self.code_version = hashlib.sha256(self.uri.encode()).hexdigest()[:16]
        self._repository_arn = (
            f"arn:{stack.partition}:ecr:{place.region}:{place.account}:repository/{place.repository}"
        )

    def grant_pull(self, role: iam.IRole) -> None:
        """Allow `role` to run containers of this image, and of no other."""
        grant_pull_from(role, self._repository_arn)

    def grant_look(self, role: iam.IRole | None) -> None:
        """Allow `role` to ask for the digest of this image."""
        allow(role, ["ecr:BatchGetImage"], [self._repository_arn])
