"""The container image of training, evaluation and serving, built in the account while the stack is deployed."""

from __future__ import annotations

from typing import ClassVar

from aws_cdk import CustomResource, Duration, RemovalPolicy
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.code_bundle import image_bundle
from infra.narrow_grants import acknowledge_wildcards
from infra.pipeline_function import PipelineFunction

_BUILD_LIMIT = Duration.minutes(12)


class ModelImage(Construct):
    """Repository, build project, and the custom resource that has the project build the image.

    The tag is the hash of everything that the image is made from: an unchanged image is never built again.

    Attributes
    ----------
    uri : str
        Of the built image. Whatever uses it waits for the build.
    code_version : str
        Hash of the code in it.
    repository : IRepository
        Where it is kept.
    hyperparameters, environment, evaluation_inputs : dict of str to str
        What the image itself needs beside a job's own: nothing.
    evaluation : dict
        What an evaluation job runs, as in a processing job's AppSpecification.
    network_isolation : bool
        Its containers do without a network: everything they need is in the image.
    """

    hyperparameters: ClassVar[dict[str, str]] = {}
    environment: ClassVar[dict[str, str]] = {}
    evaluation: ClassVar[dict[str, list[str]]] = {"ContainerArguments": ["job", "evaluate_model"]}
    evaluation_inputs: ClassVar[dict[str, str]] = {}
    network_isolation: ClassVar[bool] = True

    def __init__(self, scope: Construct, id: str, *, pipeline: Pipeline, key: kms.IKey) -> None:
        super().__init__(scope, id)
        source = s3_assets.Asset(self, "Source", path=str(image_bundle()))
        self.code_version = source.asset_hash[:16]
        self.repository = ecr.Repository(
            self,
            "Repository",
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            encryption=ecr.RepositoryEncryption.KMS,
            encryption_key=key,
            empty_on_delete=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        project = self._project(source, key)
        build = _build_function(self, pipeline, key, project, self.repository)
        image = CustomResource(
            self,
            "Image",
            resource_type="Custom::ModelImage",
            service_token=build.function_arn,
            properties={
                "ProjectName": project.project_name,
                "RepositoryName": self.repository.repository_name,
                "RepositoryUri": self.repository.repository_uri,
                "ImageTag": self.code_version,
            },
        )
        # The function starts the build, so the project's role must be complete by then.
        image.node.add_dependency(project)
        self.uri = image.get_att_string("ImageUri")

    def grant_pull(self, role: iam.IRole) -> None:
        """Allow `role` to run containers of this image."""
        self.repository.grant_pull(role)
        acknowledge_wildcards(
            role,
            "ecr:GetAuthorizationToken has no resource; job outputs and log streams are named at run time.",
        )

    def _project(self, source: s3_assets.Asset, key: kms.IKey) -> codebuild.Project:
        log_group = logs.LogGroup(
            self,
            "BuildLogs",
            encryption_key=key,
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        project = codebuild.Project(
            self,
            "Build",
            description="Builds the SageMaker image of a Headrace pipeline",
            source=codebuild.Source.s3(bucket=source.bucket, path=source.s3_object_key),
            build_spec=codebuild.BuildSpec.from_object(_BUILD_SPEC),
            environment=codebuild.BuildEnvironment(
                build_image=codebuild.LinuxBuildImage.STANDARD_7_0,
                compute_type=codebuild.ComputeType.SMALL,
                privileged=True,  # the Docker daemon needs it
            ),
            environment_variables={
                "REPOSITORY_URI": codebuild.BuildEnvironmentVariable(value=self.repository.repository_uri),
                "IMAGE_TAG": codebuild.BuildEnvironmentVariable(value=self.code_version),
            },
            encryption_key=key,
            logging=codebuild.LoggingOptions(
                cloud_watch=codebuild.CloudWatchLoggingOptions(log_group=log_group)
            ),
            timeout=_BUILD_LIMIT,
            queued_timeout=Duration.minutes(5),
            grant_report_group_permissions=False,
        )
        source.grant_read(project)
        self.repository.grant_pull_push(project)
        acknowledge_wildcards(
            project.role,
            "ecr:GetAuthorizationToken has no resource; log streams and the asset's objects are the suffix.",
        )
        return project


_BUILD_SPEC = {
    "version": "0.2",
    "phases": {
        "pre_build": {
            "commands": [
                "aws ecr get-login-password | docker login --username AWS --password-stdin ${REPOSITORY_URI%%/*}"
            ]
        },
        "build": {"commands": ['docker build --tag "$REPOSITORY_URI:$IMAGE_TAG" .']},
        "post_build": {
            # post_build runs after a failed build too, and must not hide it.
            "commands": ['test "$CODEBUILD_BUILD_SUCCEEDING" = 1', 'docker push "$REPOSITORY_URI:$IMAGE_TAG"']
        },
    },
}


def _build_function(
    scope: Construct,
    pipeline: Pipeline,
    key: kms.IKey,
    project: codebuild.IProject,
    repository: ecr.IRepository,
) -> PipelineFunction:
    function = PipelineFunction(
        scope, "BuildImage", name="build_image", pipeline=pipeline, key=key, environment={}, timeout_s=900
    )
    function.add_to_role_policy(
        iam.PolicyStatement(
            actions=["codebuild:StartBuild", "codebuild:BatchGetBuilds"], resources=[project.project_arn]
        )
    )
    function.add_to_role_policy(
        iam.PolicyStatement(actions=["ecr:DescribeImages"], resources=[repository.repository_arn])
    )
    return function
