"""What a deployment takes: names, the model's container, and how requests come to it."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from headrace.aws.endpoints import Endpoint, deployment_name, release_name
from headrace.aws.registry import Package
from headrace.aws.training_log import Champion
from headrace.config.endpoint import Endpoint as EndpointBlock
from headrace.config.pipeline import Pipeline


def plan_of(
    execution: str,
    pipeline: Pipeline,
    package: Package,
    endpoint: Endpoint | None,
    champion: Champion | None,
    now: datetime,
) -> dict[str, Any]:
    """Return the plan of a deployment, which all its states share.

    Parameters
    ----------
    execution : str
        The execution's id, which makes the names unlike those of any other deployment of the same version.
    package : Package
        The model.
    endpoint : Endpoint or None
        As it is; None if there is none.
    champion : Champion or None
        The model in service.

    Returns
    -------
    dict
        ``release`` is None where models are exchanged all at once: by the pipeline file, or because nothing serves yet.
    """
    run = hashlib.sha256(execution.encode()).hexdigest()[:8]
    name = deployment_name(f"headrace-{pipeline.name}", package.version, run)
    previous = _config_in_service(endpoint, champion)
    release = _release(pipeline, package, name, champion, previous, now) if _serves(endpoint) else None
    return {
        "action": "deploy",
        "why": f"v{package.version} was approved",
        "by": "approval",
        "planned_at": now.isoformat(),
        "against": champion.version if champion else None,
        "endpoint": f"headrace-{pipeline.name}",
        "endpoint_exists": endpoint is not None,
        "previous_config": previous,
        "name": name,
        "version": package.version,
        "variant": f"v{package.version}",
        "instances": _instances(pipeline, endpoint),
        "model_package_arn": package.arn,
        "approved_at": package.status_at,
        "image": package.image,
        "model_data_url": package.model_data_url,
        "environment": {**package.environment, **_environment(pipeline, package)},
        "snapshot": package.metadata.get("content_hash", ""),
        "run": package.metadata.get("run", ""),
        "strategy": release["strategy"] if release else "all_at_once",
        "release": release,
    }


def _serves(endpoint: Endpoint | None) -> bool:
    return endpoint is not None and endpoint.status == "InService"


def _config_in_service(endpoint: Endpoint | None, champion: Champion | None) -> str | None:
    """Return the champion's own configuration: what is in effect may be one that a lost release has left behind."""
    if endpoint is None:
        return None
    return (champion.name if champion else "") or endpoint.config


def _release(
    pipeline: Pipeline,
    package: Package,
    name: str,
    champion: Champion | None,
    champion_name: str | None,
    now: datetime,
) -> dict[str, Any] | None:
    release = pipeline.release
    if not release.shares or champion is None or champion.version == package.version:
        return None
    return {
        "strategy": release.strategy,
        "config": release_name(name),
        "champion": {
            "version": champion.version,
            "variant": champion.variant,
            "name": champion_name,
        },
        "challenger": {"version": package.version, "variant": f"v{package.version}", "name": name},
        "started_at": now.isoformat(),
        "deadline": (now + timedelta(seconds=release.longest_s)).isoformat(),
        "shares": list(release.shares),
        "interval_s": release.interval_s,
    }


def _instances(pipeline: Pipeline, endpoint: Endpoint | None) -> int:
    """Return how many instances to begin with: as many as serve now, where their number follows the load."""
    block = pipeline.endpoint
    if block.scaling is None or endpoint is None or endpoint.instances == 0:
        return block.instances
    return min(max(endpoint.instances, block.scaling.min), block.scaling.max)


def _environment(pipeline: Pipeline, package: Package) -> dict[str, str]:
    engine = {"HEADRACE_ENGINE": package.metadata["engine"]} if "engine" in package.metadata else {}
    kind = _of_its_kind(pipeline.endpoint)
    return {"HEADRACE_MODEL_VERSION": f"v{package.version}", **engine, **kind, **_of_personal(pipeline)}


def _of_personal(pipeline: Pipeline) -> dict[str, str]:
    personal = pipeline.privacy.personal if pipeline.privacy else {}
    return {"HEADRACE_PERSONAL_COLUMNS": json.dumps(list(personal))} if personal else {}


def _of_its_kind(endpoint: EndpointBlock) -> dict[str, str]:
    """Return what the container of one kind of endpoint is told beside the others."""
    environment = {}
    if endpoint.logs_requests:
        environment = {"HEADRACE_CAPTURE": "log", "HEADRACE_CAPTURE_SHARE": str(endpoint.capture_share)}
    if endpoint.kind == "serverless":  # its container has one request at a time
        environment["SAGEMAKER_MODEL_SERVER_WORKERS"] = "1"
    if endpoint.kind == "asynchronous":
        environment["HEADRACE_MAX_BODY_MB"] = str(endpoint.asynchronous.max_request_mb)
    return environment
