"""Buckets: encrypted, private, versioned, logged, and announced to EventBridge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from headrace.config.retention import Retention

_OLD_VERSIONS = Duration.days(90)
_HIDDEN = Duration.days(1)
_ABANDONED_UPLOADS = Duration.days(7)


_NO_REPLICA = "A copy in another Region is for the owner of the data to decide: it leaves the Region, and must be erased as well."


class AccessLogs(s3.Bucket):
    """Who asked for which object: the server access logs of the other buckets, for a year.

    Parameters
    ----------
    announce : bool
        Whether EventBridge is told of new logs.

    References
    ----------
    .. [1] Amazon S3 user guide, "Logging requests with server access logging": a bucket that logs go to has no default encryption with
       KMS; "Object Lock considerations": it has no Object Lock.
    """

    def __init__(
        self, scope: Construct, id: str, *, removal_policy: RemovalPolicy, announce: bool = False
    ) -> None:
        super().__init__(
            scope,
            id,
            # S3's log delivery cannot write to a bucket with a customer-managed key.
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=Duration.days(365),
                    noncurrent_version_expiration=_HIDDEN,
                    abort_incomplete_multipart_upload_after=_ABANDONED_UPLOADS,
                )
            ],
            removal_policy=removal_policy,
        )
        if announce:
            _announce(self)
        _acknowledge(self, {"S3BucketReplicationEnabled": _NO_REPLICA})


class DataBucket(s3.Bucket):
    """A bucket for the pipeline's files, encrypted with its key and with no other.

    Parameters
    ----------
    announce : bool
        Whether EventBridge is told of new objects.
    forget : mapping of str to Duration, optional
        By prefix: after what time it is deleted.
    lock : Retention, optional
        How long no version can be deleted (S3 Object Lock). S3 takes objects that are locked from the start only with a checksum,
        which our functions send and which is not documented of SageMaker: no job writes to such a bucket.
    lockable : bool
        Whether single versions can be locked, or put on legal hold, by whoever may do so. None is from the start.
    """

    def __init__(  # noqa: PLR0913 - every argument is one property of a bucket
        self,
        scope: Construct,
        id: str,
        *,
        key: kms.IKey,
        access_logs: s3.IBucket,
        removal_policy: RemovalPolicy,
        announce: bool = False,
        forget: Mapping[str, Duration] | None = None,
        lock: Retention | None = None,
        lockable: bool = False,
        hold: bool = False,
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
                    noncurrent_version_expiration=None if hold else _OLD_VERSIONS,
                    abort_incomplete_multipart_upload_after=_ABANDONED_UPLOADS,
                ),
                *(_forgetting(prefix, after) for prefix, after in (forget or {}).items()),
            ],
            **_locked(lock),
            removal_policy=removal_policy,
        )
        if lockable:
            _allow_locks(self)
        if announce:
            _announce(self)
        self._refuse_other_encryption(key)
        _acknowledge(self, {"S3BucketReplicationEnabled": _NO_REPLICA})

    def _refuse_other_encryption(self, key: kms.IKey) -> None:
        """Refuse whoever asks for another encryption; who asks for none gets the bucket's own."""
        for sid, header, value in (
            ("KmsOnly", "s3:x-amz-server-side-encryption", "aws:kms"),
            ("OwnKeyOnly", "s3:x-amz-server-side-encryption-aws-kms-key-id", key.key_arn),
        ):
            self.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=sid,
                    effect=iam.Effect.DENY,
                    principals=[iam.AnyPrincipal()],
                    actions=["s3:PutObject"],
                    resources=[self.arn_for_objects("*")],
                    conditions={"StringNotEquals": {header: value}, "Null": {header: "false"}},
                )
            )


class RecordsBucket(DataBucket):
    """A bucket for records that have to be shown later: none can be deleted while the pipeline file locks it.

    Without ``retention.object_lock_days`` it is a bucket with versions like any other.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        key: kms.IKey,
        access_logs: s3.IBucket,
        retention: Retention,
        removal_policy: RemovalPolicy,
        announce: bool = False,
    ) -> None:
        super().__init__(
            scope,
            id,
            key=key,
            access_logs=access_logs,
            removal_policy=removal_policy,
            announce=announce,
            lock=retention,
        )


def _acknowledge(bucket: s3.Bucket, reasons: Mapping[str, str]) -> None:
    for rule, reason in reasons.items():
        Validations.of(bucket).acknowledge(Acknowledgment(id=rule, reason=reason))


def _announce(bucket: s3.Bucket) -> None:
    """Have EventBridge told of new objects: the L2's event_bridge_enabled would bring a function with a wide role."""
    _resource(bucket).add_property_override(
        "NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", True
    )


def _allow_locks(bucket: s3.Bucket) -> None:
    """Turn Object Lock on and lock nothing: the L2 says so in one of the two places that rules look at."""
    resource = _resource(bucket)
    resource.object_lock_enabled = True
    resource.object_lock_configuration = s3.CfnBucket.ObjectLockConfigurationProperty(
        object_lock_enabled="Enabled"
    )


def _resource(bucket: s3.Bucket) -> s3.CfnBucket:
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)
    return resource


def _locked(lock: Retention | None) -> dict[str, Any]:
    if lock is None or lock.object_lock_days is None:
        return {}
    days = Duration.days(lock.object_lock_days)
    kinds = s3.ObjectLockRetention
    kept = kinds.compliance(days) if lock.mode == "compliance" else kinds.governance(days)
    return {"object_lock_enabled": True, "object_lock_default_retention": kept}


def _forgetting(prefix: str, after: Duration) -> s3.LifecycleRule:
    # Expiration only hides an object in a bucket with versions: what is hidden has to go as well.
    return s3.LifecycleRule(
        prefix=prefix,
        expiration=after,
        noncurrent_version_expiration=_HIDDEN,
        id=f"Forget{prefix.title()[:-1]}",
    )
