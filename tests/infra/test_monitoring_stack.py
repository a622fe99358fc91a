import json
from functools import cache

import pytest
from aws_cdk.assertions import Match, Template

from headrace.config.pipeline import Pipeline
from infra.code_bundle import REPO
from infra.pipeline_app import add_stacks
from tests.infra.nag import findings
from tests.infra.pipeline_stacks import template_app
from tests.infra.policies import policies_of
from tests.infra.state_machines import (
    complaints,
    dangling,
    definitions,
    expressions,
    parses,
    tasks,
    unreachable,
)

OTHERWISE = json.dumps(
    {
        "endpoint": {"kind": "realtime"},
        "retraining": {"on": ["new_data"]},
        "monitoring": {"schedule": "cron(0 6 * * ? *)"},
    }
)


@cache
def stack(options="{}"):
    """Return the monitoring stack of the pipeline `bike`; `options` is JSON for the pipeline's fields."""
    app = template_app()
    fields = {"name": "bike", "problem": "regression", "target": "cnt", **json.loads(options)}
    add_stacks(app, Pipeline.model_validate(fields))
    return app.node.find_child("bike-monitoring")


@cache
def synthesised(options="{}"):
    return Template.from_stack(stack(options))


@pytest.fixture(scope="module")
def template():
    return synthesised()


def flat(value):
    """Write an intrinsic function as text, to look for parts in it."""
    return json.dumps(value)


def role_of(template, function):
    """Return (logical id of the function whose handler is `function`, the statements of its role)."""
    (found,) = (
        resource
        for resource in template.find_resources("AWS::Lambda::Function").values()
        if resource["Properties"]["Handler"] == f"lambdas.{function}.handler.handler"
    )
    return statements(template, found["Properties"]["Role"]["Fn::GetAtt"][0])


