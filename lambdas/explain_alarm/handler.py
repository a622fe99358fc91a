"""Tell people what alarms found, in words, and keep the text."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.alarm_cases import AlarmCases
from headrace.aws.alarm_states import AlarmState, AlarmStates
from headrace.aws.artifacts import Artifacts
from headrace.aws.logs import function_logger
from headrace.aws.topic import Topic
from headrace.aws.training_history import TrainingHistory
from headrace.aws.training_log import TrainingLog
from headrace.config.bundle import bundled_pipeline
from headrace.config.pipeline import Pipeline
from headrace.ml.privacy.redaction import redact_errors
from lambdas.explain_alarm.page import Page
from lambdas.explain_alarm.text import Explanation, Finding, described, drifted, explain, over
from lambdas.guard_training.policy import Reason
from lambdas.guard_training.rules import decide
from lambdas.guard_training.situation import Known, policy_of, situation_of

logger = function_logger()

DRIFT, QUALITY = "drift/latest.json", "quality/latest.json"
_ON_DRIFT = ("DriftedFeatures", "JointDrift")
_ON_QUALITY = ("ConceptDrift", "QualityDrop")
_WITH_FIGURES = (*_ON_QUALITY, "EstimatedQualityDrop")


class Reports(Protocol):
    """What this function needs from storage."""

    def has(self, key: str) -> bool:
        """Tell whether there is an object at `key`."""
        ...

    def load(self, key: str) -> dict[str, Any] | None:
        """Return the document, or None if there is none."""
        ...

    def store(self, key: str, document: Mapping[str, Any]) -> None:
        """Write the document."""
        ...


class States(Protocol):
    """What this function needs from CloudWatch."""

    def named(self, names: Sequence[str]) -> list[AlarmState]:
        """Return the alarms with these names."""
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

    @property
    def dashboard_link(self) -> str:
        """The dashboard's address in the console."""
        console = f"https://{self.region}.console.aws.amazon.com/cloudwatch/home?region={self.region}"
        return f"{console}#dashboards/dashboard/{self.dashboard}"

    def object_link(self, key: str) -> str:
        """Return the address of an object in the console."""
        console = f"https://{self.region}.console.aws.amazon.com/s3/object"
        return f"{console}/{self.artifacts_bucket}?region={self.region}&prefix={key}"

    def page_links(self, key: str) -> list[tuple[str, str]]:
        """Return where a page lies, and the line that makes a link to it for an hour."""
        line = f"aws s3 presign s3://{self.artifacts_bucket}/{key} --expires-in 3600 --region {self.region}"
        return [("Pictures", self.object_link(key)), ("To open them", line)]


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    reports: Reports
    states: States
    known: Known
    recipients: Recipients


@cache
def _deps() -> tuple[Settings, Pipeline, Ports]:
    settings = Settings.from_environ(os.environ)
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    ports = Ports(
        Artifacts(boto3.client("s3"), settings.artifacts_bucket),
        AlarmStates(boto3.client("cloudwatch")),
        Known(TrainingLog(table), AlarmCases(table), TrainingHistory(table)),
        Topic(boto3.client("sns"), os.environ["ALARM_TOPIC"]),
    )
    return settings, bundled_pipeline(), ports


def explain_alarm(
    settings: Settings, pipeline: Pipeline, ports: Ports, page: Page, now: datetime
) -> dict[str, Any]:
    """Send one message on everything that `page` is about, and return it; none if nothing has happened."""
    if not (page.on or page.over):
        return {"told": False}
    on: list[AlarmState] = []
    if page.over:
        explanation = over(pipeline.name, page.says, settings.dashboard_link)
    else:
        on = [alarm for alarm in ports.states.named(page.alarms) if alarm.state == "ALARM"]
        explanation = _explain(settings, pipeline, ports, page, on, now)
    told = {"told": True, **asdict(explanation), "page": page.name, "alarms": [alarm.name for alarm in on]}
    ports.reports.store(f"alarms/{now:%Y-%m-%dT%H-%M-%SZ}.json", told)
    ports.recipients.publish(explanation.subject, explanation.text)
    return told


def _explain(
    settings: Settings,
    pipeline: Pipeline,
    ports: Ports,
    page: Page,
    on: Sequence[AlarmState],
    now: datetime,
) -> Explanation:
    """Tell of each alarm once; those that the same report explains are told together."""
    # The alarms of one page ask for the same.
    load = cache(ports.reports.load)
    next_step = cache(lambda reason: what_happens_next(reason, pipeline, ports.known, now))
    found: dict[str, Finding] = {}
    for alarm in on:
        subject, finding = alarm.name, described(pipeline.name, alarm.description, alarm.reason)
        if alarm.metric in _ON_DRIFT and (report := load(DRIFT)) and report["drifted"]:
            look = _look(settings, ports.reports, report)
            subject, finding = DRIFT, drifted(report, next_step("drift"), look)
        elif alarm.metric in _WITH_FIGURES and (report := load(QUALITY)):
            finding = _with_figures(finding, report, _look(settings, ports.reports, report))
        if alarm.metric in _ON_QUALITY:
            finding = replace(finding, next_step=next_step("quality"))
        found.setdefault(subject, finding)
    # Somebody has set the page by hand, or all is over again before anybody could look.
    findings = list(found.values()) or [described(pipeline.name, page.says, "")]
    return explain(pipeline.name, findings, settings.dashboard_link)


def _with_figures(finding: Finding, report: Mapping[str, Any], look: Sequence[tuple[str, str]]) -> Finding:
    lines = tuple(report.get("summary") or finding.lines)
    return replace(finding, lines=lines, look=tuple(look) or finding.look)


def _look(settings: Settings, reports: Reports, report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return where the report lies, with its pictures if there are any."""
    key = report.get("report_key")
    if not key:
        return []
    page = f"{key.removesuffix('.json')}.html"
    pictures = settings.page_links(page) if reports.has(page) else []
    return [*pictures, ("Report", f"s3://{settings.artifacts_bucket}/{key}")]


def what_happens_next(reason: Reason, pipeline: Pipeline, known: Known, now: datetime) -> str:
    """Say whether the alarm trains now, by the same rules as the guard that decides it."""
    situation = situation_of(reason, known, pipeline, now)
    if situation.running:
        return "a training is running; the model it makes is compared with the one in service."
    verdict = decide(policy_of(pipeline), situation)
    return (
        f"retraining starts now, with {verdict.why}."
        if verdict.proceed
        else f"no retraining yet: {verdict.why}."
    )


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    settings, pipeline, ports = _deps()
    return explain_alarm(settings, pipeline, ports, Page.of(event), datetime.now(UTC))
