"""Repair: who may not list a bucket is not told that an object is missing, but that access to it is denied.

References
----------
.. [1] Amazon S3 API reference, "GetObject" and "HeadObject": if the object does not exist, the error depends on whether the caller
   has ``s3:ListBucket``: 404 with it, 403 without.
"""

from __future__ import annotations

from typing import Any

from ministack.app import AUTH, extract_access_key_id, extract_region
from ministack.core import iam_evaluator
from ministack.services import s3

from local_cloud.adapters.patching import replace, require
from local_cloud.settings import Settings

_MISSING, _DENIED = 404, 403


def install(settings: Settings) -> None:
    """Ask for the permission to list when an object is not there."""
    require(s3, "_error", "code message status resource extra headers")
    for name in ("_get_object", "_head_object"):
        replace(s3, name, "bucket_name key headers query_params", _denying)


def _denying(original: Any) -> Any:
    def read(
        bucket_name: str, key: str, headers: dict[str, str], query_params: dict[str, Any] | None = None
    ) -> Any:
        answer = original(bucket_name, key, headers, query_params)
        caller = extract_access_key_id(headers, query_params or {})
        if not AUTH or answer[0] != _MISSING or not caller or s3._ensure_bucket(bucket_name) is None:
            return answer
        denied = iam_evaluator.enforce(
            caller,
            "s3:ListBucket",
            "s3",
            extract_region(headers, query_params or {}),
            f"arn:aws:s3:::{bucket_name}",
            {"s3:prefix": key},
        )
        return s3._error("AccessDenied", "Access Denied", _DENIED) if denied else answer

    return read
