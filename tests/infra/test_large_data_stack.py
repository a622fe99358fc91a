import json
from functools import cache

import pytest
from aws_cdk.assertions import Match, Template

from headrace.config.pipeline import Pipeline
from infra.pipeline_app import add_stacks
from tests.infra.pipeline_stacks import template_app
from tests.infra.state_machines import (
    complaints,
    dangling,
    definitions,
    expressions,
    parses,
    tasks,
    unreachable,
)
from tests.infra.test_stream_stack import statements

KEY = {"Fn::ImportValue": Match.string_like_regexp("bike-data:.*Key.*Arn")}


@cache
def app(options):
    """Return the app of the pipeline `bike`; `options` is JSON for the block `large_data`, or null."""
    app = template_app()
    fields = {"name": "bike", "problem": "regression", "target": "cnt", "large_data": json.loads(options)}
    add_stacks(app, Pipeline.model_validate(fields))
    return app


def stack(kind, **options):
    return Template.from_stack(app(json.dumps(options)).node.find_child(f"bike-{kind}"))


@pytest.fixture(scope="module")
def large():
    return stack("large-data", worker="G.2X", workers=10, max_dpu_hours=5)


@pytest.fixture(scope="module")
def definition(large):
    [found] = definitions(large).values()
    return found


def test_without_the_block_there_is_no_stack_and_no_trace_of_it():
    without = app("null")

    assert without.node.try_find_child("bike-large-data") is None
    template = json.dumps(Template.from_stack(without.node.find_child("bike-data")).to_json())
    assert "large" not in template
    assert "work/" not in template


def test_the_job_is_of_the_size_that_the_file_names_and_stops_in_time(large):
    large.has_resource_properties(
        "AWS::Glue::Job",
        {
            "GlueVersion": "5.0",
            "WorkerType": "G.2X",
            "NumberOfWorkers": 10,
            "Timeout": 15,  # minutes: 5 DPU hours by 10 workers of 2 DPUs
            "MaxRetries": 0,
            "ExecutionProperty": {"MaxConcurrentRuns": 3},
            "SecurityConfiguration": {"Ref": Match.string_like_regexp("Security.*")},
            "DefaultArguments": Match.object_like({"--job-bookmark-option": "job-bookmark-disable"}),
        },
    )


def test_what_the_job_writes_and_logs_is_encrypted_with_the_key_of_the_pipeline(large):
    large.has_resource_properties(
        "AWS::Glue::SecurityConfiguration",
        {
            "EncryptionConfiguration": {
                "CloudWatchEncryption": {"CloudWatchEncryptionMode": "SSE-KMS", "KmsKeyArn": KEY},
                "S3Encryptions": [{"S3EncryptionMode": "SSE-KMS", "KmsKeyArn": KEY}],
            }
        },
    )
    large.all_resources_properties("AWS::Logs::LogGroup", {"KmsKeyId": KEY, "RetentionInDays": 90})


