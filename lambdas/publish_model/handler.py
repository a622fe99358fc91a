"""Make a deployed model the champion: publish what it is watched by, tell everybody, write it down."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.baseline_documents import BaselineDocuments
from headrace.aws.logs import function_logger
from headrace.aws.metrics import PipelineMetrics
from headrace.aws.pipeline_events import PipelineEvents
from headrace.aws.registry import Registry
from headrace.aws.release_log import ENDED, Entry, ReleaseLog, RunningRelease
from headrace.aws.training_log import Champion, TrainingLog
from headrace.config.bundle import bundled_pipeline
from headrace.ml.privacy.redaction import redact_errors

logger = function_logger()


class Baselines(Protocol):
    """By what models are watched."""

    def publish(self, plan: Mapping[str, Any]) -> None:
        """Publish the documents of a model, unless they are there."""
        ...


class Log(Protocol):
    """What this function needs from the ledger."""

    def champion(self) -> Champion | None:
        """Return the model that was in service before."""
        ...

    def crown(self, champion: Champion) -> None:
        """Write down which model is in service now."""
        ...


class Releases(Protocol):
    """What this function needs from the ledger, of releases."""

    def running(self) -> RunningRelease | None:
        """Return the release that ends now."""
        ...

    def add(self, entry: Entry) -> bool:
        """Write a line of the history."""
        ...

    def note_deployed(self, version: int) -> None:
        """Write down that a version was deployed."""
        ...


class Packages(Protocol):
    """What this function needs from the model registry."""

    def reject(self, arn: str, why: str) -> None:
        """Mark a package as rejected."""
        ...


class Events(Protocol):
    """What this function needs from EventBridge."""

    def put(self, detail_type: str, detail: Mapping[str, Any]) -> None:
        """Publish an event of this pipeline."""
        ...


class Metrics(Protocol):
    """What this function needs from CloudWatch."""

    def put(self, metrics: Mapping[str, float]) -> None:
        """Emit counts."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    baselines: Baselines
    log: Log
    releases: Releases
    packages: Packages
    events: Events
    metrics: Metrics


@cache
def _deps() -> Ports:
    name = bundled_pipeline().name
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    return Ports(
        BaselineDocuments(boto3.client("s3"), os.environ["ARTIFACTS_BUCKET"]),
        TrainingLog(table),
        ReleaseLog(table),
        Registry(boto3.client("sagemaker")),
        PipelineEvents(boto3.client("events"), name),
        PipelineMetrics(name),
    )


def publish_model(event: Mapping[str, Any], ports: Ports, now: datetime) -> dict[str, Any]:
    """Publish the model of ``event["plan"]``; calling it again changes nothing but the time."""
    plan = event["plan"]
    ports.baselines.publish(plan)
    if rejected := plan.get("rejects"):
        ports.packages.reject(rejected, f"rolled back by {plan['by']}: {plan['why']}")
    ports.events.put("ModelDeployed", {"version": plan["version"], "endpoint": plan["endpoint"]})
    ports.releases.add(_entry(event, ports.releases.running(), now))
    ports.releases.note_deployed(plan["version"])
    # Last of what can fail: a failure leads to the roll-back, after which the ledger must not name this model.
    ports.log.crown(_champion(plan, ports.log.champion(), now))
    ports.metrics.put({"ModelDeployed": 1})
    logger.info("deployed", extra={"variant": plan["variant"], "by": plan["by"]})
    return {"version": plan["version"], "endpoint": plan["endpoint"]}


def _champion(plan: Mapping[str, Any], before: Champion | None, now: datetime) -> Champion:
    return Champion(
        version=plan["version"],
        model_package_arn=plan["model_package_arn"],
        model_data_url=plan["model_data_url"],
        variant=plan["variant"],
        deployed_at=now.isoformat(),
        approved_at=plan["approved_at"],
        snapshot=plan["snapshot"],
        name=plan["name"],
        run=plan["run"],
        previous=_way_back(plan, before),
        signed=bool(plan.get("signed")),
    )


def _way_back(plan: Mapping[str, Any], before: Champion | None) -> Mapping[str, Any] | None:
    """Return the champion before this one; what was gone back from, and what never served, is no way back."""
    if before is None or plan.get("rejects") or not plan["endpoint_exists"]:
        return None
    if before.version == plan["version"]:
        return before.previous
    return replace(before, name=before.name or plan["previous_config"] or "").as_previous()


def _entry(event: Mapping[str, Any], running: RunningRelease | None, now: datetime) -> Entry:
    """Return the last line of the history: a person's decision counts for more than what the release itself says."""
    plan, said = event["plan"], {"at": now.isoformat(), "execution": event["execution"]}
    if plan.get("rejects"):
        return Entry.of(plan, ENDED, "rolled_back", 1.0, by=plan["by"], why=plan["why"], **said)
    if not plan["release"]:
        return Entry.of(plan, ENDED, "deployed", 1.0, by=plan["by"], why=plan["why"], **said)
    if running is not None and running.decision is not None:
        decision = running.decision
        return Entry.of(plan, ENDED, "promoted", 1.0, by=decision.by, why=decision.why, **said)
    why = event.get("judged", {}).get("why") or plan["why"]
    return Entry.of(plan, ENDED, "promoted", 1.0, by="release", why=why, **said)


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return publish_model(event, _deps(), datetime.now(UTC))
