"""Events of objects that somebody has put into a bucket."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_events as events
from aws_cdk import aws_s3 as s3


def dropped(bucket: s3.IBucket, *keys: str | Mapping[str, str]) -> events.EventPattern:
    """Return the events of objects in `bucket` whose key is one of `keys`, each a key or a filter of EventBridge's."""
    return events.EventPattern(
        source=["aws.s3"],
        detail_type=["Object Created"],
        detail={"bucket": {"name": [bucket.bucket_name]}, "object": {"key": list(keys)}},
    )
