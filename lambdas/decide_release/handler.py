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
from aws_lambda_powertools import Logger

from headrace.aws.executions import Executions
from headrace.aws.next_deployment import call_next
from headrace.aws.no_endpoint import endpoints_of
from headrace.aws.pipeline_events import PipelineEvents
from headrace.aws.release_log import TOLD, Decision, Entry, ReleaseLog, RunningRelease
from headrace.aws.task_tokens import TaskTokens
from headrace.aws.training_log import Lock, TrainingLog
from headrace.config.bundle import bundled_pipeline
from lambdas.decide_release.ports import Ports
from lambdas.decide_release.way_back import way_back

logger = Logger()

_STALE_AFTER = timedelta(minutes=90)
_TOLD_PLACES = 1000


@cache
def _deps() -> Ports:
    client, pipeline = boto3.client("stepfunctions"), bundled_pipeline()
    name = pipeline.name
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    log = TrainingLog(table)
    return Ports(
        endpoint=f"headrace-{name}",
        endpoints=endpoints_of(pipeline, boto3.client("sagemaker"), log),
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
    """Answer with ``action``: ``told``, ``withdraw`` or ``roll_back`` with a plan, or ``nothing``; ``why`` is for people.

    Parameters
    ----------
    event : mapping
        ``request`` is ``{"decision": "promote" | "rollback", "by": …, "why": …}``, or the detail of an event: of an alarm
        that went off, or of an execution that was aborted or ran out of time.
    """
    request, asked = event["request"], Asked(event["execution"], now)
    if "alarmName" in request:
        answer = _alarm_went_off(request, ports, asked)
    elif "executionArn" in request:
        answer = _execution_was_lost(request, ports, asked)
    else:
        answer = _somebody_decided(_decision(request), ports, asked)
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


def _somebody_decided(decision: Decision, ports: Ports, asked: Asked) -> dict[str, Any]:
    running = ports.releases.running()
    if running is None:
        if decision.what == "rollback":
            return _go_back(decision, ports, asked)
        return _nothing("no release runs, so there is nothing to promote")
    if not ports.executions.is_running(running.execution):
        return _take_over(running, f"{decision.by}: {decision.why}", ports, asked)
    if not running.plan.get("release"):
        version = running.plan["version"]
        return _nothing(f"v{version} is being deployed all at once: wait for its end, then decide")
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


def _go_back(decision: Decision, ports: Ports, asked: Asked) -> dict[str, Any]:
    champion, endpoint = ports.log.champion(), ports.endpoints.find(ports.endpoint)
    back = champion.way_back if champion else None
    if champion is None or back is None:
        return _nothing("no earlier version is kept that one could go back to")
    if endpoint is None or endpoint.status != "InService":
        status = endpoint.status if endpoint else "gone"
        return _nothing(f"the endpoint is {status}: it has to be InService")
    lock = Lock(asked.execution, asked.now.isoformat(), f"v{back.version}")
    other = ports.log.acquire("deployment", lock, stale_after=_STALE_AFTER)
    if other is not None:
        return _nothing(f"{other.execution} is deploying {other.reason}: wait for its end, then decide")
    plan = way_back(ports.endpoint, champion, back, decision, asked.now)
    ports.releases.begin(RunningRelease(asked.execution, plan, 0, 0.0, asked.now.isoformat()))
    why = f"from v{champion.version} back to v{back.version}"
    return {"action": "roll_back", "plan": plan, "why": why}


def _nothing(why: str) -> dict[str, Any]:
    return {"action": "nothing", "why": why}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return decide_release(event, _deps(), datetime.now(UTC))
