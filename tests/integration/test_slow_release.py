"""What the alarm on a release's latency says of models that are slow: made as a release makes it, judged as CloudWatch judges."""

import boto3
import pytest
from moto import mock_aws

from headrace.aws.release_alarms import ReleaseAlarms
from headrace.config.release import ReleaseLimits
from local_cloud.repairs.alarm_evaluation import Datapoint, Rule, judge
from local_cloud.repairs.metric_math import Grid, evaluate

MINUTES = (0.0, 60.0, 120.0)
ABSOLUTE, RELATIVE = (
    ReleaseLimits(latency_p99_ms=200, latency_p99_factor=None),
    ReleaseLimits(latency_p99_factor=2),
)


def alarm_of(limits):
    with mock_aws():
        cloudwatch = boto3.client("cloudwatch", region_name="us-east-1")
        ReleaseAlarms(cloudwatch, "bike").make("headrace-bike", "v3", "v4", limits)
        return cloudwatch.describe_alarms(AlarmNames=["headrace-bike-release-latency"])["MetricAlarms"][0]


def state(limits, *, champion_ms, challenger_ms):
    """Return the state after three minutes with these 99th percentiles; None where nobody asked."""
    alarm = alarm_of(limits)
    latency = {
        id: {start: 1000.0 * ms for start, ms in zip(MINUTES, taken, strict=True) if ms is not None}
        for id, taken in (("champion", champion_ms), ("challenger", challenger_ms))
    }
    (expression,) = [query["Expression"] for query in alarm["Metrics"] if "Expression" in query]
    share = evaluate(expression, latency, Grid(MINUTES, 60))
    rule = Rule(
        alarm["ComparisonOperator"],
        alarm["Threshold"],
        alarm["EvaluationPeriods"],
        alarm["DatapointsToAlarm"],
        alarm["TreatMissingData"],
    )
    return judge([Datapoint(t, share[t]) if t in share else None for t in MINUTES], rule, "OK").state


@pytest.mark.parametrize(
    ("limits", "challenger_ms", "expected"),
    [
        (ABSOLUTE, (150, 160, 170), "OK"),
        (ABSOLUTE, (250, 160, 170), "OK"),  # one slow start is nothing
        (ABSOLUTE, (150, 250, 260), "ALARM"),
        (RELATIVE, (90, 95, 85), "OK"),
        (RELATIVE, (120, 95, 85), "OK"),
        (RELATIVE, (120, 95, 110), "ALARM"),
        (RELATIVE, (None, 120, 110), "ALARM"),  # its first minutes
        (RELATIVE, (None, None, 120), "OK"),
    ],
)
def test_a_challenger_that_stays_slow_sets_the_alarm_off(limits, challenger_ms, expected):
    found = state(limits, champion_ms=(50, 50, 50), challenger_ms=challenger_ms)

    assert found == expected


def test_without_a_champion_to_compare_with_nothing_is_slow():
    assert state(RELATIVE, champion_ms=(None, None, None), challenger_ms=(500, 600, 700)) == "OK"
