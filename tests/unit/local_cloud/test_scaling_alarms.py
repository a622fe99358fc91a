import pytest

from local_cloud.repairs.alarm_evaluation import Datapoint, Verdict
from local_cloud.repairs.scaling_alarms import Call, ScalingAlarms

POLICY = "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:1:resource/sagemaker/e:policyName/p"
ALARM = {"AlarmName": "load", "Threshold": 600, "AlarmActions": ["arn:aws:sns:us-east-1:1:topic", POLICY]}
ON = Verdict("ALARM", "", (Datapoint(997, 900.0), Datapoint(996, 700.0)))


@pytest.fixture
def calls():
    return []


def test_an_alarm_that_is_on_calls_its_policies_with_the_newest_value(calls):
    ScalingAlarms(60, calls.append).call(ALARM, ON)

    assert calls == [Call(POLICY, "load", 900.0, 600.0)]


@pytest.mark.parametrize(
    ("alarm", "verdict"),
    [
        (ALARM, Verdict("OK", "", ON.points)),
        (ALARM, Verdict("ALARM", "", ())),
        ({**ALARM, "ActionsEnabled": False}, ON),
        ({**ALARM, "AlarmActions": []}, ON),
    ],
)
def test_nothing_is_called_otherwise(calls, alarm, verdict):
    ScalingAlarms(60, calls.append).call(alarm, verdict)

    assert calls == []


def test_without_hurry_a_minute_is_a_minute(calls):
    alarms = ScalingAlarms(1, calls.append)

    assert alarms.grid(60, periods=1, now=1000.5).starts == (780, 840, 900)
    assert alarms.as_whole_periods([Datapoint(900, 10.0)], "Sum", 60) == [Datapoint(900, 10.0)]


def test_a_second_stands_for_ten_but_is_never_cut(calls):
    alarms = ScalingAlarms(60, calls.append)

    assert alarms.grid(10, periods=1, now=1000.5).period_s == 1
    assert alarms.as_whole_periods([Datapoint(900, 4.0)], "Maximum", 10) == [Datapoint(900, 4.0)]
