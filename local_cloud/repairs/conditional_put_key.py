"""Repair: bucket policies can ask whether an object is put only where there is none.

References
----------
.. [1] Amazon S3 user guide, "Enforce conditional writes on Amazon S3 buckets": ``s3:if-none-match``, ``s3:if-match``.
"""

from __future__ import annotations

from typing import Any

from ministack.core import iam_actions

from local_cloud.adapters.patching import replace
from local_cloud.settings import Settings

_HEADERS = ("if-none-match", "if-match")


def install(settings: Settings) -> None:
    """Add both headers of a put to what conditions are evaluated against."""
    replace(iam_actions, "s3_service_context", "iam_action query_params path headers", _with_conditions)


def _with_conditions(original: Any) -> Any:
    def context(
        iam_action: str,
        query_params: dict[str, Any] | None,
        path: str = "",
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        found: dict[str, Any] = original(iam_action, query_params, path, headers)
        if iam_action != "s3:PutObject":
            return found
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        return found | {f"s3:{name}": sent[name] for name in _HEADERS if sent.get(name)}

    return context