def test_the_job_may_read_dropped_files_and_write_below_four_prefixes_only(large):
    allowed = statements(large, "CleanFileRole")

    assert set(allowed) == {
        *("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:AbortMultipartUpload"),
        *("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "cloudwatch:PutMetricData"),
        "glue:GetSecurityConfiguration",
        *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:AssociateKmsKey"),
    }
    (written,) = allowed["s3:PutObject"]
    assert [prefix in written for prefix in ("/work/*", "/curated/*", "/quarantine/*", "/refusals/*")] == [
        True
    ] * 4
    assert written.count("*") == 4
    assert "log-group:/aws-glue/headrace-bike/clean-file/*" in allowed["logs:PutLogEvents"][0]


def test_the_state_machine_may_run_one_job_and_one_function(large):
    allowed = statements(large, "CleanLargeFileRole")

    for verb in ("StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun"):
        (resource,) = allowed[f"glue:{verb}"]
        assert "CleanFileJob" in resource
        assert "*" not in resource


def test_ingestion_may_start_that_state_machine_and_write_orders():
    data = stack("data", workers=2)

    allowed = statements(data, "IngestFileRole")
    (machine,) = allowed["states:StartExecution"]
    assert "stateMachine:headrace-bike-clean-large-file" in machine
    assert any("/work/*/order.json" in resource for resource in allowed["s3:PutObject"])
    data.has_resource_properties(
        "AWS::S3::Bucket",
        {"LifecycleConfiguration": {"Rules": Match.array_with([Match.object_like({"Prefix": "work/"})])}},
    )


def test_every_call_fits_the_input_shape_of_its_operation(definition):
    assert {name: complaints(state) for name, state in tasks(definition).items()} == {
        "CleanFile": [],
        "CloseLargeFile": [],
        "CloseFailed": [],
    }


def test_every_transition_leads_to_a_state_and_every_state_is_reached(definition):
    assert dangling(definition) == []
    assert unreachable(definition) == []


def test_every_expression_is_jsonata(definition):
    assert [expression for expression in expressions(definition) if not parses(expression)] == []


def test_a_file_waits_while_others_are_cleaned_and_a_lost_run_is_repeated_once(definition):
    retries = {
        error: rule for rule in tasks(definition)["CleanFile"]["Retry"] for error in rule["ErrorEquals"]
    }

    busy = retries["Glue.ConcurrentRunsExceededException"]
    assert busy["MaxAttempts"] * busy["MaxDelaySeconds"] > 86_400  # seconds
    assert retries["States.TaskFailed"]["MaxAttempts"] == 1


def test_a_failure_refuses_the_file_and_fails_the_execution(definition):
    for name in ("CleanFile", "CloseLargeFile"):
        (caught,) = tasks(definition)[name]["Catch"]
        assert (caught["ErrorEquals"], caught["Next"]) == (["States.ALL"], "CloseFailed")
    assert definition["States"]["CloseFailed"]["Next"] == "CleaningFailed"
    assert definition["States"]["CleaningFailed"]["Type"] == "Fail"


def test_there_are_alarms_on_failed_and_late_executions(large):
    alarms = large.find_resources("AWS::CloudWatch::Alarm").values()

    assert {alarm["Properties"]["MetricName"] for alarm in alarms} == {
        "ExecutionsFailed",
        "ExecutionsTimedOut",
    }


def training(options):
    return Template.from_stack(app(options).node.find_child("bike-training"))


def test_a_snapshot_that_is_too_large_for_the_function_is_dealt_by_spark():
    [definition] = definitions(training('{"workers": 2}')).values()
    states = definition["States"]

    assert states["SnapshotData"]["Next"] == "IsSnapshotLarge"
    (large,) = states["IsSnapshotLarge"]["Choices"]
    assert (large["Condition"], large["Next"]) == ("{% $snapshot.large %}", "DealLargeData")
    assert states["IsSnapshotLarge"]["Default"] == states["DescribeSnapshot"]["Next"] == "TrainModel"
    assert {name: complaints(state) for name, state in tasks(definition).items() if complaints(state)} == {}
    assert dangling(definition) == unreachable(definition) == []
    for name in ("DealLargeData", "DescribeSnapshot"):
        assert states[name]["Catch"][0]["Next"] == "CloseFailed"


def test_without_the_block_a_snapshot_is_always_the_functions():
    [definition] = definitions(training("null")).values()

    assert definition["States"]["SnapshotData"]["Next"] == "TrainModel"
    assert "DealLargeData" not in definition["States"]


def test_the_job_of_snapshots_reads_curated_rows_and_writes_snapshots_only(large):
    allowed = statements(large, "SnapshotDataRole")

    assert ["/snapshots/*" in text for text in allowed["s3:PutObject"]] == [True]
    assert any("/curated/*" in text for text in allowed["s3:GetObject"])
    assert not any("incoming" in text for text in allowed["s3:GetObject"])
