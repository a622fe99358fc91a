"""Keep a share of the requests for a while: note what wakes the execution before the time is over."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.alarm_states import AlarmState
from headrace.aws.logs import function_logger
from headrace.aws.release_alarms import ReleaseAlarms
from headrace.aws.release_log import BEGAN, Entry, ReleaseLog, RunningRelease
from headrace.aws.task_tokens import TaskTokens
from headrace.config.bundle import bundled_pipeline
from headrace.ml.privacy.redaction import redact_errors

logger = function_logger()


class Alarms(Protocol):
    """What this function needs from CloudWatch."""

    def firing(self) -> Sequence[AlarmState]:
        """Return the alarms of the release that are on."""
        ...


class Log(Protocol):
    """What this function needs from the ledger."""

    def running(self) -> RunningRelease | None:
        """Return the release that runs."""
        ...

    def keep(self, release: RunningRelease) -> RunningRelease:
        """Write down how far the release has come, and return it with what was decided meanwhile."""
        ...

    def add(self, entry: Entry) -> bool:
        """Write a line of the history."""
        ...


class Tokens(Protocol):
    """What this function needs from Step Functions."""

    def wake(self, token: str, answer: Mapping[str, Any]) -> bool:
        """Hand an answer to the task that waits."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    alarms: Alarms
    log: Log
    tokens: Tokens


@cache
def _deps() -> Ports:
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    alarms = ReleaseAlarms(boto3.client("cloudwatch"), bundled_pipeline().name)
    return Ports(alarms, ReleaseLog(table), TaskTokens(boto3.client("stepfunctions")))


def hold_release(event: Mapping[str, Any], ports: Ports, now: datetime) -> dict[str, Any]:
    """Note the token of the execution, and wake it at once if that is wanted already.

    An alarm may have gone off, and somebody may have decided, while the execution was busy and nobody could wake it.
    """
    release = ports.log.keep(_release(event, ports.log.running(), now))
    if ports.log.add(_shifted(event, now)):
        logger.info("share changed", extra={"version": event["plan"]["version"], "share": event["share"]})
    answer = _wanted(release, ports.alarms)
    if answer is not None:
        ports.tokens.wake(event["token"], answer)
    return {"woken": answer is not None}


def _release(event: Mapping[str, Any], before: RunningRelease | None, now: datetime) -> RunningRelease:
    goes_on = before is not None and before.token and before.step == event["step"]
    return RunningRelease(
        execution=event["execution"],
        plan=event["plan"],
        step=event["step"],
        share=event["share"],
        since=before.since if before is not None and goes_on else now.isoformat(),
        token=event["token"],
        judged=event["judged"],
    )


def _shifted(event: Mapping[str, Any], now: datetime) -> Entry:
    return Entry.of(
        event["plan"],
        BEGAN + 1 + event["step"],
        "shifted",
        event["share"],
        at=now.isoformat(),
        by="release",
        why=event["judged"].get("why") or "the first share",
        execution=event["execution"],
    )


def _wanted(release: RunningRelease, alarms: Alarms) -> dict[str, str] | None:
    if release.decision is not None:
        return {"what": release.decision.what, "by": release.decision.by, "why": release.decision.why}
    for alarm in alarms.firing():
        return {"what": "look", "by": alarm.name, "why": alarm.reason}
    return None


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return hold_release(event, _deps(), datetime.now(UTC))
