import json

import pyarrow as pa
import pytest
from aws_cdk.assertions import Match, Template

from headrace.aws.athena_types import athena_types
from headrace.ml.prediction_columns import COLUMNS
from headrace.ml.refusal_records import FILE_FIELDS, ROW_FIELDS
from tests.infra.nag import findings
from tests.infra.pipeline_stacks import stacks
from tests.infra.policies import policies_of


@pytest.fixture(scope="module")
def template():
    return Template.from_stack(stacks()[0])


def properties(template, kind):
    return [resource["Properties"] for resource in template.find_resources(kind).values()]


def statements_of(template, function):
    """Return what the role of a function is allowed."""
    policies = policies_of(template)
    return [
        statement
        for name, policy in policies.items()
        if name.startswith(function)
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def test_nothing_is_found_that_nobody_gave_a_reason_for():
    assert findings(stacks()[0]) == []


def test_buckets_are_private_and_encrypted(template):
    for bucket in properties(template, "AWS::S3::Bucket"):
        assert "BucketEncryption" in bucket
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}


def test_data_is_kept_in_versions_under_the_pipelines_own_key(template):
    versioned = [b for b in properties(template, "AWS::S3::Bucket") if "LoggingConfiguration" in b]

    assert len(versioned) == 2
    for bucket in versioned:
        rule = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}


def test_every_bucket_and_queue_refuses_plain_http(template):
    refusal = {"Bool": {"aws:SecureTransport": "false"}}
    for kind, policies, count in (("s3", "AWS::S3::BucketPolicy", 3), ("sqs", "AWS::SQS::QueuePolicy", 2)):
        refusing = [
            policy
            for policy in properties(template, policies)
            if any(
                statement["Effect"] == "Deny"
                and statement["Action"] == f"{kind}:*"
                and statement.get("Condition") == refusal
                for statement in policy["PolicyDocument"]["Statement"]
            )
        ]
        assert len(refusing) == count