def statements(template, role):
    return [
        statement
        for policy in policies_of(template).values()
        if {"Ref": role} in policy["Properties"]["Roles"]
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def rules_on(template, state):
    """Return the rules on alarms that change to `state`."""
    rules = template.find_resources("AWS::Events::Rule").values()
    return [
        rule for rule in rules if rule["Properties"]["EventPattern"]["detail"]["state"]["value"] == [state]
    ]


def allowed(rules):
    """Return what `rules` allow: action -> list of resources, as text."""
    found = {}
    for rule in rules:
        assert rule["Effect"] == "Allow"
        actions = [rule["Action"]] if isinstance(rule["Action"], str) else rule["Action"]
        for action in actions:
            found.setdefault(action, []).append(flat(rule["Resource"]))
    return found


def test_nothing_is_found_that_nobody_gave_a_reason_for():
    assert findings(stack()) == []


def test_every_handler_exists(template):
    handlers = {
        function["Properties"]["Handler"]
        for function in template.find_resources("AWS::Lambda::Function").values()
    }

    assert handlers == {
        f"lambdas.{name}.handler.handler"
        for name in (
            "check_drift",
            "check_quality",
            "explain_alarm",
            "follow_training",
            "record_predictions",
            "store_predictions",
        )
    }
    for handler in handlers:
        assert (REPO / f"{handler.removesuffix('.handler').replace('.', '/')}.py").is_file()


def test_the_check_reads_baselines_and_profiles_and_no_rows_and_writes_reports_and_checkpoints_only(template):
    rules = allowed(role_of(template, "check_drift"))

    assert set(rules) == {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
    }
    (read,), (written,) = rules["s3:GetObject"], rules["s3:PutObject"]
    assert "/baselines/*" in read
    assert "/profiles/*" in read
    assert read.count("*") == 2
    assert "/drift/*" in written


def test_the_recorder_reads_captures_and_writes_rows_profiles_and_progress_only(template):
    rules = allowed(role_of(template, "record_predictions"))

    assert set(rules) == {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "glue:GetTable",
        "glue:UpdateTable",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
    }
    (read,), (written,), (table,) = (
        rules[f"{name}"] for name in ("s3:GetObject", "s3:PutObject", "glue:UpdateTable")
    )
    for prefix in ("baselines/*", "capture/headrace-bike/*", "recorded/*"):
        assert f"/{prefix}" in read
    for prefix in ("predictions/*", "profiles/*", "recorded/*"):
        assert f"/{prefix}" in written
    assert (read.count("*"), written.count("*"), table.count("*")) == (3, 3, 0)
    assert "table/headrace_bike/predictions" in table


@pytest.mark.parametrize(
    ("function", "partitions"),
    [
        ("check_drift", {"GetItem": ["champion", "monitor"], "Query": ["file"], "PutItem": ["monitor"]}),
        ("record_predictions", {"GetItem": ["monitor"], "PutItem": ["monitor", "recorded"]}),
    ],
)
def test_functions_of_the_monitoring_see_their_own_part_of_the_ledger(template, function, partitions):
    found = {}
    for rule in role_of(template, function):
        for action in [rule["Action"]] if isinstance(rule["Action"], str) else rule["Action"]:
            if action.startswith("dynamodb:"):
                found[action] = rule["Condition"]

    assert found == {
        f"dynamodb:{action}": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": keys}}
        for action, keys in partitions.items()
    }


@pytest.mark.parametrize(
    ("function", "prefixes"),
    [
        ("check_drift", {"baselines/*", "profiles/*", "drift/history.json*", "quality/history.json*"}),
        ("record_predictions", {"baselines/*", "capture/headrace-bike/*", "recorded/*"}),
    ],
)
def test_functions_of_the_monitoring_list_what_they_read_only(template, function, prefixes):
    assert prefixes == {
        rule["Condition"]["StringLike"]["s3:prefix"]
        for rule in role_of(template, function)
        if rule["Action"] == "s3:ListBucket"
    }


def test_a_run_records_until_nothing_is_left_and_then_checks(template):
    (definition,) = definitions(template).values()
    states = definition["States"]

    assert definition["StartAt"] == "RecordPredictions"
    assert states["RecordPredictions"]["Next"] == "IsThereMore"
    assert states["IsThereMore"]["Choices"] == [
        {"Condition": "{% $states.input.more %}", "Next": "RecordPredictions"}
    ]
    assert states["IsThereMore"]["Default"] == "CheckDrift"
    assert states["CheckDrift"]["Next"] == "CheckQuality"
    assert states["CheckQuality"]["Next"] == "Looked"
    assert states["Looked"]["Output"] == {"drift": "{% $drift %}", "quality": "{% $quality %}"}


def test_the_states_of_the_monitoring_are_as_those_of_the_other_machines(template):
    (definition,) = definitions(template).values()

    assert (dangling(definition), unreachable(definition)) == ([], [])
    assert definition["QueryLanguage"] == "JSONata"
    for name, state in tasks(definition).items():
        assert complaints(state) == []
        assert definition["TimeoutSeconds"] > state["TimeoutSeconds"] > 0, name
        assert all(retry["JitterStrategy"] == "FULL" for retry in state["Retry"]), name
        assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name
    assert all(map(parses, expressions(definition)))


def test_the_quality_check_reads_rows_and_references_and_writes_reports_only(template):
    rules = allowed(role_of(template, "check_quality"))
    (read,), (written,) = rules["s3:GetObject"], rules["s3:PutObject"]

    assert {action for action in rules if action.startswith("dynamodb:")} == {"dynamodb:GetItem"}
    for prefix in ("baselines/*", "predictions/*", "labelled/*", "quality/state/*", "drift/latest.json"):
        assert f"/{prefix}" in read
    assert read.count("*") == 4
    assert "/quality/*" in written
    assert written.count("*") == 1


def test_the_function_that_stores_predictions_can_only_write_them(template):
    rules = allowed(role_of(template, "store_predictions"))

    assert "s3:GetObject" not in rules
    assert not any(action.startswith("dynamodb:") for action in rules)
    (written,) = rules["s3:PutObject"]
    assert "/capture/headrace-bike/*" in written


def test_log_lines_of_predictions_are_stored(template):
    template.has_resource_properties(
        "AWS::Logs::SubscriptionFilter",
        {"FilterPattern": '"captureData"', "DestinationArn": Match.any_value()},
    )


def test_a_batch_of_predictions_that_fails_is_kept_and_alarms(template):
    (queue,) = template.find_resources("AWS::SQS::Queue")
    template.has_resource_properties(
        "AWS::Lambda::EventInvokeConfig",
        {
            "MaximumRetryAttempts": 2,
            "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": [queue, "Arn"]}}},
        },
    )
    template.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {"Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}]},
    )


def test_a_realtime_endpoint_captures_by_itself():
    template = synthesised(OTHERWISE)

    template.resource_count_is("AWS::Logs::SubscriptionFilter", 0)
    template.resource_count_is("AWS::Lambda::Function", 5)


def test_the_drift_alarm_reacts_within_a_minute_and_holds_between_checks(template):
    template.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "Namespace": "Headrace",
            "MetricName": "DriftedFeatures",
            "Dimensions": [{"Name": "Pipeline", "Value": "bike"}],
            "Statistic": "Maximum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "ignore",
        },
    )


@pytest.mark.parametrize(("options", "share"), [("{}", 0.2), ('{"quarantine": {"alarm_share": 0.05}}', 0.05)])
def test_the_share_of_refused_rows_and_files_that_the_pipeline_names_raises_an_alarm(options, share):
    alarms = [
        alarm["Properties"]
        for name, alarm in synthesised(options).find_resources("AWS::CloudWatch::Alarm").items()
        if "Refused" in name
    ]

    expressions = []
    for alarm in alarms:
        assert alarm["Threshold"] == share
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert f"{100 * share:g}% or more of the" in alarm["AlarmDescription"]
        assert "headrace quarantine list bike" in alarm["AlarmDescription"]
        expressions += [query["Expression"] for query in alarm["Metrics"] if "Expression" in query]
        assert {q["MetricStat"]["Period"] for q in alarm["Metrics"] if "MetricStat" in q} == {3600}
    assert sorted(expressions) == [
        "(refusedRows - FILL(filteredRows, 0)) / (acceptedRows + (refusedRows - FILL(filteredRows, 0)))",
        "refusedFiles / (acceptedFiles + refusedFiles)",
    ]


