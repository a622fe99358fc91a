"""Composite alarms of the local cloud: rules, what is told of them, and suppressors, by a clock of its own."""

import json
from types import SimpleNamespace

import pytest
from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from local_cloud.repairs import alarm_actions, composite_alarms
from local_cloud.repairs.alarm_suppression import Hold, Periods, begin, go_on

ARN = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:"
PERIODS = Periods(wait_s=120, extension_s=180)


class Cloud:
    """The emulator's alarms, without the emulator: what they tell is written down."""

    def __init__(self):
        self.now, self.events, self.acted = 1000.0, [], []

    def put(self, name, state="OK"):
        cloudwatch._alarms[name] = {
            "AlarmName": name,
            "AlarmArn": f"{ARN}{name}",
            "StateValue": state,
            "StateUpdatedTimestamp": self.now,
        }

    def set(self, name, state):
        alarm = cloudwatch._alarms[name]
        alarm.update(StateValue=state, StateUpdatedTimestamp=self.now)
        cloudwatch._evaluate_parent_alarms(alarm)
        self.look()

    def compose(self, rule, **fields):
        request = {
            "AlarmName": "whole",
            "AlarmRule": rule,
            "AlarmActions": ["told"],
            "OKActions": ["over"],
            **fields,
        }
        status, _, body = cloudwatch._put_composite_alarm({}, request, False, True)
        return status, json.loads(body) if body else {}

    @property
    def whole(self):
        return cloudwatch._composite_alarms["whole"]

    def look(self, *, after=0.0):
        """Let time pass, as the ticker does."""
        self.now += after
        if cloudwatch._composite_alarms.get("whole", {}).get("ActionsSuppressedBy"):
            alarm_actions.tell_release(self.whole, self.now)


@pytest.fixture
def cloud(monkeypatch):
    cloud = Cloud()
    monkeypatch.setattr(alarm_actions, "time", SimpleNamespace(time=lambda: cloud.now))
    monkeypatch.setattr(cloudwatch, "_dispatch_alarm_actions", alarm_actions._tell_state_change)
    keeping = composite_alarms._keeping_suppressors(cloudwatch._put_composite_alarm)
    monkeypatch.setattr(cloudwatch, "_put_composite_alarm", keeping)
    monkeypatch.setattr(
        alarm_actions,
        "_send_event",
        lambda alarm, previous: cloud.events.append(alarm_actions.event_detail(alarm, previous)),
    )
    monkeypatch.setattr(
        alarm_actions, "_act", lambda action, alarm, previous: cloud.acted.append((cloud.now, action))
    )
    with request_scope("123456789012", "us-east-1"):
        for name in ("a", "b", "quiet"):
            cloud.put(name)
        yield cloud
        cloudwatch._alarms.clear()
        cloudwatch._composite_alarms.clear()


@pytest.mark.parametrize(
    ("rule", "a", "b", "expected"),
    [
        ("ALARM(a) OR ALARM(b)", "OK", "ALARM", "ALARM"),
        ("ALARM(a) AND ALARM(b)", "OK", "ALARM", "OK"),
        ("ALARM(a) AND ALARM(b)", "ALARM", "ALARM", "ALARM"),
        ("ALARM(a) AND NOT ALARM(b)", "ALARM", "OK", "ALARM"),
        ("ALARM(a) AND NOT ALARM(b)", "ALARM", "ALARM", "OK"),
        ("OK(a) AND INSUFFICIENT_DATA(b)", "OK", "INSUFFICIENT_DATA", "ALARM"),
        ("NOT (OK(a) OR OK(b))", "ALARM", "INSUFFICIENT_DATA", "ALARM"),
        ("ALARM(a) OR ALARM(b) AND FALSE", "ALARM", "OK", "ALARM"),  # AND binds closer
        ("(ALARM(a) OR ALARM(b)) AND FALSE", "ALARM", "OK", "OK"),
        (f'ALARM("{ARN}a")', "ALARM", "OK", "ALARM"),
        ("TRUE", "OK", "OK", "ALARM"),
    ],
)
def test_a_rule_is_evaluated_as_cloudwatch_does(cloud, rule, a, b, expected):
    cloud.put("a", a)
    cloud.put("b", b)

    assert cloud.compose(rule)[0] == 200
    assert cloud.whole["StateValue"] == expected


@pytest.mark.parametrize("rule", ["ALARM(a) XOR ALARM(b)", "ALARM(gone)", "ALARM(a", ""])
def test_a_rule_that_cannot_be_evaluated_is_refused(cloud, rule):
    status, answer = cloud.compose(rule)

    assert status == 400
    assert answer["message"]
    assert "whole" not in cloudwatch._composite_alarms


