"""The plan of going back: to the version that served before, whose deployment is kept, or to another, which is made again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from headrace.aws.endpoints import Endpoint
from headrace.aws.registry import Package
from headrace.aws.release_log import Decision
from headrace.aws.training_log import Champion
from headrace.config.pipeline import Pipeline
from lambdas.plan_deployment.plan import plan_of


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
        "signed": back.signed,
    }


def way_to(
    execution: str,
    pipeline: Pipeline,
    package: Package,
    endpoint: Endpoint,
    champion: Champion,
    decision: Decision,
    now: datetime,
) -> dict[str, Any]:
    """Return a plan that deploys `package` again, all at once: whoever goes back does not want to wait for shares."""
    return {
        **plan_of(execution, pipeline, package, endpoint, champion, now),
        "why": decision.why,
        "by": decision.by,
        "strategy": "all_at_once",
        "release": None,
        "rejects": champion.model_package_arn,
    }
