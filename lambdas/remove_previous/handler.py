"""Delete what earlier deployments have left, but for the last good one, and let the next deployment begin."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.endpoints import Endpoints
from headrace.aws.next_deployment import Events, call_next
from headrace.aws.pipeline_events import PipelineEvents
from headrace.aws.release_alarms import ReleaseAlarms
from headrace.aws.release_log import ReleaseLog
from headrace.aws.training_log import Champion, TrainingLog
from headrace.config.bundle import bundled_pipeline
from headrace.ml.privacy.redaction import redact_errors


class Deployments(Protocol):
    """What this function needs from SageMaker's hosting."""

    def delete_unused(self, endpoint: str, *, keep: frozenset[str]) -> list[str]:
        """Delete the deployments of an endpoint, but for those to keep."""
        ...


class Alarms(Protocol):
    """What this function needs from CloudWatch."""

    def delete(self) -> None:
        """Delete the alarms of a release."""
        ...


class Log(Protocol):
    """What this function needs from the ledger."""

    def champion(self) -> Champion | None:
        """Return the model in service, which knows the one before it."""
        ...

    def release(self, kind: str, execution: str) -> None:
        """Give the lock back."""
        ...


class Releases(Protocol):
    """What this function needs from the ledger, of releases."""

    def end(self, execution: str) -> None:
        """Write down that no release runs."""
        ...

    def waiting(self) -> str | None:
        """Return the ARN of the model package that waits."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    deployments: Deployments
    alarms: Alarms
    log: Log
    releases: Releases
    events: Events


@cache
def _deps() -> Ports:
    name = bundled_pipeline().name
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    return Ports(
        Endpoints(boto3.client("sagemaker")),
        ReleaseAlarms(boto3.client("cloudwatch"), name),
        TrainingLog(table),
        ReleaseLog(table),
        PipelineEvents(boto3.client("events"), name),
    )


def remove_previous(event: Mapping[str, Any], ports: Ports) -> dict[str, Any]:
    """Delete all but the live deployment and the one before it, then give the lock back, whatever happens."""
    plan = event["plan"]
    try:
        ports.alarms.delete()
        removed = ports.deployments.delete_unused(plan["endpoint"], keep=_kept(plan, ports.log.champion()))
    finally:
        ports.releases.end(event["execution"])
        ports.log.release("deployment", event["execution"])
        call_next(ports.releases, ports.events)
    return {"version": plan["version"], "endpoint": plan["endpoint"], "removed": removed}


def _kept(plan: Mapping[str, Any], champion: Champion | None) -> frozenset[str]:
    back = champion.way_back if champion else None
    return frozenset({plan["name"], *([back.name] if back else [])})


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return remove_previous(event, _deps())