def test_one_cause_is_told_once_however_many_alarms_go_off(cloud):
    cloud.compose("ALARM(a) OR ALARM(b)")
    cloud.acted.clear()

    for name, state in (("a", "ALARM"), ("b", "ALARM"), ("a", "OK"), ("b", "OK")):
        cloud.set(name, state)

    assert [action for _, action in cloud.acted] == ["told", "over"]


def test_the_event_names_rule_state_and_what_set_it_off(cloud):
    cloud.compose("ALARM(a) OR ALARM(b)")

    cloud.set("b", "ALARM")

    event = cloud.events[-1]
    assert event["alarmName"] == "whole"
    assert event["configuration"] == {"alarmRule": "ALARM(a) OR ALARM(b)"}
    assert (event["previousState"]["value"], event["state"]["value"]) == ("OK", "ALARM")
    (triggering,) = json.loads(event["state"]["reasonData"])["triggeringAlarms"]
    assert triggering["arn"] == f"{ARN}b"


def suppressed(cloud):
    status, answer = cloud.compose(
        "ALARM(a)",
        ActionsSuppressor="quiet",
        ActionsSuppressorWaitPeriod=120,
        ActionsSuppressorExtensionPeriod=180,
    )
    assert status == 200, answer
    cloud.acted.clear()


def test_an_alarm_with_a_suppressor_waits_for_it_and_then_acts(cloud):
    suppressed(cloud)

    cloud.set("a", "ALARM")
    assert cloud.whole["ActionsSuppressedBy"] == "WaitPeriod"
    cloud.look(after=119)
    assert cloud.acted == []
    cloud.look(after=1)

    assert cloud.acted == [(1120.0, "told")]
    assert "ActionsSuppressedBy" not in cloud.whole
    event = cloud.events[-1]
    assert event["previousState"]["actionsSuppressedBy"] == "WaitPeriod"
    assert event["previousState"]["actionsSuppressedReason"] == "Actions suppressed by WaitPeriod"
    assert "actionsSuppressedBy" not in event["state"]
    assert event["configuration"]["actionsSuppressorWaitPeriod"] == 120


def test_a_suppressor_that_comes_in_time_holds_until_it_is_over_and_a_while_longer(cloud):
    suppressed(cloud)

    cloud.set("a", "ALARM")
    cloud.look(after=60)
    cloud.set("quiet", "ALARM")
    assert cloud.whole["ActionsSuppressedBy"] == "Alarm"
    cloud.look(after=86_400)
    cloud.set("quiet", "OK")
    assert cloud.whole["ActionsSuppressedBy"] == "ExtensionPeriod"
    cloud.look(after=179)
    assert cloud.acted == []
    cloud.look(after=1)

    assert [action for _, action in cloud.acted] == ["told"]


def test_what_is_over_before_anybody_was_told_is_never_told(cloud):
    suppressed(cloud)

    cloud.set("quiet", "ALARM")
    cloud.set("a", "ALARM")
    cloud.set("quiet", "OK")
    cloud.look(after=60)
    cloud.set("a", "OK")
    cloud.look(after=600)

    assert cloud.acted == []
    assert "ActionsSuppressedBy" not in cloud.whole


def test_what_was_told_is_told_to_be_over(cloud):
    suppressed(cloud)

    cloud.set("a", "ALARM")
    cloud.look(after=120)
    cloud.set("a", "OK")

    assert [action for _, action in cloud.acted] == ["told", "over"]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"ActionsSuppressor": "quiet", "ActionsSuppressorWaitPeriod": 120}, "ExtensionPeriod"),
        (
            {
                "ActionsSuppressor": "gone",
                "ActionsSuppressorWaitPeriod": 1,
                "ActionsSuppressorExtensionPeriod": 1,
            },
            "does not exist",
        ),
    ],
)
def test_half_a_suppressor_is_refused(cloud, fields, fault):
    status, answer = cloud.compose("ALARM(a)", **fields)

    assert status == 400
    assert fault in answer["message"]


@pytest.mark.parametrize(
    ("hold", "suppressing", "now", "expected"),
    [
        (Hold("WaitPeriod", 1120.0), False, 1119.9, Hold("WaitPeriod", 1120.0)),
        (Hold("WaitPeriod", 1120.0), True, 1119.9, Hold("Alarm")),
        (Hold("Alarm"), True, 9e9, Hold("Alarm")),
        (Hold("ExtensionPeriod", 1180.0), False, 1180.0, None),
        (Hold("ExtensionPeriod", 1180.0), True, 1180.0, Hold("Alarm")),
    ],
)
def test_holding_goes_on_as_the_periods_say(hold, suppressing, now, expected):
    assert go_on(hold, suppressing, PERIODS, now) == expected


def test_without_periods_nothing_is_held_but_by_the_suppressor_itself():
    none = Periods(0, 0)

    assert begin(False, none, 0) is None
    assert begin(True, none, 0) == Hold("Alarm")
    assert go_on(Hold("Alarm"), False, none, 0) is None
