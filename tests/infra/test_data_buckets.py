"""Buckets of records, and what all buckets refuse."""

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Template

from headrace.config.retention import Retention
from infra.data_buckets import AccessLogs, DataBucket, RecordsBucket

KEEP = cdk.RemovalPolicy.RETAIN


def records(**retention):
    """Return the properties of a bucket of records."""
    stack = cdk.Stack(cdk.App(), "records")
    logs = AccessLogs(stack, "AccessLogs", removal_policy=KEEP)
    RecordsBucket(
        stack,
        "Records",
        key=kms.Key(stack, "Key"),
        access_logs=logs,
        retention=Retention(**retention),
        removal_policy=KEEP,
    )
    buckets = Template.from_stack(stack).find_resources("AWS::S3::Bucket")
    return next(bucket["Properties"] for name, bucket in buckets.items() if name.startswith("Records"))


@pytest.mark.parametrize("mode", ["governance", "compliance"])
def test_records_are_locked_for_as_long_as_the_file_says(mode):
    properties = records(object_lock_days=400, mode=mode)

    assert properties["ObjectLockEnabled"] is True
    assert properties["ObjectLockConfiguration"]["Rule"] == {
        "DefaultRetention": {"Days": 400, "Mode": mode.upper()}
    }


def data(**more):
    """Return the properties of a bucket of data."""
    stack = cdk.Stack(cdk.App(), "data")
    logs = AccessLogs(stack, "AccessLogs", removal_policy=KEEP)
    DataBucket(stack, "Data", key=kms.Key(stack, "Key"), access_logs=logs, removal_policy=KEEP, **more)
    buckets = Template.from_stack(stack).find_resources("AWS::S3::Bucket")
    return next(bucket["Properties"] for name, bucket in buckets.items() if name.startswith("Data"))


def test_single_versions_can_be_locked_where_records_are_and_none_is_from_the_start():
    properties = data(lockable=True)

    assert properties["ObjectLockEnabled"] is True
    assert properties["ObjectLockConfiguration"] == {"ObjectLockEnabled": "Enabled"}
    assert not [name for name in data() if name.startswith("ObjectLock")]


def test_eventbridge_is_told_of_new_objects_where_that_is_asked_for():
    told = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}

    assert data(announce=True)["NotificationConfiguration"] == told
    assert "NotificationConfiguration" not in data()


def test_without_a_period_nothing_is_locked():
    assert not [name for name in records() if name.startswith("ObjectLock")]
