"""Decide whether a training may start, and take the right to train if so."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Protocol

import boto3
from aws_lambda_powertools import Logger

from headrace.aws.training_log import Champion, LastTraining, Lock, TrainingLog
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from lambdas.guard_training.rules import Policy, Situation, Verdict, decide

logger = Logger()


class Log(Protocol):
    """What this function needs from the ledger."""

    def acquire(self, kind: str, lock: Lock, *, stale_after: timedelta) -> Lock | None:
        """Take the lock, or return that of who holds it."""
        ...

    def holder(self, kind: str) -> Lock | None:
        """Return the lock of who trains now."""
        ...

    def ask_for_drift_training(self, at: datetime) -> None:
        """Note that a drift alarm wants a training."""
        ...

    def drift_training_is_pending(self) -> bool:
        """Tell whether a drift alarm still waits for its training."""
        ...

    def last(self) -> LastTraining | None:
        """Return how the last training ended."""
        ...

    def champion(self) -> Champion | None:
        """Return the model in service."""
        ...

    def rows(self) -> int:
        """Count the labelled rows accepted so far."""
        ...


@cache
def _deps() -> tuple[Pipeline, TrainingLog]:
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    return bundled_pipeline(), TrainingLog(table)


def guard_training(event: Mapping[str, Any], pipeline: Pipeline, log: Log, now: datetime) -> dict[str, Any]:
    """Answer whether `event` may train now; take the lock if it may.

    A drift alarm is noted before anything is read: of an alarm and a file that arrive together, at least one then
    sees the other.
    """
    if event["reason"] == "drift":
        log.ask_for_drift_training(now)
    champion, last, rows = log.champion(), log.last(), log.rows()
    stale_after = timedelta(minutes=2 * pipeline.training.max_runtime_minutes)
    has_model = champion is not None or (last is not None and last.has_model)
    verdict = decide(
        _policy(pipeline),
        Situation(
            reason=event["reason"],
            follow_up="missed_by" in (event.get("detail") or {}),
            now=now,
            has_model=has_model,
            rows=rows,
            new_rows=rows - (last.rows_seen if last else 0),
            last_retraining=datetime.fromisoformat(last.finished_at) if last and last.retraining else None,
            drift_pending=log.drift_training_is_pending(),
            running=_running(log.holder("training"), event["execution"], now - stale_after),
        ),
    )
    verdict = _locked(verdict, event, log, now, stale_after)
    logger.info(verdict.why, extra=asdict(verdict))
    return {
        **asdict(verdict),
        "outcome": None if verdict.proceed else "skipped",
        "run": _run_name(pipeline.name, event["execution"], now),
        "token": hashlib.sha256(event["execution"].encode()).hexdigest()[:32],
        "started_at": now.isoformat(),
        "retraining": has_model,
        "champion": asdict(champion) if champion else None,
        "champion_input": [_champion_input(champion)] if champion else [],
    }


def _policy(pipeline: Pipeline) -> Policy:
    return Policy(
        on=frozenset(pipeline.retraining.on),
        min_rows=pipeline.training.min_rows,
        min_new_rows=pipeline.retraining.min_new_rows,
        cooldown=timedelta(minutes=pipeline.retraining.cooldown_minutes),
    )


def _running(lock: Lock | None, execution: str, stale_before: datetime) -> str | None:
    if lock is None or lock.execution == execution or datetime.fromisoformat(lock.acquired_at) < stale_before:
        return None
    return lock.execution


def _locked(
    verdict: Verdict, event: Mapping[str, Any], log: Log, now: datetime, stale_after: timedelta
) -> Verdict:
    """Take the lock for a verdict that says go; whoever was quicker turns it into a refusal."""
    if not verdict.proceed:
        return verdict
    other = log.acquire(
        "training", Lock(event["execution"], now.isoformat(), verdict.reason), stale_after=stale_after
    )
    if other is None:
        return verdict
    return Verdict(False, verdict.reason, f"a training is already running: {other.execution}")


def _run_name(pipeline: str, execution: str, now: datetime) -> str:
    """Name this run: readable, sortable, unique, at most 58 characters, so that an attempt can be appended."""
    return f"headrace-{pipeline}-{now:%y%m%d-%H%M%S}-{hashlib.sha256(execution.encode()).hexdigest()[:8]}"


def _champion_input(champion: Champion) -> dict[str, Any]:
    """Return the evaluation job's input that holds the model in service."""
    return {
        "InputName": "champion",
        "S3Input": {
            "S3Uri": champion.model_data_url,
            "LocalPath": "/opt/ml/processing/input/champion",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
        },
    }


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    pipeline, log = _deps()
    return guard_training(event, pipeline, log, datetime.now(UTC))
