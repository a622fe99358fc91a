"""Delete the configurations and models of earlier deployments, and let the next deployment begin."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.endpoints import Endpoints
from headrace.aws.training_log import TrainingLog


class Deployments(Protocol):
    """What this function needs from SageMaker's hosting."""

    def delete_unused(self, endpoint: str, *, keep: frozenset[str]) -> list[str]:
        """Delete the deployments of an endpoint, but for those to keep."""
        ...


class Log(Protocol):
    """What this function needs from the ledger."""

    def release(self, kind: str, execution: str) -> None:
        """Give the lock back."""
        ...


@cache
def _deps() -> tuple[Endpoints, TrainingLog]:
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    return Endpoints(boto3.client("sagemaker")), TrainingLog(table)


def remove_previous(event: Mapping[str, Any], deployments: Deployments, log: Log) -> dict[str, Any]:
    """Delete all but the live deployment, then give the lock back, whatever happens."""
    plan = event["plan"]
    try:
        removed = deployments.delete_unused(plan["endpoint"], keep=frozenset({plan["name"]}))
    finally:
        log.release("deployment", event["execution"])
    return {"version": plan["version"], "endpoint": plan["endpoint"], "removed": removed}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return remove_previous(event, *_deps())
