import io
import json
import time
import zipfile

import pytest

DEADLINE_S = 20
ACCOUNT, REGION = "123456789012", "us-east-1"


class Watcher:
    """Everything that alarms tell: the events, and the notifications of a topic, in one queue each."""

    def __init__(self, client):
        self._sqs, self._sns, self._events = client("sqs"), client("sns"), client("events")
        self.events = self._queue("alarm-events", "events.amazonaws.com")
        self.notes = self._queue("alarm-notes", "sns.amazonaws.com")
        self.topic = self._sns.create_topic(Name="alarms")["TopicArn"]
        self._sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=_arn("sqs", "alarm-notes"))
        self._events.put_rule(
            Name="alarm-events",
            EventPattern=json.dumps({"detail-type": ["CloudWatch Alarm State Change"]}),
        )
        self._events.put_targets(
            Rule="alarm-events", Targets=[{"Id": "1", "Arn": _arn("sqs", "alarm-events")}]
        )

    def _queue(self, name, sender):
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": sender},
                    "Action": "sqs:SendMessage",
                    "Resource": _arn("sqs", name),
                }
            ],
        }
        return self._sqs.create_queue(QueueName=name, Attributes={"Policy": json.dumps(policy)})["QueueUrl"]

    def wait(self, queue, matches):
        """Return the first message of a queue that matches; others are put aside."""
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            answer = self._sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                body = json.loads(message["Body"])
                self._sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                if matches(body):
                    return body
        raise AssertionError("no such message")

    def event(self, alarm, state):
        return self.wait(
            self.events,
            lambda body: body["detail"]["alarmName"] == alarm and body["detail"]["state"]["value"] == state,
        )


def _arn(service, name):
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"


@pytest.fixture(scope="module")
def watcher(client):
    return Watcher(client)


@pytest.fixture
def cloudwatch(client):
    return client("cloudwatch")


@pytest.fixture
def put_alarm(cloudwatch):
    def put_alarm(name, **settings):
        defaults = {
            "Namespace": "Contract",
            "MetricName": name,
            "Statistic": "Maximum",
            "Period": 10,
            "EvaluationPeriods": 1,
            "Threshold": 0.5,
            "ComparisonOperator": "GreaterThanThreshold",
        }
        if "Metrics" in settings:
            for single in ("Namespace", "MetricName", "Period"):
                del defaults[single]
        if {"Metrics", "ExtendedStatistic"} & set(settings):
            del defaults["Statistic"]
        cloudwatch.put_metric_alarm(AlarmName=name, **{**defaults, **settings})

    return put_alarm


@pytest.fixture
def put(cloudwatch):
    def put(metric, value, *, ago_s=0, **dimensions):
        datum = {
            "MetricName": metric,
            "Value": value,
            "Timestamp": time.time() - ago_s,
            "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
        }
        cloudwatch.put_metric_data(Namespace="Contract", MetricData=[datum])

    return put


@pytest.fixture
def alarm(cloudwatch):
    def alarm(name):
        answer = cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        return [*answer["MetricAlarms"], *answer["CompositeAlarms"]][0]

    return alarm


@pytest.fixture
def becomes(alarm):
    """Wait until an alarm has a state, and return it."""

    def becomes(name, state):
        deadline = time.monotonic() + DEADLINE_S
        while (found := alarm(name))["StateValue"] != state:
            assert time.monotonic() < deadline, f"{name} stays {found['StateValue']}: {found['StateReason']}"
            time.sleep(0.2)
        return found

    return becomes


def test_an_alarm_looks_only_at_its_own_dimensions(put_alarm, put, alarm):
    put_alarm("dimensions", Dimensions=[{"Name": "endpoint", "Value": "a"}])

    put("dimensions", 0.9, endpoint="b")
    put("dimensions", 0.9)
    after_others = alarm("dimensions")["StateValue"]
    put("dimensions", 0.9, endpoint="a")

    assert (after_others, alarm("dimensions")["StateValue"]) == ("INSUFFICIENT_DATA", "ALARM")


def test_the_reason_and_its_data_are_awss(put_alarm, put, alarm):
    put_alarm("reason", Threshold=0.5)

    put("reason", 0.9)

    found = alarm("reason")
    data = json.loads(found["StateReasonData"])
    assert found["StateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints [0.9 (")
    assert found["StateReason"].endswith(
        "was greater than the threshold (0.5) (minimum 1 datapoint for OK -> ALARM transition)."
    )
    assert (data["version"], data["period"], data["statistic"]) == ("1.0", 10, "Maximum")
    assert (data["recentDatapoints"], data["threshold"]) == ([0.9], 0.5)


def test_m_of_n_datapoints_must_breach(put_alarm, put, alarm):
    put_alarm("m-of-n", EvaluationPeriods=3, DatapointsToAlarm=2)

    put("m-of-n", 0.1, ago_s=20)
    put("m-of-n", 0.9, ago_s=10)
    one_breach = alarm("m-of-n")["StateValue"]
    put("m-of-n", 0.9)

    assert (one_breach, alarm("m-of-n")["StateValue"]) == ("OK", "ALARM")


