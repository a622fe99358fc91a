import json
from functools import cache

import pytest
from aws_cdk.assertions import Match, Template

from headrace.config.pipeline import Pipeline
from infra.code_bundle import REPO
from infra.pipeline_app import add_stacks
from tests.infra.pipeline_stacks import template_app
from tests.infra.policies import policies_of

KEY = {"Fn::ImportValue": Match.string_like_regexp("bike-data:.*Key.*Arn")}


@cache
def app(options):
    """Return the app of the pipeline `bike`; `options` is JSON for the block `stream`, or null."""
    app = template_app()
    fields = {"name": "bike", "problem": "regression", "target": "cnt", "stream": json.loads(options)}
    add_stacks(app, Pipeline.model_validate(fields))
    return app


@cache
def synthesised(**options):
    return Template.from_stack(app(json.dumps(options)).node.find_child("bike-stream"))


@pytest.fixture(scope="module")
def both():
    return synthesised(training=True, scoring=True)


def statements(template, role):
    """Return what a role is allowed: action -> list of resources, as text."""
    found = {}
    for policy in policies_of(template).values():
        if not any(role in name["Ref"] for name in policy["Properties"]["Roles"]):
            continue
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            actions = statement["Action"]
            for action in [actions] if isinstance(actions, str) else actions:
                found.setdefault(action, []).append(json.dumps(statement["Resource"]))
    return found


def types(template):
    return {resource["Type"] for resource in template.to_json()["Resources"].values()}


def test_without_the_block_there_is_no_stack():
    assert app("null").node.try_find_child("bike-stream") is None


def test_without_the_block_no_other_stack_differs(tmp_path):
    names = ["bike-data", "bike-training", "bike-serving", "bike-monitoring"]
    without = {name: Template.from_stack(app("null").node.find_child(name)).to_json() for name in names}

    for name in names[1:]:
        found = Template.from_stack(app('{"scoring": true}').node.find_child(name)).to_json()
        # The bundle holds the pipeline file, so its hash differs, and nothing else does.
        assert [*found["Resources"]] == [*without[name]["Resources"]]


def test_training_alone_answers_nothing():
    assert "AWS::Lambda::Function" not in types(synthesised(training=True))


def test_scoring_alone_delivers_nothing():
    assert "AWS::KinesisFirehose::DeliveryStream" not in types(synthesised(scoring=True))


def test_everything_is_encrypted_with_the_key_of_the_pipeline(both):
    encryption = {"EncryptionType": "KMS", "KeyId": KEY}
    both.all_resources_properties("AWS::Kinesis::Stream", {"StreamEncryption": encryption})
    both.all_resources_properties("AWS::SQS::Queue", {"KmsMasterKeyId": KEY})
    both.all_resources_properties("AWS::Lambda::Function", {"KmsKeyArn": KEY})
    both.all_resources_properties("AWS::Logs::LogGroup", {"KmsKeyId": KEY})
    both.has_resource_properties(
        "AWS::KinesisFirehose::DeliveryStream",
        {
            "ExtendedS3DestinationConfiguration": {
                "EncryptionConfiguration": {"KMSEncryptionConfig": {"AWSKMSKeyARN": KEY}}
            }
        },
    )


def test_a_stream_has_one_shard_unless_the_file_says_more_or_that_it_scales_by_itself():
    one, on_demand = synthesised(scoring=True), synthesised(scoring=True, on_demand=True)
    counted = synthesised(scoring=True, shards=3, retention_hours=48)

    one.all_resources_properties("AWS::Kinesis::Stream", {"ShardCount": 1, "RetentionPeriodHours": 24})
    on_demand.all_resources_properties(
        "AWS::Kinesis::Stream",
        {"StreamModeDetails": {"StreamMode": "ON_DEMAND"}, "ShardCount": Match.absent()},
    )
    counted.all_resources_properties(
        "AWS::Kinesis::Stream",
        {"StreamModeDetails": {"StreamMode": "PROVISIONED"}, "ShardCount": 3, "RetentionPeriodHours": 48},
    )


def test_labelled_records_become_files_of_json_lines_below_incoming():
    template = synthesised(training=True, buffer_seconds=120, buffer_mb=8)

    template.has_resource_properties(
        "AWS::KinesisFirehose::DeliveryStream",
        {
            "DeliveryStreamType": "KinesisStreamAsSource",
            "ExtendedS3DestinationConfiguration": {
                "Prefix": "incoming/stream/!{timestamp:yyyy/MM/dd/HH}/",
                "FileExtension": ".jsonl",
                "BufferingHints": {"IntervalInSeconds": 120, "SizeInMBs": 8},
                "ProcessingConfiguration": {
                    "Enabled": True,
                    "Processors": [{"Type": "AppendDelimiterToRecord"}],
                },
                "CloudWatchLoggingOptions": {"Enabled": True},
            },
        },
    )


