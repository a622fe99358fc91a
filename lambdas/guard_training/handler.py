"""Decide whether a training may start, and take the right to train if so."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.alarm_cases import AlarmCase, AlarmCases, opened
from headrace.aws.artifacts import Artifacts
from headrace.aws.logs import function_logger
from headrace.aws.signing_key import SigningKey
from headrace.aws.training_history import TrainingHistory
from headrace.aws.training_log import Lock, TrainingLog
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from headrace.ml.privacy.redaction import redact_errors
from lambdas.guard_training import situation
from lambdas.guard_training.about import REPORTS, about, alarm_name
from lambdas.guard_training.champion_model import Key, champion_input, evaluation_environment
from lambdas.guard_training.policy import Policy, Situation
from lambdas.guard_training.rules import Verdict, decide
from lambdas.guard_training.situation import Known, policy_of, situation_of, stale_after

logger = function_logger()


class Log(situation.Log, Protocol):
    """What this function needs from the ledger."""

    def acquire(self, kind: str, lock: Lock, *, stale_after: timedelta) -> Lock | None:
        """Take the lock, or return that of who holds it."""
        ...


class Cases(situation.Cases, Protocol):
    """What this function needs of the alarms that ask for trainings."""

    def open(self, case: AlarmCase) -> None:
        """Note that an alarm asks for a training."""
        ...

    def change(self, before: AlarmCase, after: AlarmCase) -> bool:
        """Replace what is known of an alarm."""
        ...


class History(situation.History, Protocol):
    """What this function needs of the past."""

    def refuse(self, reason: str, rule: str, why: str, now: datetime) -> None:
        """Count a refusal."""
        ...


class Reports(Protocol):
    """What this function needs from storage."""

    def load(self, key: str) -> dict[str, Any] | None:
        """Return the document, or None if there is none."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    log: Log
    cases: Cases
    history: History
    reports: Reports
    key: Key


@cache
def _deps() -> tuple[Pipeline, Ports]:
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    reports = Artifacts(boto3.client("s3"), os.environ["ARTIFACTS_BUCKET"])
    key = SigningKey(boto3.client("kms"), os.environ["SIGNING_KEY_ARN"])
    ports = Ports(TrainingLog(table), AlarmCases(table), TrainingHistory(table), reports, key)
    return bundled_pipeline(), ports


def guard_training(
    event: Mapping[str, Any], pipeline: Pipeline, ports: Ports, now: datetime
) -> dict[str, Any]:
    """Answer whether `event` may train now; take the lock if it may.

    An alarm is noted before anything is read: of an alarm and a file that arrive together, at least one then sees the
    other.
    """
    reason, detail = event["reason"], event.get("detail") or {}
    if reason in REPORTS and "again" not in detail:
        found = about(ports.reports.load(REPORTS[reason]))
        ports.cases.open(opened(reason, alarm_name(detail), found, now))
    asked = situation_of(
        reason,
        Known(ports.log, ports.cases, ports.history),
        pipeline,
        now,
        execution=event["execution"],
        follow_up="missed_by" in detail,
    )
    verdict = _locked(policy_of(pipeline), asked, event["execution"], ports.log, stale_after(pipeline))
    _remember(verdict, ports, now)
    logger.info(verdict.why, extra=asdict(verdict))
    champion = ports.log.champion()
    return {
        **asdict(verdict),
        "outcome": None if verdict.proceed else "skipped",
        "run": _run_name(pipeline.name, event["execution"], now),
        "token": hashlib.sha256(event["execution"].encode()).hexdigest()[:32],
        "started_at": now.isoformat(),
        "retraining": asked.has_model,
        "cause": _cause(verdict, ports.cases),
        "champion": asdict(champion) if champion else None,
        "champion_input": champion_input(champion),
        "evaluation_environment": evaluation_environment(champion, ports.key),
    }


def _remember(verdict: Verdict, ports: Ports, now: datetime) -> None:
    """Count a refusal; a start by hand gives every alarm a new beginning."""
    if not verdict.proceed:
        ports.history.refuse(verdict.reason, verdict.rule, verdict.why, now)
    elif verdict.reason == "manual":
        for case in ports.cases.all():
            ports.cases.change(case, replace(case, in_vain=0))


def _cause(verdict: Verdict, cases: Cases) -> dict[str, str]:
    """Return what the training is because of, for the registry: the alarm and what it is about, or the guard's words."""
    case = next((case for case in cases.all() if case.reason == verdict.reason), None)
    return {"alarm": case.alarm, "about": case.about} if case else {"alarm": "", "about": verdict.why}


def _locked(policy: Policy, asked: Situation, execution: str, log: Log, stale_after: timedelta) -> Verdict:
    """Decide, and take the lock for a verdict that says go; whoever was quicker turns it into a refusal."""
    verdict = decide(policy, asked)
    if not verdict.proceed:
        return verdict
    lock = Lock(execution, asked.now.isoformat(), verdict.reason)
    other = log.acquire("training", lock, stale_after=stale_after)
    return verdict if other is None else decide(policy, replace(asked, running=other.execution))


def _run_name(pipeline: str, execution: str, now: datetime) -> str:
    """Name this run: readable, sortable, unique, at most 58 characters, so that an attempt can be appended."""
    return f"headrace-{pipeline}-{now:%y%m%d-%H%M%S}-{hashlib.sha256(execution.encode()).hexdigest()[:8]}"


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return guard_training(event, *_deps(), datetime.now(UTC))
