"""Delete with the stack what state machines have made: endpoint, configurations, models, alarms of a release, packages."""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3

from headrace.aws.custom_resource import Context, answer
from headrace.aws.endpoints import Endpoints
from headrace.aws.registry import Registry
from headrace.aws.release_alarms import ReleaseAlarms
from headrace.config.bundle import bundled_pipeline
from headrace.ml.privacy.redaction import redact_errors

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

_POLL_S = 5.0


@cache
def _client() -> SageMakerClient:
    return boto3.client("sagemaker")


def clean_up(
    what: str,
    name: str,
    endpoints: Endpoints,
    registry: Registry,
    alarms: ReleaseAlarms,
    *,
    poll_s: float = _POLL_S,
) -> None:
    """Delete the deployment called `name`, the packages of the group of that name, or nothing; return when they are gone."""
    if what == "nothing":
        return
    if what == "model_packages":
        registry.delete_packages(name)
        return
    while not endpoints.delete_step(name):
        time.sleep(poll_s)
    endpoints.delete_unused(name, keep=frozenset())
    alarms.delete()


@redact_errors
def handler(event: dict[str, Any], context: Context) -> None:
    """Answer CloudFormation; only a deletion does something."""

    def work() -> dict[str, str]:
        if event["RequestType"] == "Delete":
            properties = event["ResourceProperties"]
            alarms = ReleaseAlarms(boto3.client("cloudwatch"), bundled_pipeline().name)
            clean_up(
                properties["What"], properties["Name"], Endpoints(_client()), Registry(_client()), alarms
            )
        return {}

    answer(event, context, work)
