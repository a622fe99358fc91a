"""Stricter rules on the bucket that S3 delivers access logs to.

References
----------
.. [1] Amazon S3 user guide, "Object Lock considerations": a bucket with Object Lock cannot be the destination of access logs.
.. [2] Amazon S3 user guide, "Enabling Amazon S3 server access logging": neither can one whose default encryption is by KMS.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from security.checks.deployed import Deployed, Resource, listed
from security.checks.stricter.answer import in_place_of

_BUCKET = "AWS::S3::Bucket"
_DELIVERY = {"Service": "logging.s3.amazonaws.com"}
_YEAR_DAYS = 365
_CLOSED = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


@in_place_of(
    "CT.S3.PR.2",
    because="A bucket that logs into itself writes a log of each log. AwsSolutions-S1 leaves out the bucket of the logs; the control, "
    "which sees one bucket at a time, does not.",
)
def logs_are_delivered_by_s3_alone(deployed: Deployed, bucket: Resource) -> Iterator[str]:
    """Be where all other buckets log to, written by S3 alone for this account, and keep logs for a year."""
    others = [one for one in deployed.of_type(_BUCKET) if one.name != bucket.name]
    logging = [one for one in others if _log_target(one) == bucket.name]
    if not logging:
        yield "no bucket logs to it"
        return
    yield from (f"{one.path} does not log to it" for one in others if one not in logging)
    for statement in _allowed(deployed, bucket):
        if statement["Principal"] != _DELIVERY or statement["Action"] != "s3:PutObject":
            yield f"its policy allows {statement['Action']} to {statement['Principal']}"
        elif "aws:sourceaccount" not in _keys(statement):
            yield "S3 may write to it on behalf of any account"
    yield from _granted(deployed, bucket, "s3:PutObject")
    rules = bucket.properties.get("LifecycleConfiguration", {}).get("Rules", [])
    if any(rule.get("ExpirationInDays", _YEAR_DAYS) < _YEAR_DAYS for rule in rules):
        yield "logs are deleted within a year"


@in_place_of(
    "CT.S3.PR.9",
    "S3BucketDefaultLockEnabled",
    because="S3 delivers access logs to no bucket with Object Lock.",
)
def logs_are_deleted_by_nobody(deployed: Deployed, bucket: Resource) -> Iterator[str]:
    """Be the bucket of the access logs, with versions that no role of the pipeline may delete."""
    yield from logs_are_delivered_by_s3_alone(deployed, bucket)
    if bucket.properties.get("VersioningConfiguration", {}).get("Status") != "Enabled":
        yield "it has no versions"
    yield from _granted(
        deployed, bucket, "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:DeleteBucketPolicy"
    )


@in_place_of(
    "CT.S3.PR.10",
    "S3DefaultEncryptionKMS",
    because="S3 delivers access logs to no bucket whose default encryption is by KMS.",
)
def logs_are_read_by_no_role(deployed: Deployed, bucket: Resource) -> Iterator[str]:
    """Be the bucket of the access logs, encrypted by S3, closed to the public, and read by no role of the pipeline."""
    yield from logs_are_delivered_by_s3_alone(deployed, bucket)
    rules = bucket.properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
    if [rule.get("ServerSideEncryptionByDefault", {}).get("SSEAlgorithm") for rule in rules] != ["AES256"]:
        yield "S3 does not encrypt it"
    closed = bucket.properties.get("PublicAccessBlockConfiguration", {})
    if not all(closed.get(name) is True for name in _CLOSED):
        yield "it is not closed to the public"
    yield from _granted(deployed, bucket, "s3:GetObject", "s3:GetObjectVersion")


def _log_target(bucket: Resource) -> str:
    return str(bucket.properties.get("LoggingConfiguration", {}).get("DestinationBucketName"))


def _allowed(deployed: Deployed, bucket: Resource) -> Iterator[Mapping[str, Any]]:
    for policy in deployed.of_type("AWS::S3::BucketPolicy"):
        if policy.properties["Bucket"] == bucket.name:
            for statement in listed(policy.properties["PolicyDocument"]["Statement"]):
                if statement["Effect"] == "Allow":
                    yield statement


def _keys(statement: Mapping[str, Any]) -> set[str]:
    return {key.lower() for block in statement.get("Condition", {}).values() for key in block}


def _granted(deployed: Deployed, bucket: Resource, *actions: str) -> Iterator[str]:
    """Yield which policies of roles allow one of `actions` on the bucket or an object in it."""
    places = (arn := deployed.arn(bucket), f"{arn}/log")
    for grant in deployed.grants:
        if grant.statement["Effect"] != "Allow":
            continue
        for action in actions:
            does = any(fnmatchcase(action.lower(), allowed.lower()) for allowed in grant.actions)
            there = any(fnmatchcase(place, allowed) for place in places for allowed in grant.resources)
            if does and there:
                yield f"{grant.path} allows {action}"