@pytest.mark.parametrize(
    ("missing", "state"),
    [
        ("missing", "INSUFFICIENT_DATA"),
        ("ignore", "INSUFFICIENT_DATA"),
        ("breaching", "ALARM"),
        ("notBreaching", "OK"),
    ],
)
def test_missing_data_is_treated_as_asked(put_alarm, becomes, missing, state):
    put_alarm(f"missing-{missing}", TreatMissingData=missing)

    assert becomes(f"missing-{missing}", state)


def test_an_alarm_changes_as_time_passes_without_data(put_alarm, put, alarm, becomes):
    put_alarm("passing", TreatMissingData="notBreaching")

    put("passing", 0.9, ago_s=19)
    before = alarm("passing")["StateValue"]

    assert before == "ALARM"
    assert "1 missing datapoint was treated as [NonBreaching]" in becomes("passing", "OK")["StateReason"]


def test_an_alarm_can_watch_a_percentile(put_alarm, put, alarm):
    put_alarm("percentile", ExtendedStatistic="p90", Threshold=9, Period=60)

    for value in range(1, 11):
        put("percentile", value)

    assert "[9.1 (" in alarm("percentile")["StateReason"]


def test_an_alarm_can_watch_metric_math(put_alarm, put, alarm):
    def metric(identifier):
        stat = {"Metric": {"Namespace": "Contract", "MetricName": identifier}, "Period": 60, "Stat": "Sum"}
        return {"Id": identifier, "MetricStat": stat, "ReturnData": False}

    rate = {"Id": "rate", "Expression": "IF(calls > 0, 100 * errors / calls, 0)", "Label": "Errors in %"}
    put_alarm("math", Metrics=[metric("errors"), metric("calls"), rate], Threshold=10)

    put("calls", 4)
    put("errors", 1)

    found = alarm("math")
    assert (found["StateValue"], "[25.0 (" in found["StateReason"]) == ("ALARM", True)
    assert [query["Id"] for query in found["Metrics"]] == ["errors", "calls", "rate"]


def test_a_change_of_state_is_an_event(watcher, put_alarm, put):
    put_alarm("event", AlarmDescription="Something drifts", Dimensions=[{"Name": "endpoint", "Value": "a"}])
    put("event", 0.1, endpoint="a", ago_s=20)

    put("event", 0.9, endpoint="a")
    event = watcher.event("event", "ALARM")

    detail = event["detail"]
    assert (event["source"], event["resources"]) == ("aws.cloudwatch", [_arn("cloudwatch", "alarm:event")])
    assert detail["previousState"]["value"] == "OK"
    assert detail["previousState"]["reason"].startswith("Threshold Crossed: ")
    assert set(detail["state"]) == {"value", "reason", "reasonData", "timestamp"}
    [metric] = detail["configuration"].pop("metrics")
    assert detail["configuration"] == {"description": "Something drifts"}
    assert metric["metricStat"] == {
        "metric": {"namespace": "Contract", "name": "event", "dimensions": {"endpoint": "a"}},
        "period": 10,
        "stat": "Maximum",
    }


def test_a_change_of_state_notifies_the_topic(watcher, put_alarm, put):
    put_alarm("note", AlarmActions=[watcher.topic])

    put("note", 0.9)
    note = watcher.wait(watcher.notes, lambda body: 'ALARM: "note"' in body["Subject"])

    message = json.loads(note["Message"])
    assert note["Subject"] == 'ALARM: "note" in US East (N. Virginia)'
    assert (message["AlarmName"], message["NewStateValue"]) == ("note", "ALARM")
    assert message["Trigger"]["Statistic"] == "MAXIMUM"


def test_disabled_actions_are_not_run_but_the_event_is_sent(watcher, put_alarm, put, cloudwatch):
    put_alarm("disabled", AlarmActions=[watcher.topic], ActionsEnabled=False)

    put("disabled", 0.9)
    watcher.event("disabled", "ALARM")

    kinds = {
        item["HistoryItemType"]
        for item in cloudwatch.describe_alarm_history(AlarmName="disabled")["AlarmHistoryItems"]
    }
    assert kinds == {"StateUpdate"}


def test_a_function_can_be_an_action(client, watcher, put_alarm, put):
    arn = _function_that_forwards(client)
    queue = client("sqs").create_queue(QueueName="function-action")["QueueUrl"]
    put_alarm("function-action", AlarmActions=[arn])

    put("function-action", 0.9)
    event = watcher.wait(queue, lambda body: True)

    assert event["source"] == "aws.cloudwatch"
    assert event["alarmData"]["state"]["value"] == "ALARM"
    assert event["alarmArn"] == _arn("cloudwatch", "alarm:function-action")


