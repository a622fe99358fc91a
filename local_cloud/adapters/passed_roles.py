"""Holds callers of SageMaker to ``iam:PassRole``: who hands a role to the service must be allowed to.

References
----------
.. [1] IAM user guide, "Grant a user permissions to pass a role to an AWS service".
"""

from __future__ import annotations

import json
from typing import Any

from ministack import app

from local_cloud.adapters.patching import require

_PARAMETERS = (
    "service iam_action headers query_params request_id resource_arn service_context auth_error_response "
    "named_resource"
)
_ROLE_MEMBERS = {
    "CreateTrainingJob": "RoleArn",
    "CreateProcessingJob": "RoleArn",
    "CreateModel": "ExecutionRoleArn",
}

require(app, "_enforce_data_plane", _PARAMETERS)


def refusal(headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
    """Return AWS's refusal of a request whose caller may not pass the role that it names, or None."""
    member = _ROLE_MEMBERS.get(headers.get("x-amz-target", "").rsplit(".", 1)[-1])
    role = json.loads(body or b"{}").get(member) if member else None
    if not role:
        return None
    return app._enforce_data_plane(
        "sagemaker",
        "iam:PassRole",
        headers,
        query,
        headers.get("amz-sdk-invocation-id", ""),
        resource_arn=role,
        service_context={"iam:PassedToService": "sagemaker.amazonaws.com"},
        named_resource=role,
    )
