"""Holds callers of SageMaker to ``iam:PassRole``: who hands a role to the service must be allowed to.

References
----------
.. [1] IAM user guide, "Grant a user permissions to pass a role to an AWS service".
"""

from __future__ import annotations

import json
from typing import Any

from local_cloud.adapters import further_permissions

_ROLE_MEMBERS = {
    "CreateTrainingJob": ("RoleArn",),
    "CreateProcessingJob": ("RoleArn",),
    "CreateHyperParameterTuningJob": ("TrainingJobDefinition", "RoleArn"),
    "CreateModel": ("ExecutionRoleArn",),
}


def refusal(headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
    """Return AWS's refusal of a request whose caller may not pass the role that it names, or None."""
    path = _ROLE_MEMBERS.get(headers.get("x-amz-target", "").rsplit(".", 1)[-1], ())
    role: Any = json.loads(body or b"{}") if path else None
    for member in path:
        role = role.get(member) if isinstance(role, dict) else None
    if not role:
        return None
    to = {"iam:PassedToService": "sagemaker.amazonaws.com"}
    return further_permissions.refusal("sagemaker", ("iam:PassRole", role), headers, query, to)
