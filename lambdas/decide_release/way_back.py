"""The plan of going back to the version that served before: its deployment is kept, so nothing has to be made."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from headrace.aws.release_log import Decision
from headrace.aws.training_log import Champion


def way_back(
    endpoint: str, champion: Champion, back: Champion, decision: Decision, now: datetime
) -> dict[str, Any]:
    """Return a plan in the fields of any deployment's, with ``rejects``: the package that must not come back."""
    return {
        "action": "roll_back",
        "why": decision.why,
        "by": decision.by,
        "planned_at": now.isoformat(),
        "against": champion.version,
        "endpoint": endpoint,
        "endpoint_exists": True,
        "previous_config": champion.name,
        "name": back.name,
        "version": back.version,
        "variant": back.variant,
        "model_package_arn": back.model_package_arn,
        "approved_at": back.approved_at,
        "model_data_url": back.model_data_url,
        "snapshot": back.snapshot,
        "run": back.run,
        "strategy": "all_at_once",
        "release": None,
        "rejects": champion.model_package_arn,
    }
