"""Make the alarms that withdraw a release, before the challenger gets its first request."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.logs import function_logger
from headrace.aws.release_alarms import ReleaseAlarms
from headrace.aws.release_log import BEGAN, Entry, ReleaseLog
from headrace.config.bundle import bundled_pipeline
from headrace.config.release import Release, ReleaseLimits
from headrace.ml.privacy.redaction import redact_errors

logger = function_logger()


class Alarms(Protocol):
    """What this function needs from CloudWatch."""

    def make(self, endpoint: str, champion: str, challenger: str, limits: ReleaseLimits) -> list[str]:
        """Make the alarms, and return their names."""
        ...


class Log(Protocol):
    """What this function needs from the ledger."""

    def add(self, entry: Entry) -> bool:
        """Write a line of the history."""
        ...


@cache
def _deps() -> tuple[Release, ReleaseAlarms, ReleaseLog]:
    pipeline = bundled_pipeline()
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    alarms = ReleaseAlarms(boto3.client("cloudwatch"), pipeline.name)
    return pipeline.release, alarms, ReleaseLog(table)


def begin_release(
    event: Mapping[str, Any], release: Release, alarms: Alarms, log: Log, now: datetime
) -> dict[str, Any]:
    """Make the alarms of ``event["plan"]``, note that the release begins, and return its first share."""
    plan = event["plan"]
    planned = plan["release"]
    made = alarms.make(
        plan["endpoint"], planned["champion"]["variant"], planned["challenger"]["variant"], release.limits
    )
    why = f"{plan['why']}; v{plan['against']} is in service"
    said = {"at": now.isoformat(), "by": plan["by"], "why": why, "execution": event["execution"]}
    log.add(Entry.of(plan, BEGAN, "began", 0.0, **said))
    logger.info("release began", extra={"version": plan["version"], "strategy": planned["strategy"]})
    return {"share": planned["shares"][0], "alarms": made}


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return begin_release(event, *_deps(), datetime.now(UTC))
