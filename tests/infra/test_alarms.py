"""Which alarms a pipeline has, what they say, and that one cause is told once."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest
from aws_cdk.assertions import Template

from headrace.config.alarms import AlarmName
from tests.infra.test_monitoring_stack import flat, stack, synthesised

EVERY_SWITCH = json.dumps(
    {
        "alarms": {
            "no_data_after": "2 days",
            "no_predictions_after": "6 hours",
            "client_error_share": 0.1,
            "latency_p50_ms": 50,
            "latency_p99_ms": 400,
            "monthly_usd": 20,
            "chat": {"kind": "teams", "secret": "headrace/chat"},
        },
        "arrival": {"train": "schedule", "schedule": "rate(1 day)"},
        "retraining": {"on": ["drift", "schedule"]},
        "privacy": {"undeclared": "warn"},
        "audit": {"ledger": True},
    }
)


def alarms_of(options="{}"):
    """Return name -> properties of every metric alarm."""
    found = synthesised(options).find_resources("AWS::CloudWatch::Alarm")
    return {short(name): alarm["Properties"] for name, alarm in found.items()}


def short(logical_id):
    without_hash = re.sub(r"[0-9A-F]{8}$", "", logical_id)
    if without_hash == "DriftAlarm":
        return without_hash
    return re.sub("^(OperationAlarms|ModelAlarms|Pages)", "", without_hash)


class Pages:
    """What people are told while alarms go off, by the rules, the actions and the suppressors of the template."""

    def __init__(self, options):
        template = synthesised(options)
        self.alone = {
            short(name)
            for name, alarm in template.find_resources("AWS::CloudWatch::Alarm").items()
            if alarm["Properties"].get("AlarmActions")
        }
        self.composites = {
            short(name): composite["Properties"]
            for name, composite in template.find_resources("AWS::CloudWatch::CompositeAlarm").items()
        }

    def members(self, name):
        rule = self.composites[name]["AlarmRule"]["Fn::Join"][1]
        joints = {part.strip('"() ') for part in rule if isinstance(part, str)}
        assert joints <= {"ALARM", "OR ALARM", ""}, "the scenarios know rules of ALARM and OR only"
        return [short(part["Fn::GetAtt"][0]) for part in rule if isinstance(part, dict)]

    def covered(self):
        return [member for name in self.composites for member in self.members(name)] + sorted(self.alone)

    def told(self, on):
        """Return the pages that people get, once all of `on` have gone off."""
        ringing = {name for name in self.composites if set(self.members(name)) & on}
        suppressed = {name for name in ringing if self._suppressor(name) in ringing}
        return sorted((ringing - suppressed) | (self.alone & on))

    def _suppressor(self, name):
        suppressor = self.composites[name].get("ActionsSuppressor")
        return short(suppressor["Fn::GetAtt"][0]) if suppressor else None


@pytest.mark.parametrize("options", ["{}", EVERY_SWITCH])
def test_every_alarm_says_what_happened_where_to_look_and_what_is_next(options):
    for name, alarm in alarms_of(options).items():
        said = alarm["AlarmDescription"]
        assert re.fullmatch(r"Headrace bike: [^.].*\. Look: .*\. Next: .*\.", said), name
        assert len(said) <= 1024
        assert "TreatMissingData" in alarm


@pytest.mark.parametrize("options", ["{}", EVERY_SWITCH])
def test_every_alarm_belongs_to_one_page(options):
    pages = Pages(options)

    assert sorted(pages.covered()) == sorted(alarms_of(options))


@pytest.mark.parametrize("options", ["{}", EVERY_SWITCH])
def test_only_pages_act_and_all_they_do_is_call_the_function_that_finds_the_words(options):
    template, pages = synthesised(options), Pages(options)

    acting = [
        *pages.composites.values(),
        *(alarm for name, alarm in alarms_of(options).items() if name in pages.alone),
    ]
    for page in acting:
        (action,) = page["AlarmActions"]
        assert page["OKActions"] == [action]
        assert "ExplainAlarm" in action["Fn::GetAtt"][0]
    permissions = [
        permission["Properties"]
        for permission in template.find_resources("AWS::Lambda::Permission").values()
        if permission["Properties"]["Principal"] == "lambda.alarms.cloudwatch.amazonaws.com"
    ]
    assert len(permissions) == len(acting)
    assert all("SourceArn" in permission and "SourceAccount" in permission for permission in permissions)


@pytest.mark.parametrize(
    ("cause", "on", "told"),
    [
        (
            "the world has changed",
            {"DriftAlarm", "JointDrift", "EstimatedQuality", "ConceptDrift", "Quality"},
            ["Model"],
        ),
        (
            "whoever makes the files has changed their columns",
            {"ContractBreaches", "FilesRefused", "RowsRefused", "NoData"},
            ["Files"],
        ),
        (
            "the endpoint is down",
            {"EndpointErrors", "LatencyP99", "LatencyP50", "NoPredictions"},
            ["Service"],
        ),
        ("callers have gone", {"NoPredictions"}, ["Silence"]),
        ("the account may run no more functions", {"FunctionThrottles", "MonitoringFailed"}, ["Runs"]),
        ("queues were not emptied", {"DeadLetters", "LostBatches"}, ["LeftBehind"]),
        (
            "drift, and retraining does not help",
            {"DriftAlarm", "RetrainingsInVain"},
            ["Model", "RetrainingsInVain"],
        ),
        (
            "drift, and retraining has been given up",
            {"DriftAlarm", "RetrainingsInVain", "RetrainingGivenUp"},
            ["Model", "RetrainingGivenUp", "RetrainingsInVain"],
        ),
        ("drift, and later a training fails", {"DriftAlarm", "TrainingFailed"}, ["Model", "Runs"]),
    ],
)
def test_one_cause_is_told_once(cause, on, told):
    pages = Pages(EVERY_SWITCH)

    assert on <= set(alarms_of(EVERY_SWITCH)), "the scenario names alarms that do not exist"
    assert pages.told(on) == told, cause


def test_silence_waits_for_the_outage_that_may_explain_it_and_outlasts_it():
    silence = Pages(EVERY_SWITCH).composites["Silence"]

    assert silence["ActionsSuppressorWaitPeriod"] == 300
    assert silence["ActionsSuppressorExtensionPeriod"] == 7200


def test_the_names_that_may_be_left_out_are_those_of_the_alarms_that_every_pipeline_has():
    switches = {"NoData", "NoPredictions", "LatencyP50", "LatencyP99", "ClientErrors", "LostMessages"}
    switches |= {"WriteAuditErrors", "AuditDeadLetters"}

    assert set(alarms_of(EVERY_SWITCH)) == set(get_args(AlarmName)) | switches


def test_alarms_that_are_left_out_are_nowhere():
    options = json.dumps({"alarms": {"leave_out": get_args(AlarmName)}, "retraining": {"on": ["new_data"]}})

    template = synthesised(options)
    template.resource_count_is("AWS::CloudWatch::Alarm", 0)
    template.resource_count_is("AWS::CloudWatch::CompositeAlarm", 0)
    assert "DriftAlarmName" not in template.find_outputs("*")


def test_alarms_on_what_checks_say_hold_until_the_next_check():
    holding = {
        name for name, alarm in alarms_of(EVERY_SWITCH).items() if alarm["TreatMissingData"] == "ignore"
    }

    assert holding == {
        "DriftAlarm",
        "JointDrift",
        "ConceptDrift",
        "EstimatedQuality",
        "Quality",
        "RetrainingsInVain",
        "RetrainingGivenUp",
        "NoData",
        "NoPredictions",
    }


@pytest.mark.parametrize(
    ("name", "metric", "threshold"),
    [
        ("JointDrift", "JointDrift", 1),
        ("ConceptDrift", "ConceptDrift", 1),
        ("EstimatedQuality", "EstimatedQualityDrop", 1),
        ("Quality", "QualityDrop", 1),
        ("RetrainingsInVain", "RetrainingsInVain", 1),
        ("RetrainingGivenUp", "RetrainingsInVain", 3),
        ("NoData", "DataAge", 48),
        ("NoPredictions", "PredictionAge", 6),
        ("LatencyP50", "EndpointLatencyP50", 50),
        ("LatencyP99", "EndpointLatencyP99", 400),
        ("ClientErrors", "EndpointClientErrorShare", 0.1),
    ],
)
def test_alarms_watch_the_metrics_that_the_checks_put(name, metric, threshold):
    alarm = alarms_of(EVERY_SWITCH)[name]

    assert (alarm["Namespace"], alarm["MetricName"], alarm["Threshold"]) == ("Headrace", metric, threshold)
    assert alarm["Dimensions"] == [{"Name": "Pipeline", "Value": "bike"}]
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"


def test_alarms_keep_within_cloudwatchs_limits():
    """A day for periods below an hour, three hours and one query for Metrics Insights, ten metrics for math."""
    for alarm in alarms_of(EVERY_SWITCH).values():
        queries = [query for query in alarm.get("Metrics", []) if "SELECT" in query.get("Expression", "")]
        assert len(queries) <= 1
        assert len([query for query in alarm.get("Metrics", []) if "MetricStat" in query]) <= 10
        assert "SEARCH" not in flat(alarm)
        periods = [
            query["MetricStat"]["Period"] for query in alarm.get("Metrics", []) if "MetricStat" in query
        ]
        period = alarm.get("Period") or max([*periods, *(query["Period"] for query in queries)])
        assert period * alarm["EvaluationPeriods"] <= (10_800 if queries else 86_400)


def test_what_cannot_be_put_into_words_is_sent_as_it_is():
    template = synthesised()

    (destination,) = (
        config["Properties"]["DestinationConfig"]["OnFailure"]["Destination"]
        for config in template.find_resources("AWS::Lambda::EventInvokeConfig").values()
        if "ExplainAlarm" in flat(config["Properties"]["FunctionName"])
    )
    assert "Alarms" in flat(destination)


def test_the_chat_room_hears_the_topic_and_its_address_is_nowhere_in_the_template():
    template = synthesised(EVERY_SWITCH)

    (post,) = (
        function["Properties"]
        for function in template.find_resources("AWS::Lambda::Function").values()
        if function["Properties"]["Handler"] == "lambdas.post_alarm.handler.handler"
    )
    variables = post["Environment"]["Variables"]
    assert (variables["CHAT_KIND"], variables["CHAT_SECRET"]) == ("teams", "headrace/chat")
    (subscription,) = template.find_resources("AWS::SNS::Subscription").values()
    assert subscription["Properties"]["Protocol"] == "lambda"
    assert "hooks" not in flat(template.to_json())


def test_the_budget_counts_what_carries_the_pipelines_tag_and_tells_the_topic():
    (budget,) = synthesised(EVERY_SWITCH).find_resources("AWS::Budgets::Budget").values()
    properties = budget["Properties"]

    assert properties["Budget"]["BudgetLimit"] == {"Amount": 20, "Unit": "USD"}
    assert properties["Budget"]["CostFilters"] == {"TagKeyValue": ["user:headrace:pipeline$bike"]}
    (notification,) = properties["NotificationsWithSubscribers"]
    assert notification["Notification"]["NotificationType"] == "ACTUAL"
    assert [subscriber["SubscriptionType"] for subscriber in notification["Subscribers"]] == ["SNS"]


@pytest.mark.parametrize(("options", "may"), [("{}", False), (EVERY_SWITCH, True)])
def test_budgets_may_use_topic_and_key_only_if_there_is_one(options, may):
    data = Template.from_stack(stack(options).node.scope.node.find_child("bike-data"))

    (policy,) = data.find_resources("AWS::SNS::TopicPolicy").values()
    (key,) = data.find_resources("AWS::KMS::Key").values()
    assert ("budgets.amazonaws.com" in flat(policy)) == may
    assert ("budgets.amazonaws.com" in flat(key["Properties"]["KeyPolicy"])) == may


def test_the_page_on_costs_counts_the_alarms_that_every_pipeline_has():
    """An alarm on metric math is billed for each of its metrics, one on a query for what it analyses: one variant."""
    alarms = alarms_of()
    metrics = sum(
        max(1, len([query for query in alarm.get("Metrics", []) if "MetricStat" in query]))
        for alarm in alarms.values()
    )

    assert f"| {len(alarms)} on {metrics} metrics, ten are free" in Path("docs/costs.md").read_text()


def test_an_asynchronous_endpoint_is_busy_when_requests_expire_in_its_queue():
    alarm = alarms_of(json.dumps({"endpoint": {"kind": "asynchronous"}}))["EndpointBusy"]

    assert "SUM(ExpiredRequests)" in flat(alarm["Metrics"])
