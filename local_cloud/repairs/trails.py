"""Repair: trails of CloudTrail can be made from a template. Nothing is delivered: calls are not written down here.

A trail is refused whose bucket or key does not let CloudTrail write.

References
----------
.. [1] AWS CloudTrail API reference, "CreateTrail": InsufficientS3BucketPolicyException, InsufficientEncryptionPolicyException.
.. [2] AWS CloudTrail user guide, "Amazon S3 bucket policy for CloudTrail", "Configure AWS KMS key policies for CloudTrail".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.services import cloudtrail, kms, s3

from local_cloud.adapters.patching import require
from local_cloud.adapters.resource_types import physical_name, register
from local_cloud.settings import ACCOUNT, REGION, Settings

_TYPE, _SERVICE = "AWS::CloudTrail::Trail", "cloudtrail.amazonaws.com"
_OTHER_NAMES = {"KMSKeyId": "KmsKeyId"}
_NO_MEMBERS = ("AdvancedEventSelectors", "EventSelectors", "IsLogging", "Tags", "TrailName")
_LONGEST = 128


def install(settings: Settings) -> None:
    """Register the resource type, unless the emulator has learnt it."""
    for name in ("_create_trail", "_put_event_selectors", "_start_logging", "_delete_trail"):
        require(cloudtrail, name, "body")
    register(_TYPE, create=_create, update=_update, delete=_delete)


def _create(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, str]]:
    name = props.get("TrailName") or physical_name(stack_name, logical_id, longest=_LONGEST)
    arn = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{name}"
    if problem := _problem(props, arn):
        raise ValueError(problem)
    asked = {
        _OTHER_NAMES.get(key, key): _api(value) for key, value in props.items() if key not in _NO_MEMBERS
    }
    _ask(cloudtrail._create_trail, {**asked, "Name": name})
    selectors = {
        key: _api(props[key]) for key in ("AdvancedEventSelectors", "EventSelectors") if props.get(key)
    }
    if selectors:
        _ask(cloudtrail._put_event_selectors, {"TrailName": name, **selectors})
    if _api(props.get("IsLogging")):
        _ask(cloudtrail._start_logging, {"Name": name})
    return str(name), {"Arn": arn}


def _update(
    physical_id: str, old_props: dict[str, Any], new_props: dict[str, Any], stack_name: str
) -> tuple[str, dict[str, str]]:
    _delete(physical_id, old_props)
    return _create(
        physical_id, {**new_props, "TrailName": new_props.get("TrailName") or physical_id}, stack_name
    )


def _delete(physical_id: str, props: dict[str, Any]) -> None:
    cloudtrail._delete_trail({"Name": physical_id})


def _ask(operation: Any, body: Mapping[str, Any]) -> None:
    status, _, answer = operation(dict(body))
    if status >= 400:  # noqa: PLR2004
        refused = json.loads(answer)
        raise ValueError(f"{refused['__type']}: {refused['message']}")


def _problem(props: Mapping[str, Any], arn: str) -> str:
    """Say why CloudTrail could not write the trail's files; nothing if it could."""
    bucket, prefix = props["S3BucketName"], props.get("S3KeyPrefix", "")
    if bucket not in s3._buckets:
        return f"S3BucketDoesNotExistException: S3 bucket {bucket} does not exist!"
    files = f"arn:aws:s3:::{bucket}/{f'{prefix}/' if prefix else ''}AWSLogs/{ACCOUNT}/CloudTrail/x.json.gz"
    policy, keys = s3._bucket_policies.get(bucket), {"aws:SourceArn": arn, "aws:SourceAccount": ACCOUNT}
    written = {**keys, "s3:x-amz-acl": "bucket-owner-full-control"}
    if not (
        _may(policy, "s3:GetBucketAcl", f"arn:aws:s3:::{bucket}", keys)
        and _may(policy, "s3:PutObject", files, written)
    ):
        return f"InsufficientS3BucketPolicyException: Incorrect S3 bucket policy is detected for bucket: {bucket}"
    key = kms._keys.get(str(props.get("KMSKeyId", "")).rpartition("/")[2])
    encrypted = {**keys, "kms:EncryptionContext:aws:cloudtrail:arn": arn}
    if key is not None and not all(
        _may(key.get("Policy"), f"kms:{action}", key["Arn"], encrypted)
        for action in ("GenerateDataKey", "DescribeKey")
    ):
        return (
            "InsufficientEncryptionPolicyException: Insufficient permissions to access S3 bucket or KMS key."
        )
    return ""


def _may(policy: Any, action: str, resource: str, keys: Mapping[str, str]) -> bool:
    context = EvalContext(
        principal_arn=_SERVICE,
        principal_type="Service",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=resource,
        region=REGION,
        secure_transport=True,
        service_context={name.lower(): value for name, value in keys.items()},  # as the evaluator has them
    )
    return bool(evaluate_resource_policy(policy, context, _SERVICE).decision == "Allow")


def _api(value: Any) -> Any:
    """Return a template's value as the API takes it: truths may have come as text.

    Examples
    --------
    >>> _api({"IsLogging": "true", "Values": ["false", "x"]})
    {'IsLogging': True, 'Values': ['false', 'x']}
    """
    if isinstance(value, dict):
        return {key: _api(each) for key, each in value.items()}
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
