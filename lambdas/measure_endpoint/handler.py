"""Measure what no alarm of CloudWatch can over all variants of an endpoint: percentiles and shares."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.endpoint_metrics import EndpointMetrics
from headrace.aws.endpoints import Endpoint, Endpoints
from headrace.aws.metrics import PipelineMetrics, Unit
from headrace.config.bundle import bundled_pipeline
from headrace.ml.privacy.redaction import redact_errors

_PERIOD = timedelta(minutes=5)
_LATE = timedelta(minutes=2)
"""How long SageMaker may take to count a request."""

P50, P99 = ("ModelLatency", "p50"), ("ModelLatency", "p99")
INVOCATIONS, CLIENT_ERRORS = ("Invocations", "Sum"), ("Invocation4XXErrors", "Sum")
PROCESSED = ("InvocationsProcessed", "Sum")
"""What an asynchronous endpoint counts instead of its invocations."""
Statistics = Mapping[tuple[str, str], float]


class Found(Protocol):
    """What this function needs from SageMaker."""

    def find(self, name: str) -> Endpoint | None:
        """Return the endpoint, or None if there is none."""
        ...


class Counted(Protocol):
    """What this function needs from CloudWatch."""

    def over(
        self, start: datetime, end: datetime, variant: str, wanted: Sequence[tuple[str, str]]
    ) -> Statistics:
        """Return statistics of one variant over one period."""
        ...


class Metrics(Protocol):
    """Where the result goes."""

    def put(self, metrics: Mapping[str, float], *, unit: Unit) -> None:
        """Emit values."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function."""

    endpoints: Found
    counted: Counted
    metrics: Metrics


@cache
def _deps() -> tuple[str, Ports]:
    name = os.environ["ENDPOINT_NAME"]
    ports = Ports(
        Endpoints(boto3.client("sagemaker")),
        EndpointMetrics(boto3.client("cloudwatch"), name),
        PipelineMetrics(bundled_pipeline().name),
    )
    return name, ports


def measure_endpoint(name: str, ports: Ports, now: datetime) -> dict[str, float]:
    """Emit the latency and the share of refused requests of the last five minutes that are counted for sure.

    Of several variants, the slowest one speaks for all: half of its callers, or one in a hundred, wait so long.

    Returns
    -------
    dict of str to float
        What was emitted; empty if nothing was asked.
    """
    start, end = last_period(now)
    endpoint = ports.endpoints.find(name)
    counted = [
        ports.counted.over(start, end, variant, (P50, P99, INVOCATIONS, PROCESSED, CLIENT_ERRORS))
        for variant in (endpoint.variants if endpoint else ())
    ]
    latency = {
        "EndpointLatencyP50": _slowest_ms(counted, P50),
        "EndpointLatencyP99": _slowest_ms(counted, P99),
    }
    share = {"EndpointClientErrorShare": _refused_share(counted)}
    milliseconds = {name: value for name, value in latency.items() if value is not None}
    shares = {name: value for name, value in share.items() if value is not None}
    ports.metrics.put(milliseconds, unit=Unit.Milliseconds)
    ports.metrics.put(shares, unit=Unit.NoUnit)
    return {**milliseconds, **shares}


def last_period(now: datetime) -> tuple[datetime, datetime]:
    """Return the last five minutes, from a multiple of five to the next, in which everything is counted.

    Examples
    --------
    >>> start, end = last_period(datetime(2026, 1, 31, 11, 6, 59, tzinfo=UTC))
    >>> start.minute, end.minute
    (55, 0)
    """
    counted = now - _LATE
    end = counted - timedelta(
        minutes=counted.minute % 5, seconds=counted.second, microseconds=counted.microsecond
    )
    return end - _PERIOD, end


def _slowest_ms(counted: Sequence[Statistics], statistic: tuple[str, str]) -> float | None:
    """Return the largest of the variants' statistics, in ms; SageMaker counts microseconds."""
    found = [statistics[statistic] for statistics in counted if statistic in statistics]
    return max(found) / 1000 if found else None


def _refused_share(counted: Sequence[Statistics]) -> float | None:
    asked = sum(statistics.get(name, 0) for statistics in counted for name in (INVOCATIONS, PROCESSED))
    refused = sum(statistics.get(CLIENT_ERRORS, 0) for statistics in counted)
    return refused / asked if asked else None


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, float]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    name, ports = _deps()
    return measure_endpoint(name, ports, datetime.now(UTC))
