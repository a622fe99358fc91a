"""Take in what somebody or something wants of a release: a person, an alarm, or the end of an execution that was lost."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3

from headrace.aws.executions import Executions
from headrace.aws.logs import function_logger
from headrace.aws.next_deployment import call_next
from headrace.aws.no_endpoint import endpoints_of
from headrace.aws.pipeline_events import PipelineEvents
from headrace.aws.registry import Package, Registry
from headrace.aws.release_log import TOLD, Decision, Entry, ReleaseLog, RunningRelease
from headrace.aws.task_tokens import TaskTokens
from headrace.aws.training_log import Champion, Lock, TrainingLog
from headrace.config.bundle import bundled_pipeline
from headrace.ml.privacy.redaction import redact_errors
from lambdas.decide_release.ports import Ports
from lambdas.decide_release.way_back import way_back, way_to

logger = function_logger()

_STALE_AFTER = timedelta(minutes=90)
_TOLD_PLACES = 1000


@cache
def _deps() -> Ports:
    client, pipeline = boto3.client("stepfunctions"), bundled_pipeline()
    sagemaker = boto3.client("sagemaker")
    name = pipeline.name
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    log = TrainingLog(table)
    return Ports(
        pipeline=pipeline,
        endpoints=endpoints_of(pipeline, sagemaker, log),
        packages=Registry(sagemaker),
        log=log,
        releases=ReleaseLog(table),
        tokens=TaskTokens(client),
        executions=Executions(client),
        events=PipelineEvents(boto3.client("events"), name),
    )


@dataclass(frozen=True)
class Asked:
    """What came in: the execution that was started by it, and when."""

    execution: str
    now: datetime


def decide_release(event: Mapping[str, Any], ports: Ports, now: datetime) -> dict[str, Any]:
    """Answer with ``action``: ``told``; ``withdraw``, ``roll_back`` or ``deploy`` with a plan; or ``nothing``; ``why`` is for people.

    Parameters
    ----------
    event : mapping
        ``request`` is ``{"decision": "promote" | "rollback", "by": …, "why": …}``, a rollback with the ``version`` to go back to
        if that is not the last good one; or the detail of an event: of an alarm that went off, or of an execution that was
        aborted or ran out of time.
    """
    request, asked = event["request"], Asked(event["execution"], now)
    if "alarmName" in request:
        answer = _alarm_went_off(request, ports, asked)
    elif "executionArn" in request:
        answer = _execution_was_lost(request, ports, asked)
    else:
        answer = _somebody_decided(_decision(request), _version(request), ports, asked)
    logger.info(answer["why"], extra={"action": answer["action"]})
    return answer


def _decision(request: Mapping[str, Any]) -> Decision:
    if request.get("decision") not in ("promote", "rollback"):
        raise ValueError("a decision is promote or rollback: see docs/releases.md")
    return Decision(
        str(request["decision"]),
        str(request.get("by") or "unknown"),
        str(request.get("why") or "no reason given"),
    )


def _version(request: Mapping[str, Any]) -> int | None:
    """Return the version to go back to, if one is named."""
    version = request.get("version")
    if version is not None and (not isinstance(version, int) or version < 1):
        raise ValueError("a version is a number from 1 on: see docs/versions.md")
    return version


def _somebody_decided(decision: Decision, version: int | None, ports: Ports, asked: Asked) -> dict[str, Any]:
    running = ports.releases.running()
    if running is None:
        if decision.what == "rollback":
            return _go_back(decision, version, ports, asked)
        return _nothing("no release runs, so there is nothing to promote")
    if not ports.executions.is_running(running.execution):
        return _take_over(running, f"{decision.by}: {decision.why}", ports, asked)
    if version is not None or not running.plan.get("release"):
        return _nothing(f"v{running.plan['version']} is being deployed: wait for its end, then decide")
    return _tell(running, decision, ports, asked)


def _tell(running: RunningRelease, decision: Decision, ports: Ports, asked: Asked) -> dict[str, Any]:
    """Write the decision down, where the execution finds it the next time it waits, and wake it if it waits now."""
    told = ports.releases.decide(running.execution, decision)
    if told is None:
        return _nothing("the release has just ended")
    place = TOLD + int(hashlib.sha256(asked.execution.encode()).hexdigest(), 16) % _TOLD_PLACES
    said = {"at": asked.now.isoformat(), "by": decision.by, "execution": asked.execution}
    why = f"{decision.what}: {decision.why}"
    ports.releases.add(Entry.of(running.plan, place, "told", running.share, why=why, **said))
    ports.tokens.wake(told.token, {"what": decision.what, "by": decision.by, "why": decision.why})
    why = f"the release of v{running.plan['version']} was told to {decision.what}"
    return {"action": "told", "execution": running.execution, "why": why}


def _alarm_went_off(request: Mapping[str, Any], ports: Ports, asked: Asked) -> dict[str, Any]:
    running = ports.releases.running()
    if running is None:
        return _nothing("no release runs")
    alarm, why = str(request["alarmName"]), str(request.get("state", {}).get("reason", ""))
    woken = ports.tokens.wake(running.token, {"what": "look", "by": alarm, "why": why})
    if not woken and not ports.executions.is_running(running.execution):
        return _take_over(running, f"{alarm}: {why}", ports, asked)
    return {"action": "told", "execution": running.execution, "why": f"the alarm {alarm} went off"}


def _execution_was_lost(request: Mapping[str, Any], ports: Ports, asked: Asked) -> dict[str, Any]:
    lost, running = str(request["executionArn"]), ports.releases.running()
    if running is not None and running.execution == lost:
        return _take_over(running, f"its execution ended as {request['status']}", ports, asked)
    ports.log.release("deployment", lost)
    call_next(ports.releases, ports.events)
    return _nothing("the execution has left nothing behind")


def _take_over(running: RunningRelease, why: str, ports: Ports, asked: Asked) -> dict[str, Any]:
    """Have this execution withdraw what one that has ended has left."""
    lock = Lock(asked.execution, asked.now.isoformat(), f"v{running.plan['version']}")
    ports.log.take_over("deployment", lock, of=running.execution)
    adopted = ports.releases.adopt(running.execution, by=asked.execution)
    if adopted is None:
        return _nothing("somebody else has taken it over")
    return {"action": "withdraw", "plan": dict(adopted.plan), "why": why}


def _go_back(decision: Decision, version: int | None, ports: Ports, asked: Asked) -> dict[str, Any]:
    """Go back to the last good version, whose deployment is kept; or to any approved one, whose deployment is made again."""
    champion, endpoint = ports.log.champion(), ports.endpoints.find(ports.endpoint)
    back = champion.way_back if champion else None
    if champion is None or (back is None and version is None):
        return _nothing("no earlier version is kept that one could go back to: name an approved one")
    if endpoint is None or endpoint.status != "InService":
        status = endpoint.status if endpoint else "gone"
        return _nothing(f"the endpoint is {status}: it has to be InService")
    if back is not None and version in (None, back.version):
        plan = way_back(ports.endpoint, champion, back, decision, asked.now)
    else:
        package = ports.packages.find(f"{champion.model_package_arn.rpartition('/')[0]}/{version}")
        if why_not := _unfit(package, version, champion):
            return _nothing(why_not)
        assert package is not None
        plan = way_to(asked.execution, ports.pipeline, package, endpoint, champion, decision, asked.now)
    lock = Lock(asked.execution, asked.now.isoformat(), f"v{plan['version']}")
    other = ports.log.acquire("deployment", lock, stale_after=_STALE_AFTER)
    if other is not None:
        return _nothing(f"{other.execution} is deploying {other.reason}: wait for its end, then decide")
    ports.releases.begin(RunningRelease(asked.execution, plan, 0, 0.0, asked.now.isoformat()))
    why = f"from v{champion.version} back to v{plan['version']}"
    return {"action": plan["action"], "plan": plan, "why": why}


def _unfit(package: Package | None, version: int | None, champion: Champion) -> str | None:
    """Say why a version cannot be gone back to."""
    if version == champion.version:
        return f"v{version} is in service already"
    if package is None:
        return f"there is no v{version}"
    if package.status != "Approved":
        return f"v{version} is {package.status}, and only an approved version can be gone back to: approving it deploys it"
    return None


def _nothing(why: str) -> dict[str, Any]:
    return {"action": "nothing", "why": why}


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return decide_release(event, _deps(), datetime.now(UTC))
