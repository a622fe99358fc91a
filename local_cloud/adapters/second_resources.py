"""Holds callers of SageMaker to the second resource of an action: who points an endpoint at a configuration needs both.

References
----------
.. [1] Service authorization reference, "Actions, resources, and condition keys for Amazon SageMaker": the resource types
       of CreateEndpoint and UpdateEndpoint are endpoint and endpoint-config.
"""

from __future__ import annotations

import json
from typing import Any

from local_cloud.adapters import further_permissions
from local_cloud.settings import ACCOUNT, REGION

_ON_CONFIGURATIONS = ("CreateEndpoint", "UpdateEndpoint")


def refusal(headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
    """Return AWS's refusal of a request whose caller may not use the configuration that it names, or None."""
    operation = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
    if operation not in _ON_CONFIGURATIONS:
        return None
    name = json.loads(body or b"{}").get("EndpointConfigName", "")
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint-config/{name}"
    return further_permissions.refusal("sagemaker", (f"sagemaker:{operation}", arn), headers, query)
