"""A container image of the user's own, with the entry points of ours."""

from __future__ import annotations

import hashlib
from typing import ClassVar

from aws_cdk import Stack, Token
from aws_cdk import aws_iam as iam
from constructs import Construct

from headrace.config.images import ecr_image
from headrace.config.pipeline import Pipeline
from infra.narrow_grants import acknowledge_wildcards
from infra.sagemaker_task import allow

_PULL = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]


class OwnImage(Construct):
    """An image in Amazon ECR that somebody else builds; nothing is built here.

    Attributes
    ----------
    uri, training_uri : str
        Of the image, which trains, evaluates and serves.
    code_version : str
        Hash of the URI: what lies behind a tag is not known here.
    hyperparameters, environment, evaluation_inputs : dict of str to str
        What the image itself needs beside a job's own: nothing.
    evaluation : dict
        What an evaluation job runs, as in a processing job's AppSpecification.
    network_isolation : bool
        Its containers do without a network: everything they need is in the image.

    Raises
    ------
    ValueError
        If the image lies in another region than the stack; SageMaker pulls from its own only.
    """

    hyperparameters: ClassVar[dict[str, str]] = {}
    environment: ClassVar[dict[str, str]] = {}
    evaluation: ClassVar[dict[str, list[str]]] = {"ContainerArguments": ["job", "evaluate_model"]}
    evaluation_inputs: ClassVar[dict[str, str]] = {}
    network_isolation: ClassVar[bool] = True

    def __init__(self, scope: Construct, id: str, *, pipeline: Pipeline) -> None:
        super().__init__(scope, id)
        place, region = ecr_image(pipeline.image), Stack.of(self).region
        if place is None:
            raise ValueError(f"{pipeline.image!r} is no URI of Amazon ECR")
        if not Token.is_unresolved(region) and region != place.region:
            raise ValueError(
                f"`image` of pipelines/{pipeline.name}.yaml lies in {place.region}, and is deployed to {region}: "
                "SageMaker pulls images of its own region only; push it there as well"
            )
        self.uri = self.training_uri = pipeline.image
        self.code_version = hashlib.sha256(self.uri.encode()).hexdigest()[:16]
        self._repository = f"ecr:{place.region}:{place.account}:repository/{place.repository}"

    def grant_pull(self, role: iam.IRole) -> None:
        """Allow `role` to run containers of this image, and of no other."""
        allow(role, _PULL, [f"arn:{Stack.of(role).partition}:{self._repository}"])
        allow(role, ["ecr:GetAuthorizationToken"], ["*"])
        acknowledge_wildcards(
            role,
            "ecr:GetAuthorizationToken has no resource; job outputs and log streams are named at run time.",
        )

    def grant_look(self, role: iam.IRole | None) -> None:
        """Allow `role` to ask for the digest of this image."""
        if role is not None:
            allow(role, ["ecr:BatchGetImage"], [f"arn:{Stack.of(role).partition}:{self._repository}"])
