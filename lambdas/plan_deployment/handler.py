"""Work out what deploying an approved model takes, and take the right to deploy."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Protocol

import boto3
from aws_lambda_powertools import Logger

from headrace.aws.endpoints import Endpoint, Endpoints, deployment_name
from headrace.aws.registry import Package, Registry
from headrace.aws.training_log import Champion, Lock, TrainingLog
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline

logger = Logger()

_LIMIT = timedelta(minutes=45)
_STALE_AFTER = timedelta(minutes=90)


class Packages(Protocol):
    """What this function needs from the model registry."""

    def package(self, arn: str) -> Package:
        """Describe one package."""
        ...


class LiveEndpoints(Protocol):
    """What this function needs from SageMaker's hosting."""

    def find(self, name: str) -> Endpoint | None:
        """Describe the endpoint."""
        ...

    def delete_step(self, name: str) -> bool:
        """Go one step towards the endpoint's deletion."""
        ...


class Log(Protocol):
    """What this function needs from the ledger."""

    def champion(self) -> Champion | None:
        """Return the model in service."""
        ...

    def acquire(self, kind: str, lock: Lock, *, stale_after: timedelta) -> Lock | None:
        """Take the lock, or return that of who holds it."""
        ...


@cache
def _deps() -> tuple[Pipeline, Registry, Endpoints, TrainingLog]:
    client = boto3.client("sagemaker")
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    return bundled_pipeline(), Registry(client), Endpoints(client), TrainingLog(table)


def plan_deployment(
    event: Mapping[str, Any],
    pipeline: Pipeline,
    packages: Packages,
    endpoints: LiveEndpoints,
    log: Log,
    now: datetime,
) -> dict[str, Any]:
    """Answer with ``action``: ``deploy`` and all names it takes, ``wait`` and ask again, or ``skip``."""
    package, champion = packages.package(event["model_package_arn"]), log.champion()
    name = f"headrace-{pipeline.name}"
    endpoint = endpoints.find(name)
    why_not = _needless(package, champion, endpoint)
    if why_not:
        return {"action": "skip", "why": why_not}
    other = log.acquire(
        "deployment",
        Lock(event["execution"], now.isoformat(), f"v{package.version}"),
        stale_after=_STALE_AFTER,
    )
    if other is not None:
        return {"action": "wait", "why": f"{other.execution} is deploying {other.reason}"}
    if endpoint is not None and _is_broken(endpoint, champion):
        endpoints.delete_step(name)
        return {"action": "wait", "why": f"the endpoint is {endpoint.status} and is deleted first"}
    if endpoint is not None and not endpoint.settled:
        return {"action": "wait", "why": f"the endpoint is {endpoint.status}"}
    plan = _plan(event["execution"], pipeline, package, endpoint, now)
    logger.info(plan["why"], extra={"deployment": plan["name"]})
    return plan


def _needless(package: Package, champion: Champion | None, endpoint: Endpoint | None) -> str | None:
    if package.status != "Approved":
        return f"v{package.version} is {package.status}"
    if champion is None or endpoint is None:
        return None
    if champion.approved_at > package.status_at:
        return f"v{champion.version} was approved later and is in service"
    if champion.version == package.version and endpoint.status == "InService":
        return f"v{package.version} is in service already"
    return None


def _is_broken(endpoint: Endpoint, champion: Champion | None) -> bool:
    """Tell whether the endpoint never served: it cannot be updated then, only deleted."""
    return endpoint.status == "Failed" or (endpoint.status == "OutOfService" and champion is None)


def _plan(
    execution: str, pipeline: Pipeline, package: Package, endpoint: Endpoint | None, now: datetime
) -> dict[str, Any]:
    run = hashlib.sha256(execution.encode()).hexdigest()[:8]
    return {
        "action": "deploy",
        "why": f"v{package.version} was approved",
        "endpoint": f"headrace-{pipeline.name}",
        "endpoint_exists": endpoint is not None,
        "previous_config": endpoint.config if endpoint else None,
        "name": deployment_name(f"headrace-{pipeline.name}", package.version, run),
        "version": package.version,
        "variant": f"v{package.version}",
        "instances": _instances(pipeline, endpoint),
        "model_package_arn": package.arn,
        "approved_at": package.status_at,
        "image": package.image,
        "model_data_url": package.model_data_url,
        "environment": {**package.environment, **_environment(pipeline, package.version)},
        "snapshot": package.metadata.get("content_hash", ""),
        "run": package.metadata.get("run", ""),
        # In the form of Step Functions' own times, with which it is compared.
        "deadline": (now + _LIMIT).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    }


def _instances(pipeline: Pipeline, endpoint: Endpoint | None) -> int:
    """Return how many instances to begin with: as many as serve now, where their number follows the load."""
    block = pipeline.endpoint
    if block.scaling is None or endpoint is None or endpoint.instances == 0:
        return block.instances
    return min(max(endpoint.instances, block.scaling.min), block.scaling.max)


def _environment(pipeline: Pipeline, version: int) -> dict[str, str]:
    capture = {}
    if pipeline.endpoint.logs_requests:
        capture = {"HEADRACE_CAPTURE": "log", "HEADRACE_CAPTURE_SHARE": str(pipeline.endpoint.capture_share)}
    return {"HEADRACE_MODEL_VERSION": f"v{version}", **capture}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return plan_deployment(event, *_deps(), datetime.now(UTC))
