"""Undo a failed deployment: one step per call, until the endpoint is as it was before."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.endpoints import Endpoint
from headrace.aws.executions import sentence_of
from headrace.aws.logs import function_logger
from headrace.aws.metrics import PipelineMetrics
from headrace.aws.next_deployment import Events, call_next
from headrace.aws.no_endpoint import endpoints_of
from headrace.aws.pipeline_events import PipelineEvents
from headrace.aws.registry import Registry
from headrace.aws.release_alarms import ReleaseAlarms
from headrace.aws.release_log import ENDED, Entry, ReleaseLog, RunningRelease
from headrace.aws.training_log import Champion, LastTraining, TrainingLog
from headrace.config.bundle import bundled_pipeline
from headrace.ml.privacy.redaction import redact_errors

logger = function_logger()

_TAKEN_BACK = "ReleaseTakenBack"
_ENDED_ON_PURPOSE = (_TAKEN_BACK, "ReleaseWithdrawn", "ReleaseLost")
"""What the state machine calls a decision of a person, one of the release itself, and the end of one that was stopped."""
_WHY_LIMIT = 1000


class LiveEndpoints(Protocol):
    """What this function needs from SageMaker's hosting."""

    def find(self, name: str) -> Endpoint | None:
        """Describe the endpoint."""
        ...

    def point_to(self, name: str, config: str) -> None:
        """Begin to move the endpoint to another configuration."""
        ...

    def delete_step(self, name: str) -> bool:
        """Go one step towards the endpoint's deletion."""
        ...

    def delete_deployment(self, name: str) -> None:
        """Delete the configuration and the model of one deployment."""
        ...


class Packages(Protocol):
    """What this function needs from the model registry."""

    def reject(self, arn: str, why: str) -> None:
        """Mark a package as rejected."""
        ...


class Log(Protocol):
    """What this function needs from the ledger."""

    def champion(self) -> Champion | None:
        """Return the model in service."""
        ...

    def last(self) -> LastTraining | None:
        """Return how the last training ended."""
        ...

    def record(self, training: LastTraining) -> None:
        """Write down how the last training ended."""
        ...

    def release(self, kind: str, execution: str) -> None:
        """Give the lock back."""
        ...


class Releases(Protocol):
    """What this function needs from the ledger, of releases."""

    def running(self) -> RunningRelease | None:
        """Return the release that ends now."""
        ...

    def add(self, entry: Entry) -> bool:
        """Write a line of the history."""
        ...

    def end(self, execution: str) -> None:
        """Write down that no release runs."""
        ...

    def waiting(self) -> str | None:
        """Return the ARN of the model package that waits."""
        ...


class Alarms(Protocol):
    """What this function needs from CloudWatch."""

    def delete(self) -> None:
        """Delete the alarms of a release."""
        ...


class Metrics(Protocol):
    """What this function needs from CloudWatch."""

    def put(self, metrics: Mapping[str, float]) -> None:
        """Emit counts."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    endpoints: LiveEndpoints
    packages: Packages
    log: Log
    releases: Releases
    alarms: Alarms
    events: Events
    metrics: Metrics


@cache
def _deps() -> Ports:
    client = boto3.client("sagemaker")
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    pipeline, log = bundled_pipeline(), TrainingLog(table)
    name = pipeline.name
    return Ports(
        endpoints_of(pipeline, client, log),
        Registry(client),
        log,
        ReleaseLog(table),
        ReleaseAlarms(boto3.client("cloudwatch"), name),
        PipelineEvents(boto3.client("events"), name),
        PipelineMetrics(name),
    )


def roll_back_deployment(event: Mapping[str, Any], ports: Ports, now: datetime) -> dict[str, Any]:
    """Go one step back; ``done`` says whether it was the last. Calling it again never does harm.

    ``failed`` is false where a person wanted it: then nobody needs to be told.
    """
    plan, error = event["plan"], event.get("error") or {}
    kind, cause = error.get("Error", "error"), sentence_of(error.get("Cause", ""))
    why = (cause if kind in _ENDED_ON_PURPOSE else f"{kind}: {cause}")[:_WHY_LIMIT]
    failed = kind != _TAKEN_BACK
    if plan.get("action") in ("deploy", "roll_back"):
        if not _endpoint_is_back(plan, ports.endpoints):
            return {"done": False, "why": why, "failed": failed}
        ports.alarms.delete()
        _undo(plan, why, kind, ports)
        ports.releases.add(_entry(event, kind, why, ports.releases.running(), now))
    ports.releases.end(event["execution"])
    ports.log.release("deployment", event["execution"])
    call_next(ports.releases, ports.events)
    ports.metrics.put({"DeploymentFailed": 1} if failed else {"ReleaseTakenBack": 1})
    logger.error(why, extra={"deployment": plan.get("name"), "kind": kind})
    return {"done": True, "why": why, "failed": failed}


def _undo(plan: Mapping[str, Any], why: str, kind: str, ports: Ports) -> None:
    """Remove what was made, and reject its model; what was to be gone back to was made before, and stays."""
    if plan["action"] != "deploy":
        return
    ports.endpoints.delete_deployment(plan["name"])
    says = "the release was withdrawn" if kind in _ENDED_ON_PURPOSE else "the deployment failed"
    ports.packages.reject(plan["model_package_arn"], f"{says}: {why}")
    _forget_model(ports.log)


def _entry(
    event: Mapping[str, Any], kind: str, why: str, running: RunningRelease | None, now: datetime
) -> Entry:
    """Return the last line of the history; a person's decision has a column for who, so that is not in its words."""
    withdrawn = kind in _ENDED_ON_PURPOSE
    by = "release" if withdrawn else "deployment"
    if kind == _TAKEN_BACK and running is not None and running.decision is not None:
        by, why = running.decision.by, running.decision.why[:_WHY_LIMIT]
    said = {"at": now.isoformat(), "by": by, "why": why, "execution": event["execution"]}
    return Entry.of(event["plan"], ENDED, "withdrawn" if withdrawn else "failed", 0.0, **said)


def _endpoint_is_back(plan: Mapping[str, Any], endpoints: LiveEndpoints) -> bool:
    """Lead the endpoint back to what it was; tell whether it is there."""
    if not plan["endpoint_exists"]:
        return endpoints.delete_step(plan["endpoint"])
    endpoint = endpoints.find(plan["endpoint"])
    if endpoint is None:
        return True  # somebody has deleted it: there is nothing to lead back
    made = {plan["name"], plan["release"]["config"] if plan["release"] else None}
    if endpoint.settled and endpoint.config in made:
        endpoints.point_to(plan["endpoint"], plan["previous_config"])
        return False
    return endpoint.settled


def _forget_model(log: Log) -> None:
    """Without a model in service, the next data may train a first one again."""
    last = log.last()
    if last is not None and log.champion() is None:
        log.record(replace(last, has_model=False))


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return roll_back_deployment(event, _deps(), datetime.now(UTC))