def test_a_file_that_breaks_the_contract_raises_an_alarm(template):
    template.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {"MetricName": "ContractBreaches", "Namespace": "Headrace", "Threshold": 1},
    )


@pytest.mark.parametrize(
    ("reason", "alarms"), [("drift", ("DriftAlarm", "JointDrift")), ("quality", ("Quality", "ConceptDrift"))]
)
def test_alarms_start_the_training_with_their_reason(template, reason, alarms):
    (rule,) = (
        rule
        for name, rule in template.find_resources("AWS::Events::Rule").items()
        if name.startswith(reason.capitalize())
    )
    (training,) = rule["Properties"]["Targets"]

    assert rule["Properties"]["EventPattern"]["detail"] == {"state": {"value": ["ALARM"]}}
    assert rule["Properties"]["EventPattern"]["source"] == ["aws.cloudwatch"]
    resources = rule["Properties"]["EventPattern"]["resources"]
    assert len(resources) == len(alarms)
    for name in alarms:
        assert name in flat(resources)
    assert f'"reason":"{reason}"' in training["InputTransformer"]["InputTemplate"]
    assert training["InputTransformer"]["InputPathsMap"] == {"detail": "$.detail"}

    role = training["RoleArn"]["Fn::GetAtt"][0]
    (rights,) = statements(template, role)
    assert rights["Action"] == "states:StartExecution"
    assert rights["Resource"] == training["Arn"]


def test_without_drift_in_the_policy_no_alarm_starts_anything():
    synthesised(OTHERWISE).resource_count_is("AWS::Events::Rule", 0)


def test_the_schedule_of_the_pipeline_file_starts_the_monitoring():
    template = synthesised(OTHERWISE)

    template.has_resource_properties(
        "AWS::Scheduler::Schedule",
        {
            "ScheduleExpression": "cron(0 6 * * ? *)",
            "State": "ENABLED",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": Match.object_like(
                {"Arn": {"Ref": Match.string_like_regexp("^Monitor")}, "Input": "{}"}
            ),
        },
    )


def test_the_outputs_are_what_people_and_the_demo_read(template):
    outputs = template.find_outputs("*")

    assert {"DashboardName", "DriftAlarmName", "MonitorStateMachineArn", "ShowAlarm"} <= set(outputs)
    assert "aws stepfunctions start-execution --state-machine-arn " in flat(outputs["CheckDriftNow"])
    assert "aws cloudwatch describe-alarms --alarm-names " in flat(outputs["ShowAlarm"])


def test_the_same_pipeline_gives_the_same_template():
    stack.cache_clear()

    assert Template.from_stack(stack()).to_json() == synthesised().to_json()


# --- what follows a training


def test_alarms_that_start_trainings_are_looked_after_every_quarter_of_an_hour_and_when_they_are_over(
    template,
):
    template.has_resource_properties(
        "AWS::Scheduler::Schedule",
        {"ScheduleExpression": "rate(15 minutes)", "Target": {"Arn": Match.any_value()}},
    )
    (over,) = rules_on(template, "OK")

    assert "DriftAlarm" in flat(over["Properties"]["EventPattern"]["resources"])
    assert "FollowTraining" in flat(over["Properties"]["Targets"])


def test_alarms_that_only_tell_are_not_looked_after():
    template = synthesised(OTHERWISE)
    variables = [
        function["Properties"]["Environment"]["Variables"]
        for function in template.find_resources("AWS::Lambda::Function").values()
        if function["Properties"]["Handler"] == "lambdas.follow_training.handler.handler"
    ]

    assert [(each["DRIFT_ALARMS"], each["QUALITY_ALARMS"]) for each in variables] == [("", "")]
    assert rules_on(template, "OK") == []


def test_the_follow_up_may_start_the_training_and_see_whether_it_runs_and_nothing_else(template):
    rights = allowed(
        [rule for rule in role_of(template, "follow_training") if "states:" in flat(rule["Action"])]
    )

    assert set(rights) == {"states:StartExecution", "states:DescribeExecution"}
    assert all("Training" in flat(resources) for resources in rights.values())
    assert "*" not in flat(rights["states:StartExecution"])


def test_only_model_monitors_metrics_may_be_put_and_only_if_they_are_wanted(template):
    wanted = synthesised(json.dumps({"monitoring": {"model_monitor_metrics": True}}))

    (rule,) = [
        rule for rule in role_of(wanted, "check_drift") if rule["Action"] == "cloudwatch:PutMetricData"
    ]
    assert rule["Condition"] == {
        "StringEquals": {"cloudwatch:namespace": "aws/sagemaker/Endpoints/data-metrics"}
    }
    assert "cloudwatch:PutMetricData" not in allowed(role_of(template, "check_drift"))
