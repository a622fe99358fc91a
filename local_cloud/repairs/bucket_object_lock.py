"""Repair: a bucket of a template that locks its objects does so, as one does that was made with the API.

References
----------
.. [1] CloudFormation template reference, ``AWS::S3::Bucket``: ``ObjectLockEnabled``, ``ObjectLockConfiguration``; a bucket
   with a lock has versions.
"""

from __future__ import annotations

from typing import Any

from ministack.services import s3
from ministack.services.cloudformation import provisioners

from local_cloud.adapters.patching import replace
from local_cloud.settings import Settings


def install(settings: Settings) -> None:
    """Keep the lock with the bucket's other configurations."""

    def with_lock(original: Any) -> Any:
        def apply(name: str, props: dict[str, Any], old_props: dict[str, Any] | None = None) -> None:
            original(name, props, old_props)
            if str(props.get("ObjectLockEnabled", "")).lower() == "true":
                s3._bucket_versioning[name] = "Enabled"
                s3._bucket_object_lock[name] = {
                    "enabled": True,
                    "default_retention": default_retention(props.get("ObjectLockConfiguration") or {}),
                }

        return apply

    replace(provisioners, "_s3_apply_configurations", "name props old_props", with_lock)


def default_retention(configuration: dict[str, Any]) -> dict[str, Any] | None:
    """Return how long new versions are locked, in the emulator's words; None if the template does not say.

    Examples
    --------
    >>> default_retention({"Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": "30"}}})
    {'Mode': 'GOVERNANCE', 'Days': 30}
    """
    rule = (configuration.get("Rule") or {}).get("DefaultRetention")
    if not rule:
        return None
    return {"Mode": rule["Mode"], **{unit: int(rule[unit]) for unit in ("Days", "Years") if unit in rule}}
