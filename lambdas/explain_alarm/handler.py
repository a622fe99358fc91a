"""Tell people what the drift alarm found, in words, and keep the text."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import boto3
from aws_lambda_powertools import Logger

from headrace.aws.alarm_cases import AlarmCases
from headrace.aws.artifacts import Artifacts
from headrace.aws.topic import Topic
from headrace.aws.training_history import TrainingHistory
from headrace.aws.training_log import TrainingLog
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from lambdas.explain_alarm.text import Links, explain
from lambdas.guard_training.rules import decide
from lambdas.guard_training.situation import Known, policy_of, situation_of

logger = Logger()

LATEST = "drift/latest.json"


class Reports(Protocol):
    """What this function needs from storage."""

    def load(self, key: str) -> dict[str, Any] | None:
        """Return the document, or None if there is none."""
        ...

    def store(self, key: str, document: Mapping[str, Any]) -> None:
        """Write the document."""
        ...


class Recipients(Protocol):
    """What this function needs from SNS."""

    def publish(self, subject: str, text: str) -> None:
        """Send a message."""
        ...


@dataclass(frozen=True)
class Settings:
    """Environment this function is deployed with."""

    artifacts_bucket: str
    dashboard: str
    region: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables; ``KeyError`` names a missing one."""
        return cls(environ["ARTIFACTS_BUCKET"], environ["DASHBOARD_NAME"], environ["AWS_REGION"])

    def links(self, report: Mapping[str, Any]) -> Links:
        """Return where to look."""
        console = f"https://{self.region}.console.aws.amazon.com/cloudwatch/home?region={self.region}"
        return Links(
            dashboard=f"{console}#dashboards/dashboard/{self.dashboard}",
            report=f"s3://{self.artifacts_bucket}/{report['report_key']}",
        )


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    reports: Reports
    known: Known
    recipients: Recipients


@cache
def _deps() -> tuple[Settings, Pipeline, Ports]:
    settings = Settings.from_environ(os.environ)
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    ports = Ports(
        Artifacts(boto3.client("s3"), settings.artifacts_bucket),
        Known(TrainingLog(table), AlarmCases(table), TrainingHistory(table)),
        Topic(boto3.client("sns"), os.environ["ALARM_TOPIC"]),
    )
    return settings, bundled_pipeline(), ports


def explain_alarm(settings: Settings, pipeline: Pipeline, ports: Ports, now: datetime) -> dict[str, Any]:
    """Send the explanation of the last drift report and return it."""
    report = ports.reports.load(LATEST)
    if report is None or not report["drifted"]:
        # Somebody set the alarm by hand, or a clean check has replaced the report since.
        logger.warning("the latest drift report finds no drift: nothing to explain")
        return {"explained": False}
    next_step = what_happens_next(pipeline, ports.known, now)
    explanation = explain(report, next_step, settings.links(report))
    told = {
        "explained": True,
        **asdict(explanation),
        "next": next_step,
        "features": report["drifted_features"],
        "report": report["report_key"],
    }
    ports.reports.store(f"drift/alarms/{now:%Y-%m-%dT%H-%M-%SZ}.json", told)
    ports.recipients.publish(explanation.subject, explanation.text)
    return told


def what_happens_next(pipeline: Pipeline, known: Known, now: datetime) -> str:
    """Say whether the alarm trains now, by the same rules as the guard that decides it."""
    situation = situation_of("drift", known, pipeline, now)
    if situation.running:
        return "a training is running; the model it makes is compared with the one in service."
    verdict = decide(policy_of(pipeline), situation)
    return (
        f"retraining starts now, with {verdict.why}."
        if verdict.proceed
        else f"no retraining yet: {verdict.why}."
    )


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    settings, pipeline, ports = _deps()
    return explain_alarm(settings, pipeline, ports, datetime.now(UTC))