def _function_that_forwards(client):
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": ["sqs:SendMessage", "sqs:GetQueueUrl"], "Resource": "*"}
    iam = client("iam")
    role = iam.create_role(
        RoleName="forwards",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    iam.put_role_policy(
        RoleName="forwards",
        PolicyName="p",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    code = (
        "import json, boto3\n"
        "def main(event, context):\n"
        "    sqs = boto3.client('sqs')\n"
        "    url = sqs.get_queue_url(QueueName='function-action')['QueueUrl']\n"
        "    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(event))\n"
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("forward.py", code)
    function = client("lambda").create_function(
        FunctionName="forwards",
        Runtime="python3.14",
        Role=role["Role"]["Arn"],
        Handler="forward.main",
        Code={"ZipFile": archive.getvalue()},
        Timeout=10,
    )
    return function["FunctionArn"]


def test_a_state_that_is_set_by_hand_acts_and_is_corrected(watcher, put_alarm, put, cloudwatch, becomes):
    put_alarm("by-hand", TreatMissingData="notBreaching", AlarmActions=[watcher.topic])
    becomes("by-hand", "OK")

    cloudwatch.set_alarm_state(AlarmName="by-hand", StateValue="ALARM", StateReason="drill")

    note = watcher.wait(watcher.notes, lambda body: 'ALARM: "by-hand"' in body["Subject"])
    assert json.loads(note["Message"])["NewStateReason"] == "drill"
    assert becomes("by-hand", "OK")


def test_a_composite_alarm_follows_its_alarms(watcher, put_alarm, put, cloudwatch, alarm):
    put_alarm("left")
    put_alarm("right")
    cloudwatch.put_composite_alarm(AlarmName="both", AlarmRule="ALARM(left) AND ALARM(right)")

    put("left", 0.9)
    one_of_two = alarm("both")["StateValue"]
    put("right", 0.9)

    assert (one_of_two, alarm("both")["StateValue"]) == ("OK", "ALARM")
    detail = watcher.event("both", "ALARM")["detail"]
    assert detail["configuration"] == {"alarmRule": "ALARM(left) AND ALARM(right)"}
    triggering = json.loads(detail["state"]["reasonData"])["triggeringAlarms"]
    assert [t["arn"] for t in triggering] == [
        _arn("cloudwatch", "alarm:right"),
        _arn("cloudwatch", "alarm:left"),
    ]


def test_alarms_on_metric_math_and_composite_alarms_come_from_templates(client, put, alarm, becomes):
    stat = {
        "Metric": {"Namespace": "Contract", "MetricName": "templated"},
        "Period": 60,
        "Stat": "Maximum",
    }
    template = {
        "Resources": {
            "Math": {
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {
                    "Metrics": [
                        {"Id": "m1", "MetricStat": stat, "ReturnData": False},
                        {"Id": "e1", "Expression": "m1 * 2"},
                    ],
                    "ComparisonOperator": "GreaterThanThreshold",
                    "EvaluationPeriods": 1,
                    "Threshold": 1,
                    "TreatMissingData": "notBreaching",
                },
            },
            "Composite": {
                "Type": "AWS::CloudWatch::CompositeAlarm",
                "Properties": {
                    "AlarmName": "composite-from-template",
                    "AlarmRule": {"Fn::Sub": 'ALARM("${Math}")'},
                },
            },
        }
    }
    stacks = client("cloudformation")
    stacks.create_stack(StackName="alarms", TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName="alarms", WaiterConfig={"Delay": 1})

    put("templated", 0.6)

    assert becomes("composite-from-template", "ALARM")
    stacks.delete_stack(StackName="alarms")
    stacks.get_waiter("stack_delete_complete").wait(StackName="alarms", WaiterConfig={"Delay": 1})
    assert not client("cloudwatch").describe_alarms(
        AlarmNames=["composite-from-template"], AlarmTypes=["CompositeAlarm"]
    )["CompositeAlarms"]


def test_metric_data_can_be_computed(cloudwatch, put):
    for value in (1, 2, 3):
        put("computed", value, endpoint="a")
    put("computed", 100, endpoint="b")
    metric = {
        "Namespace": "Contract",
        "MetricName": "computed",
        "Dimensions": [{"Name": "endpoint", "Value": "a"}],
    }
    insights = "SELECT MAX(computed) FROM SCHEMA(\"Contract\", endpoint) WHERE endpoint != 'a'"

    answer = cloudwatch.get_metric_data(
        StartTime=time.time() - 86_400,
        EndTime=time.time() + 60,
        MetricDataQueries=[
            {"Id": "m1", "MetricStat": {"Metric": metric, "Period": 86_400, "Stat": "p50"}},
            {"Id": "e1", "Expression": "SUM([m1, m1]) + 1"},
            {"Id": "hidden", "Expression": "m1", "ReturnData": False},
            {"Id": "i1", "Expression": insights, "Period": 86_400},
        ],
    )

    assert {result["Id"]: result["Values"] for result in answer["MetricDataResults"]} == {
        "m1": [2.0],
        "e1": [5.0],
        "i1": [100.0],
    }
