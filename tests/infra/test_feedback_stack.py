import json
from functools import cache

import pyarrow as pa
import pytest
from aws_cdk.assertions import Match, Template

from headrace.aws.athena_types import athena_types
from headrace.config.pipeline import Pipeline
from headrace.ml.labelled_rows import ADDED
from headrace.ml.prediction_columns import COLUMNS
from infra.data_stack import DataStack
from infra.feedback_stack import FeedbackStack
from tests.infra.pipeline_stacks import template_app
from tests.infra.policies import policies_of


@cache
def template(**feedback):
    app = template_app()
    pipeline = Pipeline(name="bike", problem="regression", target="cnt", id="instant", feedback=feedback)
    data = DataStack(app, "bike-data", pipeline=pipeline)
    stack = FeedbackStack(app, "bike-feedback", pipeline=pipeline, feedback=pipeline.feedback, data=data)
    return Template.from_stack(stack)


def resources_of(role):
    """Return what the role of a function may do on objects: by action, the ends of the ARNs."""
    found = {}
    for name, policy in policies_of(template()).items():
        if name.startswith(role):
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                found.setdefault(str(statement["Action"]), []).append(json.dumps(statement["Resource"]))
    return found


def test_files_below_feedback_are_announced_to_the_queue():
    template().has_resource_properties(
        "AWS::Events::Rule",
        {
            "EventPattern": {
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {"bucket": Match.any_value(), "object": {"key": [{"prefix": "feedback/"}]}},
            }
        },
    )


@pytest.mark.parametrize(
    ("seconds", "files", "window"), [(60, 100, 60), (0, 10, Match.absent())], ids=["gathered", "at once"]
)
def test_files_are_gathered_as_long_as_the_pipeline_says(seconds, files, window):
    template(gather_seconds=seconds).has_resource_properties(
        "AWS::Lambda::EventSourceMapping",
        {
            "BatchSize": files,
            "MaximumBatchingWindowInSeconds": window,
            "ScalingConfig": {"MaximumConcurrency": 2},
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        },
    )


def test_a_message_is_hidden_for_six_times_as_long_as_the_function_may_run():
    template().has_resource_properties(
        "AWS::SQS::Queue",
        {
            "VisibilityTimeout": 6 * 900 + 60,
            "RedrivePolicy": {"maxReceiveCount": 3, "deadLetterTargetArn": Match.any_value()},
        },
    )


def test_waiting_labels_are_tried_again_on_the_schedule():
    template(schedule="rate(5 minutes)").has_resource_properties(
        "AWS::Scheduler::Schedule", {"ScheduleExpression": "rate(5 minutes)"}
    )


def test_the_table_finds_its_days_by_itself():
    ((_, table),) = template().find_resources("AWS::Glue::Table").items()
    described = table["Properties"]["TableInput"]

    assert described["Name"] == "labelled_predictions"
    assert [key["Name"] for key in described["PartitionKeys"]] == ["date"]
    assert described["Parameters"]["projection.date.type"] == "date"
    # Without a template of its own, a day lies where Hive would have it.
    assert "storage.location.template" not in described["Parameters"]
    assert described["StorageDescriptor"]["Location"]["Fn::Join"][1][-1] == "/labelled/"


def test_the_table_has_the_columns_of_predictions_and_what_labels_add():
    ((_, table),) = template().find_resources("AWS::Glue::Table").items()
    columns = table["Properties"]["TableInput"]["StorageDescriptor"]["Columns"]

    described = {column["Name"]: column["Type"] for column in columns}
    assert described == athena_types(pa.schema({**COLUMNS, **ADDED}))
    assert list(described) == [*COLUMNS, *ADDED]


def test_nobody_is_let_in_by_https_unless_it_is_asked_for():
    template().resource_count_is("AWS::Lambda::Url", 0)
    template(api=True).has_resource_properties("AWS::Lambda::Url", {"AuthType": "AWS_IAM"})
    assert not any(
        permission["Properties"]["Principal"] == "*"
        for permission in template(api=True).find_resources("AWS::Lambda::Permission").values()
    )


def test_a_call_may_drop_labels_and_nothing_else():
    found = resources_of("TakeFeedback")

    assert "feedback/api/*" in found["s3:PutObject"][0]
    assert len(found["s3:PutObject"]) == 1
    assert not any("dynamodb" in action or "Delete" in action for action in found)


def test_a_join_deletes_labels_that_wait_and_no_data():
    (deleted,) = resources_of("JoinFeedback")["s3:DeleteObject"]

    assert "feedback/waiting/*" in deleted
    assert "feedback/join.json" in deleted
    assert "labelled" not in deleted


@pytest.mark.parametrize("name", ["FeedbackDeadLetters", "JoinFeedbackErrors", "LabelsExpired"])
def test_what_goes_wrong_raises_an_alarm(name):
    assert any(name in alarm for alarm in template().find_resources("AWS::CloudWatch::Alarm"))
