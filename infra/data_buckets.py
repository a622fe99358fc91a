"""Buckets: encrypted, private, versioned, logged, and announced to EventBridge."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

_OLD_VERSIONS = Duration.days(90)
_HIDDEN = Duration.days(1)
_ABANDONED_UPLOADS = Duration.days(7)


class AccessLogs(s3.Bucket):
    """Who asked for which object: the server access logs of the other buckets, for a year."""

    def __init__(self, scope: Construct, id: str, *, removal_policy: RemovalPolicy) -> None:
        super().__init__(
            scope,
            id,
            # S3's log delivery cannot write to a bucket with a customer-managed key.
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(365))],
            removal_policy=removal_policy,
        )
        Validations.of(self).acknowledge(
            Acknowledgment(id="AwsSolutions-S1", reason="The bucket of the access logs does not log itself.")
        )


class DataBucket(s3.Bucket):
    """A bucket for the pipeline's files; what lies below a prefix of `forget` is deleted after that time."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        key: kms.IKey,
        access_logs: s3.IBucket,
        removal_policy: RemovalPolicy,
        announce: bool = False,
        forget: Mapping[str, Duration] | None = None,
    ) -> None:
        super().__init__(
            scope,
            id,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            versioned=True,
            server_access_logs_bucket=access_logs,
            server_access_logs_prefix=f"{id.lower()}/",
            lifecycle_rules=[
                s3.LifecycleRule(
                    noncurrent_version_expiration=_OLD_VERSIONS,
                    abort_incomplete_multipart_upload_after=_ABANDONED_UPLOADS,
                ),
                *(_forgetting(prefix, after) for prefix, after in (forget or {}).items()),
            ],
            removal_policy=removal_policy,
        )
        if announce:
            # The L2's event_bridge_enabled would bring a function with a wide role; the property does it alone.
            bucket = self.node.default_child
            assert isinstance(bucket, s3.CfnBucket)
            bucket.add_property_override(
                "NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", True
            )


def _forgetting(prefix: str, after: Duration) -> s3.LifecycleRule:
    # Expiration only hides an object in a bucket with versions: what is hidden has to go as well.
    return s3.LifecycleRule(
        prefix=prefix,
        expiration=after,
        noncurrent_version_expiration=_HIDDEN,
        id=f"Forget{prefix.title()[:-1]}",
    )
