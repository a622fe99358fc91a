"""Undo a failed deployment: one step per call, until the endpoint is as it was before."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Protocol

import boto3
from aws_lambda_powertools import Logger

from headrace.aws.endpoints import Endpoint, Endpoints
from headrace.aws.metrics import PipelineMetrics
from headrace.aws.registry import Registry
from headrace.aws.training_log import Champion, LastTraining, TrainingLog
from headrace.config.bundle import bundled_pipeline

logger = Logger()


class LiveEndpoints(Protocol):
    """What this function needs from SageMaker's hosting."""

    def find(self, name: str) -> Endpoint | None:
        """Describe the endpoint."""
        ...

    def point_to(self, name: str, config: str) -> None:
        """Begin to move the endpoint to another configuration."""
        ...

    def delete_step(self, name: str) -> bool:
        """Go one step towards the endpoint's deletion."""
        ...

    def delete_deployment(self, name: str) -> None:
        """Delete the configuration and the model of one deployment."""
        ...


class Packages(Protocol):
    """What this function needs from the model registry."""

    def reject(self, arn: str, why: str) -> None:
        """Mark a package as rejected."""
        ...


class Log(Protocol):
    """What this function needs from the ledger."""

    def champion(self) -> Champion | None:
        """Return the model in service."""
        ...

    def last(self) -> LastTraining | None:
        """Return how the last training ended."""
        ...

    def record(self, training: LastTraining) -> None:
        """Write down how the last training ended."""
        ...

    def release(self, kind: str, execution: str) -> None:
        """Give the lock back."""
        ...


class Metrics(Protocol):
    """What this function needs from CloudWatch."""

    def put(self, metrics: Mapping[str, float]) -> None:
        """Emit counts."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    endpoints: LiveEndpoints
    packages: Packages
    log: Log
    metrics: Metrics


@cache
def _deps() -> Ports:
    client = boto3.client("sagemaker")
    table = boto3.resource("dynamodb").Table(os.environ["LEDGER_TABLE"])
    metrics = PipelineMetrics(bundled_pipeline().name)
    return Ports(Endpoints(client), Registry(client), TrainingLog(table), metrics)


def roll_back_deployment(event: Mapping[str, Any], ports: Ports) -> dict[str, Any]:
    """Go one step back; ``done`` says whether it was the last. Calling it again never does harm."""
    plan, error = event["plan"], event.get("error") or {}
    why = f"{error.get('Error', 'error')}: {error.get('Cause', '')}"[:1000]
    if plan.get("action") == "deploy":
        if not _endpoint_is_back(plan, ports.endpoints):
            return {"done": False, "why": why}
        ports.endpoints.delete_deployment(plan["name"])
        ports.packages.reject(plan["model_package_arn"], f"the deployment failed: {why}")
        _forget_model(ports.log)
    ports.log.release("deployment", event["execution"])
    ports.metrics.put({"DeploymentFailed": 1})
    logger.error(why, extra={"deployment": plan.get("name")})
    return {"done": True, "why": why}


def _endpoint_is_back(plan: Mapping[str, Any], endpoints: LiveEndpoints) -> bool:
    """Lead the endpoint back to what it was; tell whether it is there."""
    if not plan["endpoint_exists"]:
        return endpoints.delete_step(plan["endpoint"])
    endpoint = endpoints.find(plan["endpoint"])
    if endpoint is None:
        return True  # somebody has deleted it: there is nothing to lead back
    if endpoint.settled and endpoint.config == plan["name"]:
        endpoints.point_to(plan["endpoint"], plan["previous_config"])
        return False
    return endpoint.settled


def _forget_model(log: Log) -> None:
    """Without a model in service, the next data may train a first one again."""
    last = log.last()
    if last is not None and log.champion() is None:
        log.record(replace(last, has_model=False))


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return roll_back_deployment(event, _deps())
