"""The container images of training, evaluation and serving, built in the account while the stack is deployed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import Acknowledgment, CustomResource, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from headrace.config.estimators import NETWORKS
from headrace.config.extras import training_extras
from headrace.config.pipeline import Pipeline
from infra.bill_of_materials import image_bom, sha256_of_bill
from infra.code_bundle import image_bundle
from infra.image_containers import SelfContainedImage, acknowledge_pulling
from infra.narrow_grants import acknowledge_wildcards
from infra.pipeline_function import PipelineFunction
from infra.pipeline_logs import PipelineLogs
from infra.sagemaker_task import allow

_BUILD_LIMIT = Duration.minutes(14)
"""The function that waits for a build lives for 15 minutes, which is Lambda's limit; CodeBuild itself would take 36 hours."""

_HEAVY = frozenset(NETWORKS)  # each has an extra of its name
_WITH_EXTRAS = "-training"


class ModelImage(SelfContainedImage):
    """Repository, build project, and the custom resource that has the project build the image.

    The tag is the hash of everything that the image is made from: an unchanged image is never built again. A pipeline whose
    estimator needs a framework to learn has a second image with it, for training; what answers never needs one.

    Attributes
    ----------
    uri : str
        Of the image that evaluates and serves.
    training_uri : str
        Of the image that trains. Whatever uses it waits for the build of both.
    code_version : str
        Hash of the code in it.
    sbom_sha256 : str
        Of the bill of materials of the image that trains.
    repository : IRepository
        Where it is kept.
    """

    def __init__(self, scope: Construct, id: str, *, pipeline: Pipeline, key: kms.IKey) -> None:
        super().__init__(scope, id)
        self._extras = training_extras(pipeline)
        source = s3_assets.Asset(self, "Source", path=str(image_bundle(self._extras)))
        self.code_version = source.asset_hash[:16]
        self.sbom_sha256 = sha256_of_bill(image_bom(self._extras))
        self.repository = ecr.Repository(
            self,
            "Repository",
            image_scan_on_push=True,
            # Every image that was ever finished has a tag; models of long ago still name theirs.
            lifecycle_rules=[
                ecr.LifecycleRule(tag_status=ecr.TagStatus.UNTAGGED, max_image_age=Duration.days(1))
            ],
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
                "ImageTag": self._training_tag,
            },
        )
        # The function starts the build, so the project's role must be complete by then.
        image.node.add_dependency(project)
        self.training_uri = image.get_att_string("ImageUri")
        lean = f"{self.repository.repository_uri}:{self.code_version}"
        self.uri = lean if self._extras else self.training_uri

    @property
    def _training_tag(self) -> str:
        """Tag of the image that is pushed last, and so tells that all have been built."""
        return f"{self.code_version}{_WITH_EXTRAS}" if self._extras else self.code_version

    def grant_pull(self, role: iam.IRole) -> None:
        """Allow `role` to run containers of this image."""
        self.repository.grant_pull(role)
        acknowledge_pulling(role)

    def grant_look(self, role: iam.IRole | None) -> None:
        """Allow `role` to ask for the digest of this image."""
        allow(role, ["ecr:BatchGetImage"], [self.repository.repository_arn])

    def _project(self, source: s3_assets.Asset, key: kms.IKey) -> codebuild.Project:
        log_group = PipelineLogs(self, "BuildLogs", key=key)
        role = self._build_role(source, key, log_group)
        project = codebuild.Project(
            self,
            "Build",
            role=role.without_policy_updates(),
            description="Builds the SageMaker image of a Headrace pipeline",
            source=codebuild.Source.s3(bucket=source.bucket, path=source.s3_object_key),
            build_spec=codebuild.BuildSpec.from_object(build_spec(self._extras)),
            environment=codebuild.BuildEnvironment(
                build_image=codebuild.LinuxBuildImage.STANDARD_7_0,
                compute_type=_compute_type(self._extras),
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
        reason = "The Docker daemon, which builds the image, needs it. It sees code and no data."
        Validations.of(project).acknowledge(Acknowledgment(id="CT.CODEBUILD.PR.4", reason=reason))
        project.node.add_dependency(role)
        return project

    def _build_role(self, source: s3_assets.Asset, key: kms.IKey, log_group: logs.ILogGroup) -> iam.Role:
        """Return a role that reads this source, writes this log and pushes to this repository.

        A project's own grants allow it a log group that it does not use, and the whole bucket that the CDK uploads to.

        References
        ----------
        .. [1] CodeBuild user guide, "Allow CodeBuild to interact with other AWS services": a source in S3; "Encrypt build outputs
           using a customer managed key".
        """
        account = iam.ServicePrincipal(
            "codebuild.amazonaws.com",
            conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
        )
        role = iam.Role(self, "BuildRole", assumed_by=account)
        log_group.grant_write(role)
        self.repository.grant_pull_push(role)
        objects = source.bucket.arn_for_objects(source.s3_object_key)
        allow(role, ["s3:GetObject", "s3:GetObjectVersion"], [objects])
        allow(role, ["s3:GetBucketAcl", "s3:GetBucketLocation"], [source.bucket.bucket_arn])
        allow(role, ["kms:Decrypt", "kms:GenerateDataKey"], [key.key_arn])
        acknowledge_wildcards(role, "ecr:GetAuthorizationToken has no resource.")
        return role


def _compute_type(extras: Sequence[str]) -> codebuild.ComputeType:
    """Return a machine that is done within the limit: gigabytes are fetched, unpacked, compressed and pushed for a network."""
    if _HEAVY.intersection(extras):
        return codebuild.ComputeType.LARGE
    return codebuild.ComputeType.MEDIUM if extras else codebuild.ComputeType.SMALL


def build_spec(extras: Sequence[str]) -> dict[str, Any]:
    """Return how CodeBuild makes the image, and a second one with `extras` if there are any.

    Tags cannot be overwritten, so an image that an interrupted build has pushed already is left as it is.
    """
    images = {"$REPOSITORY_URI:$IMAGE_TAG": ""}
    if extras:
        images[f"$REPOSITORY_URI:${{IMAGE_TAG}}{_WITH_EXTRAS}"] = f"--build-arg EXTRAS={','.join(extras)} "
    login = "aws ecr get-login-password | docker login --username AWS --password-stdin ${REPOSITORY_URI%%/*}"
    pushed = [
        f'docker manifest inspect "{image}" > /dev/null 2>&1 || docker push "{image}"'
        if extras
        else f'docker push "{image}"'
        for image in images
    ]
    return {
        "version": "0.2",
        "phases": {
            "pre_build": {"commands": [login]},
            "build": {
                "commands": [f'docker build {given}--tag "{image}" .' for image, given in images.items()]
            },
            # post_build runs after a failed build too, and must not hide it.
            "post_build": {"commands": ['test "$CODEBUILD_BUILD_SUCCEEDING" = 1', *pushed]},
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
