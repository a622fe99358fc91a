"""Percentiles of the local cloud's metrics: of alarms, of GetMetricData, of GetMetricStatistics."""

import json

import pytest
from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from local_cloud.repairs.metric_math import Grid
from local_cloud.repairs.metric_queries import answer

DIMENSIONS = [{"Name": "EndpointName", "Value": "e"}, {"Name": "VariantName", "Value": "v1"}]
METRIC = {"Namespace": "AWS/SageMaker", "MetricName": "ModelLatency", "Dimensions": DIMENSIONS}
START = 1_795_446_000


@pytest.fixture
def latencies():
    """One to a hundred milliseconds, in an order of their own, within five minutes."""
    with request_scope("123456789012", "us-east-1"):
        data = [
            {
                "MetricName": "ModelLatency",
                "Dimensions": DIMENSIONS,
                "Value": 1000.0 * (1 + n * 37 % 100),
                "Unit": "Microseconds",
                "Timestamp": START + 2.9 * n,
            }
            for n in range(100)
        ]
        cloudwatch._put_metric_data(
            {}, {"Namespace": "AWS/SageMaker", "MetricData": data}, False, is_json=True
        )
        yield
        cloudwatch._metrics.clear()


@pytest.mark.parametrize(("statistic", "expected"), [("p50", 50_500), ("p99", 99_010), ("p99.9", 99_901)])
def test_percentiles_of_what_was_put_are_the_same_everywhere(latencies, statistic, expected):
    queries = [{"Id": "m", "MetricStat": {"Metric": METRIC, "Period": 300, "Stat": statistic}}]
    request = {
        **METRIC,
        "StartTime": START,
        "EndTime": START + 300,
        "Period": 300,
        "ExtendedStatistics": [statistic],
    }

    (watched,) = answer(queries, Grid((float(START),), 300))["m"].values()
    _, _, body = cloudwatch._get_metric_statistics({}, request, False, True)
    (point,) = json.loads(body)["Datapoints"]

    assert watched == pytest.approx(expected)
    assert point["ExtendedStatistics"][statistic] == pytest.approx(expected)


def test_the_largest_of_all_variants_is_found_and_percentiles_of_a_query_are_none(latencies):
    text = "SELECT {}(ModelLatency) FROM SCHEMA(\"AWS/SageMaker\", EndpointName, VariantName) WHERE EndpointName = 'e'"
    grid = Grid((float(START),), 300)

    assert answer([{"Id": "q", "Expression": text.format("MAX")}], grid)["q"] == {START: 100_000.0}
    with pytest.raises(Exception, match=r"P99|expression|q"):
        answer([{"Id": "q", "Expression": text.format("P99")}], grid)
