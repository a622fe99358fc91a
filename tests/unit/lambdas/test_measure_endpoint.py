from datetime import UTC, datetime

import pytest

from headrace.aws.endpoints import Endpoint
from headrace.aws.metrics import Unit
from lambdas.measure_endpoint.handler import (
    CLIENT_ERRORS,
    INVOCATIONS,
    P50,
    P99,
    PROCESSED,
    Ports,
    last_period,
    measure_endpoint,
)

NOW = datetime(2026, 1, 31, 11, 2, 5, tzinfo=UTC)


class InService:
    def __init__(self, *variants):
        self._variants = variants

    def find(self, name):
        return Endpoint("InService", "c", "", self._variants) if self._variants else None


class Counted(dict):
    def over(self, start, end, variant, wanted):
        assert (end - start).total_seconds() == 300
        return {name: value for name, value in self.get(variant, {}).items() if name in wanted}


class Emitted(list):
    def put(self, metrics, *, unit):
        self.extend((name, value, unit) for name, value in metrics.items())


def measured(counted, *variants):
    ports = Ports(InService(*variants), Counted(counted), Emitted())
    measure_endpoint("headrace-bike", ports, NOW)
    return ports.metrics


def test_microseconds_of_the_model_become_milliseconds_of_the_endpoint():
    emitted = measured({"v1": {P50: 12_000.0, P99: 480_000.0, INVOCATIONS: 200.0, CLIENT_ERRORS: 10.0}}, "v1")

    assert emitted == [
        ("EndpointLatencyP50", 12.0, Unit.Milliseconds),
        ("EndpointLatencyP99", 480.0, Unit.Milliseconds),
        ("EndpointClientErrorShare", 0.05, Unit.NoUnit),
    ]


def test_the_slowest_variant_speaks_for_all_and_shares_are_of_all_requests():
    emitted = measured(
        {
            "v1": {P99: 100_000.0, INVOCATIONS: 900.0, CLIENT_ERRORS: 0.0},
            "v2": {P99: 700_000.0, INVOCATIONS: 100.0, CLIENT_ERRORS: 50.0},
        },
        "v1",
        "v2",
    )

    assert [(name, value) for name, value, _ in emitted] == [
        ("EndpointLatencyP99", 700.0),
        ("EndpointClientErrorShare", 0.05),
    ]


@pytest.mark.parametrize("variants", [(), ("v1",)])
def test_without_requests_nothing_is_measured(variants):
    assert measured({}, *variants) == []


@pytest.mark.parametrize(
    ("minute", "second", "expected"), [(2, 0, (55, 0)), (6, 59, (55, 0)), (7, 0, (0, 5)), (1, 59, (50, 55))]
)
def test_the_period_is_one_that_sagemaker_has_counted(minute, second, expected):
    start, end = last_period(NOW.replace(minute=minute, second=second, microsecond=17))

    assert (start.minute, end.minute) == expected
    assert (start.second, start.microsecond, end.second, end.microsecond) == (0, 0, 0, 0)


def test_shares_of_an_asynchronous_endpoint_are_of_what_it_has_processed():
    emitted = measured({"v1": {PROCESSED: 50.0, CLIENT_ERRORS: 5.0}}, "v1")

    assert emitted == [("EndpointClientErrorShare", 0.1, Unit.NoUnit)]
