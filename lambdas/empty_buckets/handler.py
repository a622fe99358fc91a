"""Delete every version of every object in the buckets of a stack that is being deleted."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.exceptions import ClientError

from headrace.aws.custom_resource import Context, answer
from headrace.ml.privacy.redaction import redact_errors


def empty_buckets(event: dict[str, Any], s3: Any) -> dict[str, str]:
    """Empty the buckets on deletion; do nothing on creation and update. A bucket that is gone is empty."""
    if event["RequestType"] != "Delete":
        return {}
    asked = event["ResourceProperties"]
    for name in asked.get("CloseBuckets", []):
        close_bucket(s3, name)
    deleted = sum(empty_bucket(s3, name) for name in asked["BucketNames"])
    return {"Deleted": str(deleted)}


def close_bucket(s3: Any, bucket: str) -> None:
    """Take away what allows AWS's services to write: a log delivered late would keep the bucket from being deleted."""
    try:
        s3.delete_bucket_policy(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise


def empty_bucket(s3: Any, bucket: str) -> int:
    """Delete all versions and delete markers, a page at a time; return how many there were.

    Raises
    ------
    RuntimeError
        If S3 would not delete some of them.
    """
    deleted = 0
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            objects = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]
            if not objects:
                continue
            reply = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
            if errors := reply.get("Errors"):
                raise RuntimeError(f"{bucket}: {len(errors)} objects remain, the first: {errors[0]['Code']}")
            deleted += len(objects)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise
    return deleted


@redact_errors
def handler(event: dict[str, Any], context: Context) -> None:
    """Lambda entry point: tell CloudFormation how it went."""
    answer(event, context, lambda: empty_buckets(event, boto3.client("s3")))
