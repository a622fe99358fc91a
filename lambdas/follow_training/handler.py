"""Follow what trainings did about alarms, and ask again for a training that was refused for the moment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.alarm_cases import AlarmCase, AlarmCases
from headrace.aws.alarm_states import AlarmState, AlarmStates
from headrace.aws.artifacts import Artifacts
from headrace.aws.executions import Executions
from headrace.aws.logs import function_logger
from headrace.aws.metrics import PipelineMetrics
from headrace.aws.registry import Registry
from headrace.aws.training_history import TrainingHistory
from headrace.aws.training_log import TrainingLog
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from headrace.ml.privacy.redaction import redact_errors
from lambdas.follow_training.cases import Sight, follow, is_judged, most_in_vain
from lambdas.guard_training import situation
from lambdas.guard_training.about import REPORTS, about
from lambdas.guard_training.policy import Reason
from lambdas.guard_training.rules import decide
from lambdas.guard_training.situation import Known, policy_of, situation_of

logger = function_logger()


class Log(situation.Log, Protocol):
    """What this function needs from the ledger."""

    def release(self, kind: str, execution: str) -> None:
        """Give the lock back, if `execution` holds it."""
        ...


class Cases(situation.Cases, Protocol):
    """What this function needs of the alarms that ask for trainings."""

    def open(self, case: AlarmCase) -> None:
        """Note that an alarm asks for a training."""
        ...

    def change(self, before: AlarmCase, after: AlarmCase) -> bool:
        """Replace what is known of an alarm."""
        ...

    def close(self, reason: str) -> None:
        """Forget an alarm."""
        ...


class States(Protocol):
    """What this function needs from CloudWatch."""

    def named(self, names: Sequence[str]) -> list[AlarmState]:
        """Return the alarms with these names."""
        ...


class Reports(Protocol):
    """What this function needs from storage."""

    def load(self, key: str) -> dict[str, Any] | None:
        """Return the document, or None if there is none."""
        ...


class Packages(Protocol):
    """What this function needs from the model registry."""

    def is_rejected(self, arn: str) -> bool:
        """Tell whether a package was rejected, or is gone."""
        ...


class Trainings(Protocol):
    """What this function needs from Step Functions."""

    def start(self, input: Mapping[str, Any]) -> str:
        """Start a training, which its guard may still refuse."""
        ...

    def is_running(self, execution_arn: str) -> bool:
        """Tell whether a training has not ended."""
        ...


class Metrics(Protocol):
    """What this function needs from CloudWatch's metrics."""

    def put(self, metrics: Mapping[str, float]) -> None:
        """Emit counts."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    log: Log
    cases: Cases
    history: situation.History
    states: States
    reports: Reports
    packages: Packages
    trainings: Trainings
    metrics: Metrics


@dataclass(frozen=True)
class Settings:
    """Environment this function is deployed with: the names of the alarms, by the reason that they are."""

    alarms: Mapping[str, Sequence[str]]

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables; ``KeyError`` names a missing one."""
        return cls({reason: environ[f"{reason.upper()}_ALARMS"].split() for reason in REPORTS})


@cache
def _deps() -> tuple[Settings, Pipeline, Ports]:
    pipeline, table = bundled_pipeline(), boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    return (
        Settings.from_environ(os.environ),
        pipeline,
        Ports(
            TrainingLog(table),
            AlarmCases(table),
            TrainingHistory(table),
            AlarmStates(boto3.client("cloudwatch")),
            Artifacts(boto3.client("s3"), os.environ["ARTIFACTS_BUCKET"]),
            Registry(boto3.client("sagemaker")),
            Executions(boto3.client("stepfunctions"), os.environ["TRAINING_ARN"]),
            PipelineMetrics(pipeline.name),
        ),
    )


def follow_training(settings: Settings, pipeline: Pipeline, ports: Ports, now: datetime) -> dict[str, Any]:
    """Bring what the ledger knows of alarms up to date, and start the training that is due.

    CloudWatch tells when an alarm's state changes, and no more: an alarm that stays on, and rows that came within a
    cooldown, would be forgotten without somebody who looks again.
    """
    before = {case.reason: case for case in ports.cases.all()}
    for reason, names in settings.alarms.items():
        sight = _look(reason, names, before.get(reason), ports)
        _bring_up_to_date(before.get(reason), follow(before.get(reason), sight, now), ports.cases)
    after = ports.cases.all()
    if before or after:
        ports.metrics.put({"RetrainingsInVain": most_in_vain(after)})
    _free_lock(ports)
    started = _ask_again(pipeline, ports, now)
    return {"open": [case.reason for case in after], "in_vain": most_in_vain(after), "started": started}


def _look(reason: str, names: Sequence[str], case: AlarmCase | None, ports: Ports) -> Sight:
    states = {alarm.name: alarm.state for alarm in ports.states.named(names)}
    sight = Sight(reason, states)
    if not sight.on:
        return sight
    report = ports.reports.load(REPORTS[reason])
    awaits = case.awaits if case else None
    return replace(
        sight,
        about=about(report),
        judged=is_judged(case, report, ports.log.champion()),
        rejected=awaits is not None and ports.packages.is_rejected(awaits),
    )


def _bring_up_to_date(before: AlarmCase | None, after: AlarmCase | None, cases: Cases) -> None:
    if before == after:
        return
    if after is None:
        cases.close(before.reason if before else "")
    elif before is None:
        cases.open(after)
    else:
        cases.change(before, after)


def _free_lock(ports: Ports) -> None:
    """Release the lock of a training that was aborted, or exceeded its time: its last state never came."""
    lock = ports.log.holder("training")
    if lock and not ports.trainings.is_running(lock.execution):
        logger.warning(
            "a training has ended without giving the lock back", extra={"execution": lock.execution}
        )
        ports.log.release("training", lock.execution)


def _ask_again(pipeline: Pipeline, ports: Ports, now: datetime) -> str | None:
    """Start the training that the rules let go now; return its reason, or None if there is none."""
    known, policy = Known(ports.log, ports.cases, ports.history), policy_of(pipeline)
    asked = situation_of("new_data", known, pipeline, now)
    last = ports.log.last()
    reasons: list[Reason] = [alarm.reason for alarm in asked.open_alarms if alarm.waiting]
    # A training on new rows that has failed is tried again with the next rows, and not for ever with the same.
    if pipeline.arrival.train == "each_file" and asked.has_model and last and last.outcome != "failed":
        reasons.append("new_data")
    for reason in reasons:
        verdict = decide(policy, replace(asked, reason=reason))
        if verdict.proceed:
            logger.info(verdict.why, extra={"reason": reason})
            ports.trainings.start({"reason": reason, "detail": {"again": True}})
            return reason
    return None


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return follow_training(*_deps(), datetime.now(UTC))