def test_only_the_data_bucket_announces_its_objects(template):
    announcing = [b for b in properties(template, "AWS::S3::Bucket") if "NotificationConfiguration" in b]

    assert [b["NotificationConfiguration"] for b in announcing] == [
        {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    ]


def test_only_files_under_incoming_are_taken(template):
    template.has_resource_properties(
        "AWS::Events::Rule",
        {
            "EventPattern": {
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {"object": {"key": [{"prefix": "incoming/"}]}, "bucket": Match.any_value()},
            }
        },
    )


def test_a_file_that_fails_three_times_waits_two_weeks_with_the_dead_letters(template):
    queues = properties(template, "AWS::SQS::Queue")
    source = next(queue for queue in queues if "RedrivePolicy" in queue)
    dead_letters = next(queue for queue in queues if "RedrivePolicy" not in queue)

    assert source["RedrivePolicy"]["maxReceiveCount"] == 3
    assert dead_letters["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_a_message_stays_invisible_six_times_as_long_as_the_function_may_take(template):
    queue = next(q for q in properties(template, "AWS::SQS::Queue") if "RedrivePolicy" in q)
    function = next(
        f
        for f in properties(template, "AWS::Lambda::Function")
        if f["Handler"].startswith("lambdas.ingest_file")
    )

    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]


@pytest.mark.parametrize(
    ("options", "largest_mb"), [("{}", 100), ('{"ingest": {"max_file_mb": 1500}}', 1500)]
)
def test_the_largest_file_that_is_allowed_fits_on_the_functions_disk(options, largest_mb):
    function = next(
        f
        for f in properties(Template.from_stack(stacks(options)[0]), "AWS::Lambda::Function")
        if f["Handler"].startswith("lambdas.ingest_file")
    )

    # As it was dropped, unpacked, its good rows with and without duplicates, and the refused rows.
    assert 5 * largest_mb <= function["EphemeralStorage"]["Size"] <= 10_240


def test_a_pipeline_with_defaults_asks_for_no_more_memory_than_new_accounts_have(template):
    assert all(f["MemorySize"] <= 3008 for f in properties(template, "AWS::Lambda::Function"))


def test_one_bad_message_does_not_fail_the_others(template):
    template.has_resource_properties(
        "AWS::Lambda::EventSourceMapping", {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
    )


def test_ingestion_can_neither_delete_nor_overwrite_what_was_dropped(template):
    for statement in statements_of(template, "IngestionIngestFile"):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not any("Delete" in action and action.startswith("s3:") for action in actions)
        if "s3:PutObject" in actions:
            assert "incoming/" not in str(statement["Resource"])


def test_ingestion_writes_entries_of_files_and_of_quarantine_and_no_others(template):
    written = {
        statement["Action"]: statement["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"]
        for statement in statements_of(template, "IngestionIngestFile")
        if "ForAllValues:StringEquals" in statement.get("Condition", {})
    }

    assert written == {"dynamodb:PutItem": ["file"], "dynamodb:UpdateItem": ["quarantine"]}


@pytest.mark.parametrize(("options", "days"), [("{}", 90), ('{"quarantine": {"keep_days": 7}}', 7)])
def test_what_was_refused_is_forgotten_after_the_days_that_the_pipeline_names(options, days):
    (bucket,) = (
        b
        for b in properties(Template.from_stack(stacks(options)[0]), "AWS::S3::Bucket")
        if "NotificationConfiguration" in b
    )
    rules = {rule.get("Prefix"): rule for rule in bucket["LifecycleConfiguration"]["Rules"]}

    assert set(rules) == {None, "quarantine/", "refusals/"}
    for prefix in ("quarantine/", "refusals/"):
        assert rules[prefix]["ExpirationInDays"] == days
        # In a bucket with versions an expired object is only hidden.
        assert rules[prefix]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    assert "ExpirationInDays" not in rules[None]


def test_ingestion_may_tell_a_file_that_is_gone_from_one_that_is_forbidden(template):
    """S3 says 404 only to those who may list the key: API reference, "GetObject"."""
    prefixes = [
        s["Condition"]["StringLike"]["s3:prefix"]
        for s in statements_of(template, "IngestionIngestFile")
        if s["Action"] == "s3:ListBucket"
    ]

    assert "incoming/*" in prefixes


def test_the_columns_of_the_table_quarantine_are_the_fields_of_its_records(template):
    stored = glue_table(template, "quarantine")["StorageDescriptor"]

    assert [column["Name"] for column in stored["Columns"]] == [*FILE_FIELDS, *ROW_FIELDS]
    assert stored["Location"]["Fn::Join"][1][-1] == "/refusals/"
    assert stored["SerdeInfo"] == {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}


def test_the_columns_of_the_table_predictions_are_those_that_are_written(template):
    table = glue_table(template, "predictions")
    columns = {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}

    assert list(columns) == list(COLUMNS)
    assert columns == athena_types(pa.schema(COLUMNS))
    assert table["StorageDescriptor"]["Location"]["Fn::Join"][1][-1] == "/predictions/"


def test_athena_computes_the_partitions_of_the_table_predictions(template):
    table = glue_table(template, "predictions")

    assert [key["Name"] for key in table["PartitionKeys"]] == ["variant", "date"]
    assert table["Parameters"]["projection.enabled"] == "true"
    for key in table["PartitionKeys"]:
        assert f"projection.{key['Name']}.type" in table["Parameters"]


def glue_table(template, name):
    """Return what Glue is told of one table."""
    (table,) = (
        found["TableInput"]
        for found in properties(template, "AWS::Glue::Table")
        if found["TableInput"]["Name"] == name
    )
    return table


def test_buckets_are_emptied_after_the_last_writer_is_gone_and_before_they_are_deleted(template):
    ((emptying, resource),) = template.find_resources("Custom::EmptyBuckets").items()
    (mapping,) = template.find_resources("AWS::Lambda::EventSourceMapping").values()

    assert emptying in mapping["DependsOn"]
    assert template.find_resources("AWS::S3::Bucket").keys() <= set(resource["DependsOn"])


def test_a_stack_whose_data_is_kept_from_now_on_empties_nothing_when_it_is_deployed(template):
    kept = Template.from_stack(stacks('{"on_destroy": "retain"}')[0])
    (name,), ((kept_name, resource),) = (
        template.find_resources("Custom::EmptyBuckets"),
        kept.find_resources("Custom::EmptyBuckets").items(),
    )

    # With another name, or without it, CloudFormation would delete the one that was there, and it all data.
    assert kept_name == name
    assert (resource["Properties"]["BucketNames"], resource["Properties"]["CloseBuckets"]) == ([], [])
    assert "s3:DeleteObjectVersion" not in json.dumps(kept.to_json())


def test_access_logs_are_no_longer_delivered_while_their_bucket_is_emptied(template):
    (resource,) = template.find_resources("Custom::EmptyBuckets").values()
    (logs,) = resource["Properties"]["CloseBuckets"]

    assert logs["Ref"].startswith("AccessLogs")
    assert statements_of(template, "EmptyOnDelete")[-1] == {
        "Action": "s3:DeleteBucketPolicy",
        "Effect": "Allow",
        "Resource": {"Fn::GetAtt": [logs["Ref"], "Arn"]},
    }


def test_the_key_turns_every_year(template):
    template.has_resource_properties("AWS::KMS::Key", {"EnableKeyRotation": True})


def test_tables_can_be_restored(template):
    for table in properties(template, "AWS::DynamoDB::Table"):
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_alarms_may_publish_and_only_those_of_this_account(template):
    template.has_resource_properties(
        "AWS::SNS::TopicPolicy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [
                        Match.object_like(
                            {
                                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                                "Condition": {
                                    "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
                                },
                            }
                        )
                    ]
                )
            }
        },
    )


def test_an_address_to_notify_is_subscribed():
    data = stacks('{"notify": "ops@example.org"}')[0]

    Template.from_stack(data).has_resource_properties(
        "AWS::SNS::Subscription", {"Protocol": "email", "Endpoint": "ops@example.org"}
    )


def test_outputs_say_where_to_drop_files(template):
    line = template.find_outputs("DropFilesHere")["DropFilesHere"]["Value"]["Fn::Join"][1]

    assert line[0] == "aws s3 cp <file> s3://"
    assert line[-1] == "/incoming/"
