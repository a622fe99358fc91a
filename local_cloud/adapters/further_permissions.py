"""Asks the emulator's IAM for what a request needs beside its own action on its own resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack import app

from local_cloud.adapters.patching import require

require(
    app,
    "_enforce_data_plane",
    "service iam_action headers query_params request_id resource_arn service_context auth_error_response "
    "named_resource",
)


def refusal(
    service: str,
    permission: tuple[str, str],
    headers: dict[str, str],
    query: dict[str, Any],
    context: Mapping[str, str] | None = None,
) -> Any:
    """Return AWS's refusal of a request whose caller lacks a permission, or None.

    Parameters
    ----------
    service : str
        Whose request it is, in whose manner it is refused.
    permission : tuple of str
        The action, and the ARN of the resource.
    headers, query : dict
        Of the request: they say who calls.
    context : mapping, optional
        What conditions of policies look at.
    """
    action, resource = permission
    return app._enforce_data_plane(
        service,
        action,
        headers,
        query,
        headers.get("amz-sdk-invocation-id", ""),
        resource_arn=resource,
        service_context=context,
        named_resource=resource,
    )
