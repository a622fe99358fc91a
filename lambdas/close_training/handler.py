"""End a training: write down how it went, give the lock back, tell everybody, and ask for another if data waits."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import boto3
from aws_lambda_powertools import Logger

from headrace.aws.batch_ledger import BatchLedger
from headrace.aws.metrics import PipelineMetrics, Unit
from headrace.aws.pipeline_events import PipelineEvents
from headrace.aws.training_log import LastTraining, TrainingLog
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline

logger = Logger()

_COUNTERS = {
    "registered": "TrainingSucceeded",
    "kept_champion": "TrainingKeptChampion",
    "failed": "TrainingFailed",
}
_WHY_LIMIT = 1000


class Log(Protocol):
    """What this function needs from the ledger."""

    def last(self) -> LastTraining | None:
        """Return how the training before ended."""
        ...

    def record(self, training: LastTraining) -> None:
        """Write down how this one ended."""
        ...

    def release(self, kind: str, execution: str) -> None:
        """Give the lock back."""
        ...

    def drift_training_is_done(self) -> None:
        """Forget the drift alarms that this training has answered."""
        ...

    def rows(self) -> int:
        """Count the labelled rows accepted so far."""
        ...


class Batches(Protocol):
    """What this function needs from the ledger of batches."""

    def any_since(self, moment: datetime) -> bool:
        """Tell whether a batch was accepted at `moment` or later."""
        ...


class Events(Protocol):
    """What this function needs from EventBridge."""

    def put(self, detail_type: str, detail: Mapping[str, Any]) -> None:
        """Publish an event of this pipeline."""
        ...


class Metrics(Protocol):
    """What this function needs from CloudWatch."""

    def put(
        self, metrics: Mapping[str, float], *, unit: Unit = ..., dimensions: Mapping[str, str] | None = ...
    ) -> None:
        """Emit values."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    log: Log
    batches: Batches
    events: Events
    metrics: Metrics


@cache
def _deps() -> tuple[Pipeline, Ports]:
    pipeline = bundled_pipeline()
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    events = PipelineEvents(boto3.client("events"), pipeline.name)
    return pipeline, Ports(TrainingLog(table), BatchLedger(table), events, PipelineMetrics(pipeline.name))


def close_training(
    event: Mapping[str, Any], pipeline: Pipeline, ports: Ports, now: datetime
) -> dict[str, Any]:
    """Close the training that `event` tells of; what it returns is the result of the whole execution.

    Called twice for one execution, it ends in the same state.
    """
    guard, snapshot = event.get("guard") or {}, event.get("snapshot") or {}
    outcome = event["outcome"]
    result = {
        "reason": guard.get("reason"),
        "outcome": outcome,
        "why": _why(event),
        "run": guard.get("run"),
        "model_package_arn": event.get("model_package_arn"),
        "metrics": event.get("metrics") or {},
        "content_hash": snapshot.get("content_hash"),
    }
    ports.log.record(_record(event, result, ports.log.last(), now))
    if outcome != "failed":
        # Alarms that came while it ran meant the model that it has just been compared with.
        ports.log.drift_training_is_done()
    ports.log.release("training", event["execution"])
    ports.events.put(
        "TrainingFinished", {k: result[k] for k in ("outcome", "why", "reason", "model_package_arn")}
    )
    _emit(result, pipeline, ports.metrics)
    if outcome != "failed" and _data_waits(guard, snapshot, pipeline, ports):
        ports.events.put("TrainingWanted", {"reason": "new_data", "missed_by": event["execution"]})
    logger.info(result["why"], extra={"outcome": outcome})
    return result


def _record(
    event: Mapping[str, Any], result: Mapping[str, Any], before: LastTraining | None, now: datetime
) -> LastTraining:
    guard = event.get("guard") or {}
    learned = event["outcome"] != "failed"
    learned_from = event["snapshot"] if learned else _learned_before(before)
    return LastTraining(
        execution=event["execution"],
        started_at=guard.get("started_at") or now.isoformat(),
        finished_at=now.isoformat(),
        outcome=event["outcome"],
        why=result["why"],
        retraining=bool(guard.get("retraining")),
        content_hash=learned_from["content_hash"],
        upto=learned_from["upto"],
        rows_seen=int(learned_from["rows_seen"]),
        has_model=event["outcome"] == "registered" or bool(before and before.has_model),
    )


def _learned_before(before: LastTraining | None) -> dict[str, Any]:
    if before is None:
        return {"content_hash": None, "upto": None, "rows_seen": 0}
    return {"content_hash": before.content_hash, "upto": before.upto, "rows_seen": before.rows_seen}


def _data_waits(
    guard: Mapping[str, Any], snapshot: Mapping[str, Any], pipeline: Pipeline, ports: Ports
) -> bool:
    """Tell whether what was accepted while this training ran deserves one of its own."""
    wanted = not guard.get("retraining") or "new_data" in pipeline.retraining.on
    missed = ports.log.rows() - int(snapshot["rows_seen"])
    if not wanted or missed < max(1, pipeline.retraining.min_new_rows):
        return False
    if pipeline.arrival.train == "batch":
        return ports.batches.any_since(datetime.fromisoformat(guard["started_at"]))
    return pipeline.arrival.train == "each_file"


def _emit(result: Mapping[str, Any], pipeline: Pipeline, metrics: Metrics) -> None:
    metrics.put({_COUNTERS[result["outcome"]]: 1})
    values = {k: float(v) for k, v in result["metrics"].items() if isinstance(v, int | float)}
    if pipeline.metric in values and result["outcome"] == "registered":
        metrics.put(
            {"ModelQuality": values[pipeline.metric]},
            unit=Unit.NoUnit,
            dimensions={"Metric": pipeline.metric},
        )


def _why(event: Mapping[str, Any]) -> str:
    """Return the reason given, or what a failed state says in its error output."""
    error = event.get("error")
    if not error:
        return str(event.get("why") or event["outcome"])
    return f"{error.get('Error', 'error')}: {_cause(str(error.get('Cause', '')))}"[:_WHY_LIMIT]


def _cause(cause: str) -> str:
    """Find the sentence in a cause: SageMaker's jobs and Lambda functions wrap theirs in JSON."""
    try:
        detail = json.loads(cause)
    except ValueError:
        return cause
    if not isinstance(detail, dict):
        return cause
    return str(
        detail.get("FailureReason") or detail.get("errorMessage") or detail.get("ExitMessage") or cause
    )


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    pipeline, ports = _deps()
    return close_training(event, pipeline, ports, datetime.now(UTC))
