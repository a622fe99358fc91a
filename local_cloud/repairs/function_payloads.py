"""Refuses events that are too large for Lambda.

References
----------
.. [1] AWS Lambda developer guide, "Lambda quotas": invocation payload.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.services import lambda_svc

from local_cloud.adapters.patching import replace
from local_cloud.settings import Settings

_LIMITS = {"RequestResponse": 6 * 2**20, "Event": 2**20}


def install(settings: Settings) -> None:
    """Look at the size of an event before anything else."""

    def limited(original: Any) -> Any:
        async def handle(
            method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
        ) -> Any:
            kind = headers.get("x-amz-invocation-type", "RequestResponse")
            if path.endswith("/invocations") and len(body) > (limit := _LIMITS.get(kind, len(body))):
                return _refusal(len(body), kind, limit)
            return await original(method, path, headers, body, query_params)

        return handle

    replace(lambda_svc, "handle_request", "method path headers body query_params", limited)


def _refusal(size: int, kind: str, limit: int) -> tuple[int, dict[str, str], bytes]:
    text = f"{size} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": "RequestTooLargeException"}
    return 413, headers, json.dumps({"Type": "User", "message": text}).encode()
