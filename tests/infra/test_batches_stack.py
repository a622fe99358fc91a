import json
from functools import cache

import pytest
from aws_cdk.assertions import Match, Template

from headrace.config.pipeline import Pipeline
from infra.batches_stack import BatchesStack
from infra.data_stack import DataStack
from tests.infra.nag import findings
from tests.infra.pipeline_stacks import template_app, templates
from tests.infra.policies import policies_of
from tests.infra.state_machines import definitions, flaws, tasks

SCHEDULED = json.dumps(
    {
        "arrival": {"train": "schedule", "schedule": "cron(0 4 * * ? *)"},
        "retraining": {"on": ["drift", "schedule"]},
    }
)
BATCHES = json.dumps({"arrival": {"train": "batch"}})


@cache
def stack(**arrival):
    """Return the batches stack of the pipeline `bike`."""
    app = template_app()
    fields = {"name": "bike", "problem": "regression", "target": "cnt"}
    pipeline = Pipeline.model_validate({**fields, "arrival": {"train": "batch", **arrival}})
    data = DataStack(app, "bike-data", pipeline=pipeline)
    return BatchesStack(app, "bike-batches", pipeline=pipeline, data=data)


@pytest.fixture(scope="module")
def template():
    return Template.from_stack(stack())


@pytest.fixture(scope="module")
def definition(template):
    (found,) = definitions(template).values()
    return found


def starting_events(template):
    """Return the types of the pipeline's events that start its training."""
    patterns = [
        rule["Properties"].get("EventPattern", {})
        for rule in template.find_resources("AWS::Events::Rule").values()
    ]
    return {
        kind
        for pattern in patterns
        if pattern.get("source") == ["headrace"]
        for kind in pattern["detail-type"]
    }


def statements_of(template, role):
    return [
        statement
        for name, policy in policies_of(template).items()
        if name.startswith(role)
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def test_nothing_is_found_that_nobody_gave_a_reason_for():
    assert findings(stack()) == []


# --- batches


def test_markers_and_manifests_under_incoming_start_the_state_machine(template):
    template.has_resource_properties(
        "AWS::Events::Rule",
        {
            "EventPattern": {
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {
                    "bucket": Match.any_value(),
                    "object": {
                        "key": [
                            "incoming/_SUCCESS",
                            {"wildcard": "incoming/*/_SUCCESS"},
                            {"wildcard": "incoming/*.manifest.json"},
                        ]
                    },
                },
            },
            "Targets": [
                Match.object_like(
                    {
                        "DeadLetterConfig": Match.any_value(),
                        "RetryPolicy": {"MaximumEventAgeInSeconds": 21600, "MaximumRetryAttempts": 8},
                    }
                )
            ],
        },
    )


def test_the_state_machine_is_one_that_aws_takes(definition):
    assert flaws(definition) == []


def test_an_execution_may_wait_as_long_as_the_pipeline_says_and_an_hour(definition):
    assert definition["TimeoutSeconds"] == 2 * 3600


def test_a_batch_that_another_execution_is_settling_is_looked_at_again(definition):
    (gather,) = tasks(definition).values()

    assert "IdempotencyAlreadyInProgressError" in [
        e for retry in gather["Retry"] for e in retry["ErrorEquals"]
    ]
    assert all(retry["JitterStrategy"] == "FULL" for retry in gather["Retry"])
    assert gather["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


def test_the_function_reads_manifests_and_no_other_file(template):
    read = [s["Resource"] for s in statements_of(template, "GatherBatch") if "s3:GetObject" in s["Action"]]

    assert len(read) == 1
    assert json.dumps(read[0]).count("incoming/*.manifest.json") == 1


def test_the_function_lists_versions_of_dropped_files_only(template):
    (listing,) = [s for s in statements_of(template, "GatherBatch") if s["Action"] == "s3:ListBucketVersions"]

    assert listing["Condition"] == {"StringLike": {"s3:prefix": "incoming/*"}}


def test_the_function_writes_entries_of_batches_and_of_manifests_that_it_refuses(template):
    of_ledger = {
        s["Action"]: s["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"]
        for s in statements_of(template, "GatherBatch")
        if "ForAllValues:StringEquals" in s.get("Condition", {})
    }

    assert of_ledger == {
        "dynamodb:Query": ["file"],
        "dynamodb:PutItem": ["batch", "file"],
        "dynamodb:UpdateItem": ["quarantine"],
    }


@pytest.mark.parametrize(("if_missing", "alarms"), [("hold", 0), ("train", 1)])
def test_files_that_a_batch_was_trained_without_raise_an_alarm(if_missing, alarms):
    found = Template.from_stack(stack(if_missing=if_missing)).find_resources(
        "AWS::CloudWatch::Alarm", {"Properties": {"MetricName": "FilesMissing"}}
    )

    assert len(found) == alarms


def test_a_batch_that_is_given_up_raises_an_alarm(template):
    template.has_resource_properties("AWS::CloudWatch::Alarm", {"MetricName": "ExecutionsFailed"})


# --- what starts a training


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        ("{}", {"DataAccepted", "TrainingWanted"}),
        (BATCHES, {"BatchAccepted", "TrainingWanted"}),
        (SCHEDULED, set()),
    ],
)
def test_only_what_the_pipeline_names_starts_a_training(options, kinds):
    assert starting_events(templates(options)[0]) == kinds


def test_a_schedule_starts_the_training_with_a_role_retries_and_a_dead_letter_queue():
    template = templates(SCHEDULED)[0]

    template.has_resource_properties(
        "AWS::Scheduler::Schedule",
        {
            "ScheduleExpression": "cron(0 4 * * ? *)",
            "ScheduleExpressionTimezone": "Etc/UTC",
            "KmsKeyArn": Match.any_value(),
            "Target": {
                "Arn": {"Ref": Match.string_like_regexp("^Training")},
                "RoleArn": Match.any_value(),
                "Input": '{"reason":"schedule","detail":{}}',
                "DeadLetterConfig": Match.any_value(),
                "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 8},
            },
        },
    )
    assert not any(
        "ScheduleExpression" in rule["Properties"]
        for rule in template.find_resources("AWS::Events::Rule").values()
    )


def test_the_schedules_role_starts_this_training_and_writes_to_its_dead_letters():
    statements = statements_of(templates(SCHEDULED)[0], "TrainingScheduleRole")

    # An encrypted queue takes both permissions on its key from whoever sends: SQS developer guide, "Key management".
    assert {
        action
        for s in statements
        for action in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])
    } == {
        "states:StartExecution",
        "sqs:SendMessage",
        "kms:Decrypt",
        "kms:GenerateDataKey",
    }


def test_the_end_of_a_training_asks_the_ledger_for_batches_where_there_are_some():
    for options, partitions in (("{}", ["file", "training"]), (BATCHES, ["file", "training", "batch"])):
        (query,) = [
            s
            for s in statements_of(templates(options)[0], "CloseTraining")
            if s["Action"] == "dynamodb:Query"
        ]
        assert query["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"] == partitions
