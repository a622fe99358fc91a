"""A Spark job on AWS Glue, with its role, its logs and its encryption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from headrace.config.large_data import LargeData
from infra.code_bundle import REPO
from infra.narrow_grants import acknowledge_wildcards
from infra.pipeline_logs import PipelineLogs
from infra.sagemaker_task import allow

_GLUE_VERSION = "5.0"  # Spark 3.5, Python 3.11


class SparkCode(Construct):
    """What all jobs of a stack import: one asset.

    Parameters
    ----------
    folder : str
        With packages at its root.
    """

    def __init__(self, scope: Construct, id: str, *, folder: str) -> None:
        super().__init__(scope, id)
        self.asset = assets.Asset(self, "PyFiles", path=folder)


class SparkSecurity(Construct):
    """How Glue encrypts what jobs write and log: with the pipeline's key.

    Attributes
    ----------
    configuration : CfnSecurityConfiguration
        To be named by jobs.
    """

    def __init__(self, scope: Construct, id: str, *, name: str, key: kms.IKey) -> None:
        super().__init__(scope, id)
        kinds = glue.CfnSecurityConfiguration
        self.configuration = kinds(
            self,
            "Configuration",
            name=name,
            encryption_configuration=kinds.EncryptionConfigurationProperty(
                cloud_watch_encryption=kinds.CloudWatchEncryptionProperty(
                    cloud_watch_encryption_mode="SSE-KMS", kms_key_arn=key.key_arn
                ),
                job_bookmarks_encryption=kinds.JobBookmarksEncryptionProperty(
                    job_bookmarks_encryption_mode="CSE-KMS", kms_key_arn=key.key_arn
                ),
                s3_encryptions=[
                    kinds.S3EncryptionProperty(s3_encryption_mode="SSE-KMS", kms_key_arn=key.key_arn)
                ],
            ),
        )


class GlueJob(Construct):
    """The script ``glue_jobs/<name>/main.py`` as a job of Glue.

    Attributes
    ----------
    role : Role
        Grants go on the lines after the job is created.
    job_name : str
        As CloudFormation has named it.
    arn : str
        For those who start it.
    """

    def __init__(  # noqa: PLR0913 - every argument is one property of a job
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        log_prefix: str,
        key: kms.IKey,
        large_data: LargeData,
        code: SparkCode,
        security: SparkSecurity,
    ) -> None:
        super().__init__(scope, id)
        script = assets.Asset(self, "Script", path=str(REPO / "glue_jobs" / name / "main.py"))
        self.role = self._role(key, [script, code.asset], log_prefix)
        job = glue.CfnJob(
            self,
            "Job",
            role=self.role.role_arn,
            command=glue.CfnJob.JobCommandProperty(
                name="glueetl", python_version="3", script_location=script.s3_object_url
            ),
            glue_version=_GLUE_VERSION,
            worker_type=large_data.worker,
            number_of_workers=large_data.workers,
            timeout=large_data.timeout_minutes,
            max_retries=0,  # the state machine tries again
            execution_property=glue.CfnJob.ExecutionPropertyProperty(max_concurrent_runs=large_data.max_runs),
            security_configuration=security.configuration.ref,
            default_arguments=_arguments(log_prefix, code),
        )
        for output in ("output", "error"):
            job.node.add_dependency(_log_group(self, f"{log_prefix}/{output}", key))
        job.node.add_dependency(self.role)
        self.job_name = job.ref
        self.arn = Stack.of(self).format_arn(service="glue", resource="job", resource_name=job.ref)

    def _role(self, key: kms.IKey, code: Sequence[assets.Asset], log_prefix: str) -> iam.Role:
        stack = Stack.of(self)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "glue.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
        )
        allow(role, ["s3:GetObject"], [asset.bucket.arn_for_objects(asset.s3_object_key) for asset in code])
        allow(role, ["kms:Decrypt", "kms:GenerateDataKey", "kms:Encrypt"], [key.key_arn])
        groups = stack.format_arn(
            service="logs",
            resource="log-group",
            resource_name=f"{log_prefix}/*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        actions = ["CreateLogGroup", "CreateLogStream", "PutLogEvents", "AssociateKmsKey"]
        allow(role, [f"logs:{action}" for action in actions], [groups])
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],  # the action has no resources; the namespace is its scope
                conditions={"StringEquals": {"cloudwatch:namespace": "Glue"}},
            )
        )
        # Glue reads the job's security configuration in the name of the role; the action has no resources.
        allow(role, ["glue:GetSecurityConfiguration"], ["*"])
        acknowledge_wildcards(
            role, "Objects and log streams are many and named at run time: the prefix is the scope."
        )
        return role


def _arguments(log_prefix: str, code: SparkCode) -> Mapping[str, str]:
    return {
        "--extra-py-files": code.asset.s3_object_url,
        "--custom-logGroup-prefix": log_prefix,
        "--enable-metrics": "true",
        "--job-bookmark-option": "job-bookmark-disable",  # the ledger knows which files were taken
    }


def _log_group(scope: Construct, name: str, key: kms.IKey) -> PipelineLogs:
    """Make the group under the name that Glue will look for, so that it is encrypted, forgets, and goes with the stack."""
    return PipelineLogs(scope, f"Log{name.rpartition('/')[2].capitalize()}", key=key, name=name)
