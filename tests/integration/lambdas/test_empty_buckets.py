import json
from types import SimpleNamespace

import boto3
import pytest

from headrace.aws import custom_resource
from lambdas.empty_buckets import handler as empty_buckets

CONTEXT = SimpleNamespace(log_group_name="group", get_remaining_time_in_millis=lambda: 60_000)


@pytest.fixture
def s3(account):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="data")
    s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        s3.put_object(Bucket="data", Key="a", Body=body)
    s3.put_object(Bucket="data", Key="b", Body=b"3")
    s3.delete_object(Bucket="data", Key="b")
    return s3


def request(kind, *buckets):
    return {
        "RequestType": kind,
        "ResponseURL": "https://answer",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "EmptyOnDelete",
        "ResourceProperties": {"BucketNames": list(buckets)},
    }


def versions(s3):
    found = s3.list_object_versions(Bucket="data")
    return [*found.get("Versions", []), *found.get("DeleteMarkers", [])]


def test_a_deletion_deletes_every_version_and_marker(s3):
    assert empty_buckets.empty_buckets(request("Delete", "data"), s3) == {"Deleted": "4"}
    assert versions(s3) == []


def test_a_bucket_that_services_write_to_is_closed_to_them_first(s3):
    policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": "*"}]}
    s3.put_bucket_policy(Bucket="data", Policy=json.dumps(policy))
    event = request("Delete", "data")
    event["ResourceProperties"]["CloseBuckets"] = ["gone", "data"]

    assert empty_buckets.empty_buckets(event, s3) == {"Deleted": "4"}
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket="data")


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_nothing_else_deletes_anything(s3, kind):
    assert empty_buckets.empty_buckets(request(kind, "data"), s3) == {}
    assert len(versions(s3)) == 4


def test_a_bucket_that_is_gone_is_empty(s3):
    assert empty_buckets.empty_buckets(request("Delete", "gone", "data"), s3) == {"Deleted": "4"}


def test_what_s3_would_not_delete_is_told(s3, monkeypatch):
    refusal = {"Errors": [{"Key": "a", "Code": "AccessDenied"}]}
    monkeypatch.setattr(s3, "delete_objects", lambda **_: refusal)

    with pytest.raises(RuntimeError, match="data: 1 objects remain, the first: AccessDenied"):
        empty_buckets.empty_buckets(request("Delete", "data"), s3)


def test_cloudformation_is_told_how_it_went(s3, monkeypatch):
    told = []
    monkeypatch.setattr(custom_resource, "_put", lambda url, body: told.append((url, json.loads(body))))

    empty_buckets.handler(request("Delete", "data"), CONTEXT)

    ((url, answer),) = told
    assert url == "https://answer"
    assert (answer["Status"], answer["Data"]) == ("SUCCESS", {"Deleted": "4"})
