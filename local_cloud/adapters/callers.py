"""Who makes a request."""

from __future__ import annotations

from typing import Any

from ministack.core import iam_evaluator
from ministack.core.router import extract_access_key_id

from local_cloud.adapters.patching import require
from local_cloud.settings import ACCOUNT

require(iam_evaluator, "resolve_credential", "access_key_id account_id session_token")


def calling_arn(headers: dict[str, str], query: dict[str, Any]) -> str:
    """Return the ARN of whoever has signed a request; empty if nobody has, or nobody knows the key."""
    found = iam_evaluator.resolve_credential(extract_access_key_id(headers, query), ACCOUNT)
    return found.principal_arn if isinstance(found, iam_evaluator.ResolvedCredential) else ""
