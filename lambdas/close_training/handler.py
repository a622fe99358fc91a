"""End a training: write down how it went, give the lock back, tell everybody, and ask for another if data waits."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import boto3
from botocore.exceptions import ClientError

from headrace.aws.alarm_cases import AlarmCase, AlarmCases
from headrace.aws.batch_ledger import BatchLedger
from headrace.aws.job_times import JobTimes
from headrace.aws.logs import function_logger
from headrace.aws.metrics import PipelineMetrics, Unit
from headrace.aws.pipeline_events import PipelineEvents
from headrace.aws.training_history import PastTraining, TrainingHistory
from headrace.aws.training_log import LastTraining, TrainingLog
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from headrace.ml.privacy.redaction import redact_errors
from lambdas.close_training.ended import JobSeconds, last_training, past_training, why
from lambdas.guard_training.rules import rows_suffice
from lambdas.guard_training.situation import policy_of

logger = function_logger()

_COUNTERS = {
    "registered": "TrainingSucceeded",
    "kept_champion": "TrainingKeptChampion",
    "failed": "TrainingFailed",
}


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

    def rows(self) -> int:
        """Count the labelled rows accepted so far."""
        ...


class Cases(Protocol):
    """What this function needs of the alarms that ask for trainings."""

    def all(self) -> list[AlarmCase]:
        """Return the alarms that are not known to have cleared."""
        ...

    def change(self, before: AlarmCase, after: AlarmCase) -> bool:
        """Replace what is known of an alarm."""
        ...


class History(Protocol):
    """What this function needs of the past."""

    def add(self, training: PastTraining) -> None:
        """Write down how this training ended."""
        ...


class Jobs(Protocol):
    """What this function needs from SageMaker."""

    def billable_seconds(self, run: str, now: datetime, *, tuning: str = "") -> int:
        """Return how long the jobs of a run ran."""
        ...

    def saved_seconds(self, run: str) -> int:
        """Return how many seconds of a training job spot instances have saved."""
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
    cases: Cases
    history: History
    jobs: Jobs
    batches: Batches
    events: Events
    metrics: Metrics


@cache
def _deps() -> tuple[Pipeline, Ports]:
    pipeline = bundled_pipeline()
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    return pipeline, Ports(
        TrainingLog(table),
        AlarmCases(table),
        TrainingHistory(table),
        JobTimes(boto3.client("sagemaker"), instances=pipeline.training.instances),
        BatchLedger(table),
        PipelineEvents(boto3.client("events"), pipeline.name),
        PipelineMetrics(pipeline.name),
    )


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
        "why": why(event),
        "run": guard.get("run"),
        "model_package_arn": event.get("model_package_arn"),
        "metrics": event.get("metrics") or {},
        **(event.get("measured") or {}),
        "learned_from": snapshot.get("window"),
        "content_hash": snapshot.get("content_hash"),
    }
    past = past_training(event, result, pipeline, _seconds(event, pipeline, ports.jobs, now), now)
    ports.log.record(last_training(event, result, ports.log.last(), now))
    ports.history.add(past)
    in_vain = _answer_alarms(past, event, ports.cases)
    ports.log.release("training", event["execution"])
    ports.events.put(
        "TrainingFinished",
        {
            **{name: result[name] for name in ("run", "outcome", "why", "reason", "model_package_arn")},
            "started_at": guard.get("started_at"),
        },
    )
    _emit(result, pipeline, ports.metrics)
    _emit_cost(past, in_vain, ports.metrics)
    if outcome != "failed" and _data_waits(guard, snapshot, pipeline, ports):
        ports.events.put("TrainingWanted", {"reason": "new_data", "missed_by": event["execution"]})
    logger.info(result["why"], extra={"outcome": outcome})
    return result


def _seconds(event: Mapping[str, Any], pipeline: Pipeline, jobs: Jobs, now: datetime) -> JobSeconds:
    """Return how long the jobs ran; an estimate of costs that fails must not keep the lock of the training."""
    run, tuning = (event.get("guard") or {}).get("run"), event.get("tuning_job") or ""
    if run is None:
        return JobSeconds(0)
    try:
        billed = jobs.billable_seconds(run, now, tuning=tuning)
        spot = pipeline.training.spot is not None and not tuning
        return JobSeconds(billed, jobs.saved_seconds(run) if spot else None)
    except ClientError:
        logger.exception("SageMaker does not say how long the jobs ran: this training counts as free")
        return JobSeconds(None)


def _answer_alarms(past: PastTraining, event: Mapping[str, Any], cases: Cases) -> int:
    """Note for every open alarm what this training did about it; return the most retrainings in vain of any.

    A new model has to be judged on traffic first, and answers the alarms that came while it was trained, too: they
    meant the model that it has been compared with. A training without a new model has cured nothing.
    """
    most = 0
    for case in cases.all():
        after = case
        if case.counted == past.execution or not past.retraining:
            pass
        elif past.outcome == "registered":
            after = case.answered(past.execution, str(event["model_package_arn"]))
        elif case.since <= past.started_at:
            after = case.tried_in_vain(past.execution)
        if after != case:
            cases.change(case, after)
        most = max(most, after.in_vain)
    return most


def _data_waits(
    guard: Mapping[str, Any], snapshot: Mapping[str, Any], pipeline: Pipeline, ports: Ports
) -> bool:
    """Tell whether what was accepted while this training ran deserves one of its own."""
    missed = ports.log.rows() - int(snapshot["rows_seen"])
    wanted = not guard.get("retraining") or rows_suffice(policy_of(pipeline), missed)
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


def _emit_cost(past: PastTraining, in_vain: int, metrics: Metrics) -> None:
    if past.cost_usd is not None:
        metrics.put({"TrainingCost": past.cost_usd}, unit=Unit.NoUnit)
    if in_vain:
        metrics.put({"RetrainingsInVain": in_vain})


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    pipeline, ports = _deps()
    return close_training(event, pipeline, ports, datetime.now(UTC))