def test_what_cannot_be_delivered_is_not_taken_in(both):
    (delivery,) = both.find_resources("AWS::KinesisFirehose::DeliveryStream").values()

    prefix = delivery["Properties"]["ExtendedS3DestinationConfiguration"]["ErrorOutputPrefix"]
    assert prefix.startswith("stream-errors/!{firehose:error-output-type}/")


def test_the_delivery_reads_its_stream_and_writes_below_two_prefixes_only(both):
    allowed = statements(both, "DeliveryRole")

    assert set(allowed) == {
        *("kinesis:DescribeStream", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"),
        *("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"),
        *("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"),
        *("kms:Decrypt", "kms:GenerateDataKey", "logs:PutLogEvents"),
    }
    (objects,) = allowed["s3:PutObject"]
    assert "/incoming/stream/*" in objects
    assert "/stream-errors/*" in objects
    assert objects.count("*") == 2
    assert "LabelledRecords" in allowed["kinesis:GetRecords"][0]


def test_the_delivery_is_not_made_before_its_role_may_do_anything(both):
    (delivery,) = both.find_resources("AWS::KinesisFirehose::DeliveryStream").values()

    assert any("DeliveryRoleDefaultPolicy" in name for name in delivery["DependsOn"])


def test_the_function_asks_one_endpoint_and_puts_into_one_stream_only(both):
    allowed = statements(both, "ScoreRecordsRole")

    assert ":endpoint/headrace-bike" in allowed["sagemaker:InvokeEndpoint"][0]
    assert "*" not in allowed["sagemaker:InvokeEndpoint"][0]
    assert ["ScoredPredictions" in text for text in allowed["kinesis:PutRecords"]] == [True]
    assert ["ScoredRecords" in text for text in allowed["kinesis:GetRecords"]] == [True]
    assert ["DeadLetters" in text for text in allowed["sqs:SendMessage"]] == [True]
    assert not any(action.startswith(("s3:", "dynamodb:")) for action in allowed)


def test_a_failing_batch_is_bisected_and_ends_in_the_dead_letters(both):
    both.has_resource_properties(
        "AWS::Lambda::EventSourceMapping",
        {
            "BatchSize": 100,
            "MaximumBatchingWindowInSeconds": 0,
            "ParallelizationFactor": 1,
            "StartingPosition": "TRIM_HORIZON",
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "BisectBatchOnFunctionError": True,
            "MaximumRetryAttempts": 99,
            "MaximumRecordAgeInSeconds": 6 * 3600,
            "DestinationConfig": {
                "OnFailure": {
                    "Destination": {"Fn::GetAtt": [Match.string_like_regexp(".*DeadLetters.*"), "Arn"]}
                }
            },
        },
    )


def test_every_handler_exists(both):
    (function,) = both.find_resources("AWS::Lambda::Function").values()

    handler = function["Properties"]["Handler"]
    assert handler == "lambdas.score_records.handler.handler"
    assert (REPO / f"{handler.removesuffix('.handler').replace('.', '/')}.py").is_file()


def test_there_is_an_alarm_on_lateness_errors_and_dead_letters():
    template = synthesised(training=True, scoring=True, buffer_seconds=600)

    alarms = template.find_resources("AWS::CloudWatch::Alarm").values()
    watched = {(a["Properties"]["MetricName"], a["Properties"]["Threshold"]) for a in alarms}
    assert watched == {
        ("DeliveryToS3.DataFreshness", 900),  # seconds: the buffer and five minutes
        ("IteratorAge", 300_000),  # milliseconds
        ("Errors", 1),
        ("ApproximateNumberOfMessagesVisible", 1),
    }
    for alarm in alarms:
        assert "Alarms" in json.dumps(alarm["Properties"]["AlarmActions"])


def test_the_dashboard_shows_the_records_that_are_answered():
    def body(options):
        monitoring = app(options).node.find_child("bike-monitoring")
        (dashboard,) = Template.from_stack(monitoring).find_resources("AWS::CloudWatch::Dashboard").values()
        return json.dumps(dashboard["Properties"]["DashboardBody"])

    assert "ScoringLatency" in body('{"training": true, "scoring": true}')
    assert "ScoringLatency" not in body('{"training": true}')
    assert "ScoringLatency" not in body("null")
