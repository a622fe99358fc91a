"""What images have in common: the entry points of our containers, and the right to pull."""

from __future__ import annotations

from typing import ClassVar

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.narrow_grants import acknowledge_wildcards
from infra.sagemaker_task import allow

_PULL = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]


class SelfContainedImage(Construct):
    """An image with our entry points and everything that they need.

    Attributes
    ----------
    hyperparameters, environment, evaluation_inputs : dict of str to str
        What the image itself needs beside a job's own: nothing.
    evaluation : dict
        What an evaluation job runs, as in a processing job's AppSpecification.
    sbom_sha256 : str
        Of the image's bill of materials; empty if nobody here knows what is in it.
    network_isolation : bool
        Its containers do without a network: everything they need is in the image.
    """

    hyperparameters: ClassVar[dict[str, str]] = {}
    environment: ClassVar[dict[str, str]] = {}
    evaluation: ClassVar[dict[str, list[str]]] = {"ContainerArguments": ["job", "evaluate_model"]}
    evaluation_inputs: ClassVar[dict[str, str]] = {}
    network_isolation: ClassVar[bool] = True
    sbom_sha256: str = ""


def grant_pull_from(role: iam.IRole, repository_arn: str) -> None:
    """Allow `role` to run containers of the images in a repository that no construct of ours has made."""
    allow(role, _PULL, [repository_arn])
    allow(role, ["ecr:GetAuthorizationToken"], ["*"])
    acknowledge_pulling(role)


def acknowledge_pulling(role: iam.IRole) -> None:
    """Say why the policy of a role that runs containers has wildcards."""
    acknowledge_wildcards(
        role, "ecr:GetAuthorizationToken has no resource; job outputs and log streams are named at run time."
    )
