"""Chooses the container image that the pipeline file asks for."""

from __future__ import annotations

from typing import Protocol

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from headrace.config.images import HEADRACE, MANAGED
from headrace.config.pipeline import Pipeline
from infra.image import ModelImage
from infra.own_image import OwnImage


class Image(Protocol):
    """What the stacks need of an image."""

    @property
    def uri(self) -> str:
        """Of the image that evaluates and serves, in its repository."""
        ...

    @property
    def training_uri(self) -> str:
        """Of the image that trains: with the frameworks that are needed to learn, and not to answer."""
        ...

    @property
    def code_version(self) -> str:
        """Hash of our code in it, or beside it."""
        ...

    @property
    def sbom_sha256(self) -> str:
        """SHA-256 of the bill of materials of the image that trains; empty if nobody here knows what is in it."""
        ...

    @property
    def hyperparameters(self) -> dict[str, str]:
        """What a training job passes to the image itself."""
        ...

    @property
    def environment(self) -> dict[str, str]:
        """What a container that serves is given."""
        ...

    @property
    def evaluation(self) -> dict[str, list[str]]:
        """What an evaluation job runs, as in a processing job's AppSpecification."""
        ...

    @property
    def evaluation_inputs(self) -> dict[str, str]:
        """S3 URIs of what an evaluation job reads beside the models and the data, by name."""
        ...

    @property
    def network_isolation(self) -> bool:
        """Whether its containers can do without a network."""
        ...

    def grant_pull(self, role: iam.IRole) -> None:
        """Allow `role` to run containers of this image."""
        ...

    def grant_look(self, role: iam.IRole | None) -> None:
        """Allow `role` to ask for the digest of this image."""
        ...


def model_image(scope: Construct, id: str, *, pipeline: Pipeline, key: kms.IKey) -> Image:
    """Return the image of `pipeline`: built in the account, AWS's own with our code beside it, or the user's."""
    if pipeline.image == MANAGED:
        # Imported only when asked for: SageMaker's SDK takes seconds to load.
        from infra.managed_image import ManagedImage  # noqa: PLC0415

        return ManagedImage(scope, id, pipeline=pipeline)
    if pipeline.image != HEADRACE:
        return OwnImage(scope, id, pipeline=pipeline)
    return ModelImage(scope, id, pipeline=pipeline, key=key)
