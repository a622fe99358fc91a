"""Work out what deploying an approved model takes, and take the right to deploy."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.endpoints import Endpoint
from headrace.aws.logs import function_logger
from headrace.aws.no_endpoint import endpoints_of
from headrace.aws.registry import ERASURE, Package, Registry
from headrace.aws.release_log import ReleaseLog, RunningRelease
from headrace.aws.training_log import Champion, Lock, TrainingLog
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from headrace.ml.privacy.redaction import redact_errors
from lambdas.plan_deployment.plan import plan_of

logger = function_logger()

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


class Releases(Protocol):
    """What this function needs from the ledger, of releases."""

    def begin(self, release: RunningRelease) -> None:
        """Write down that a release runs."""
        ...

    def queue(self, model_package_arn: str, approved_at: str) -> None:
        """Let a model wait for the end of the deployment that runs."""
        ...

    def leave_queue(self, model_package_arn: str) -> None:
        """Let a model wait no longer."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    packages: Packages
    endpoints: LiveEndpoints
    log: Log
    releases: Releases


@cache
def _deps() -> tuple[Pipeline, Ports]:
    client = boto3.client("sagemaker")
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    pipeline, log = bundled_pipeline(), TrainingLog(table)
    ports = Ports(Registry(client), endpoints_of(pipeline, client, log), log, ReleaseLog(table))
    return pipeline, ports


def plan_deployment(
    event: Mapping[str, Any], pipeline: Pipeline, ports: Ports, now: datetime
) -> dict[str, Any]:
    """Answer with ``action``: ``deploy`` and all it takes, ``wait`` and ask again, ``queue`` or ``skip``."""
    package, champion = ports.packages.package(event["model_package_arn"]), ports.log.champion()
    endpoint = ports.endpoints.find(f"headrace-{pipeline.name}")
    why_not = _needless(package, champion, endpoint)
    if why_not:
        return {"action": "skip", "why": why_not}
    lock = _lock(event["execution"], package, pipeline, now)
    other = _turn(package, lock, ports)
    if other is not None:
        return {"action": "queue", "why": f"{other.execution} is deploying {other.reason}"}
    if why_wait := _unready(f"headrace-{pipeline.name}", endpoint, champion, ports.endpoints):
        return {"action": "wait", "why": why_wait}
    plan = plan_of(event["execution"], pipeline, package, endpoint, champion, now)
    ports.releases.begin(RunningRelease(event["execution"], plan, 0, 0.0, now.isoformat()))
    logger.info(plan["why"], extra={"deployment": plan["name"], "strategy": plan["strategy"]})
    return plan


def _lock(execution: str, package: Package, pipeline: Pipeline, now: datetime) -> Lock:
    """Return the lock, which a release asks for as long as it may last."""
    longest = timedelta(seconds=pipeline.release.longest_s) if pipeline.release.shares else timedelta()
    return Lock(
        execution, now.isoformat(), f"v{package.version}", until=(now + longest + _STALE_AFTER).isoformat()
    )


def _turn(package: Package, lock: Lock, ports: Ports) -> Lock | None:
    """Take the lock; if somebody else has it, get into the queue and return theirs.

    Whoever ends a deployment gives the lock back, and then looks into the queue. So it is asked for once more after
    getting into the queue: either it is free by now, or its holder will see who waits.
    """
    other = ports.log.acquire("deployment", lock, stale_after=_STALE_AFTER)
    if other is not None:
        ports.releases.queue(package.arn, package.status_at)
        other = ports.log.acquire("deployment", lock, stale_after=_STALE_AFTER)
    if other is None:
        ports.releases.leave_queue(package.arn)
    return other


def _unready(
    name: str, endpoint: Endpoint | None, champion: Champion | None, endpoints: LiveEndpoints
) -> str | None:
    """Say why the endpoint has to be waited for."""
    if endpoint is None:
        return None
    if _is_broken(endpoint, champion):
        endpoints.delete_step(name)
        return f"the endpoint is {endpoint.status} and is deleted first"
    return None if endpoint.settled else f"the endpoint is {endpoint.status}"


def _needless(package: Package, champion: Champion | None, endpoint: Endpoint | None) -> str | None:
    if package.status != "Approved":
        return f"v{package.version} is {package.status}"
    if champion is None or endpoint is None:
        return None
    if champion.version > package.version and ERASURE in package.metadata:
        # The mark has changed the package, which SageMaker tells as it tells approvals.
        return f"v{package.version} is older than v{champion.version}, and somebody was erased from what it has learnt from"
    if champion.approved_at > package.status_at:
        return f"v{champion.version} was approved later and is in service"
    if champion.version == package.version and endpoint.status == "InService":
        return f"v{package.version} is in service already"
    return None


def _is_broken(endpoint: Endpoint, champion: Champion | None) -> bool:
    """Tell whether the endpoint never served: it cannot be updated then, only deleted."""
    return endpoint.status == "Failed" or (endpoint.status == "OutOfService" and champion is None)


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return plan_deployment(event, *_deps(), datetime.now(UTC))
