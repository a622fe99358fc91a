"""What holds for every resource of every stack, and for whatever the state machines make: one test for each property."""

import boto3
from aws_cdk.assertions import Template

from security.checks.deployed import called
from tests.infra.state_machines import definitions, tasks

TAGS = {"headrace:pipeline", "headrace:owner", "headrace:data-class"}
NOT_TAGGED = {
    "CreateModelPackage",  # "In this case, you cannot supply a tag argument": those of the group hold
}


def of_type(synthesised, kind):
    """Return the properties of all resources of a type, by stack and name."""
    return {
        f"{stack}/{name}": resource.get("Properties", {})
        for stack, name, resource in synthesised.resources()
        if resource["Type"] == kind
    }


def test_everything_that_can_be_tagged_is(synthesised):
    untagged, tagged = [], set()
    for stack, name, resource in synthesised.resources():
        place = tag_property(resource["Type"])
        if place is None:
            continue
        given = resource.get("Properties", {}).get(place, [])
        found = set(given) if isinstance(given, dict) else {tag["Key"] for tag in given}
        tagged.add(resource["Type"])
        if not found >= TAGS:
            untagged.append(f"{stack}/{name} ({resource['Type']})")

    assert untagged == []
    assert {"AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Lambda::Function", "AWS::IAM::Role"} <= tagged


def tag_property(kind):
    """Return the name of the property that holds a type's tags; None if CloudFormation knows none."""
    if kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource":
        return None
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # noqa: PLC0415 - takes a second, in every worker

    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    tagging = schema.get("tagging", {})
    named = tagging.get("tagProperty", "/properties/Tags").removeprefix("/properties/")
    return named if tagging.get("taggable", True) and named in schema["properties"] else None


def test_everything_that_state_machines_make_is_tagged(synthesised):
    untagged, made = [], set()
    for kind in synthesised.kinds:
        for definition in definitions(Template.from_json(synthesised.template(kind))).values():
            for name, state in tasks(definition).items():
                operation = takes_tags(state["Resource"])
                if operation is None or operation in NOT_TAGGED:
                    continue
                made.add(operation)
                if not {tag["Key"] for tag in state["Arguments"].get("Tags", [])} >= TAGS:
                    untagged.append(f"{kind}: {name}")

    assert untagged == []
    assert made >= {
        "CreateTrainingJob",
        "CreateProcessingJob",
        "CreateModel",
        "CreateEndpointConfig",
        "CreateEndpoint",
    }


def takes_tags(resource):
    """Return the operation that a task calls if it makes something that can be tagged."""
    service, operation = called(resource)
    if not operation.startswith("Create"):
        return None
    shape = boto3.client(service, region_name="us-east-1").meta.service_model.operation_model(operation)
    return operation if "Tags" in shape.input_shape.members else None


def test_a_resource_without_tags_would_be_found():
    assert tag_property("AWS::SQS::Queue") == "Tags"
    assert tag_property("AWS::IAM::Policy") is None
    assert takes_tags("arn:aws:states:::sagemaker:createTrainingJob.sync") == "CreateTrainingJob"


# --- buckets


def statements_about(synthesised, kind, attribute):
    """Return the statements of resource policies, by the logical id that they are about."""
    found = {}
    for policy in of_type(synthesised, kind).values():
        targets = policy[attribute]
        for target in targets if isinstance(targets, list) else [targets]:
            found.setdefault(target["Ref"], []).extend(policy["PolicyDocument"]["Statement"])
    return found


def denies(statements, action, condition):
    return any(
        statement["Effect"] == "Deny"
        and statement["Action"] == action
        and statement.get("Condition") == condition
        for statement in statements
    )


def buckets(synthesised):
    return {
        name: resource["Properties"]
        for _, name, resource in synthesised.resources()
        if resource["Type"] == "AWS::S3::Bucket"
    }


def test_every_bucket_is_private_versioned_and_forgets_old_versions_and_abandoned_uploads(synthesised):
    assert len(buckets(synthesised)) >= 3
    for bucket in buckets(synthesised).values():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        whole = [rule for rule in bucket["LifecycleConfiguration"]["Rules"] if "Prefix" not in rule]
        assert any("NoncurrentVersionExpiration" in rule for rule in whole)
        assert any("AbortIncompleteMultipartUpload" in rule for rule in whole)


def test_every_bucket_but_the_logs_own_is_encrypted_with_the_pipelines_key_and_logged(synthesised):
    not_logged = []
    for name, bucket in buckets(synthesised).items():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        if "LoggingConfiguration" not in bucket:
            not_logged.append(name)
            continue
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
        assert rule["BucketKeyEnabled"] is True

    assert [name.startswith("AccessLogs") for name in not_logged] == [True]


def test_every_bucket_refuses_plain_http_old_tls_and_other_encryption(synthesised):
    statements = statements_about(synthesised, "AWS::S3::BucketPolicy", "Bucket")
    for name, bucket in buckets(synthesised).items():
        assert denies(statements[name], "s3:*", {"Bool": {"aws:SecureTransport": "false"}})
        assert denies(statements[name], "s3:*", {"NumericLessThan": {"s3:TlsVersion": 1.2}})
        if "LoggingConfiguration" in bucket:
            header = "s3:x-amz-server-side-encryption"
            by_default = {"Null": {header: "false"}}  # who asks for nothing gets the bucket's own
            assert denies(
                statements[name], "s3:PutObject", {"StringNotEquals": {header: "aws:kms"}, **by_default}
            )
            keys = [s["Condition"] for s in statements[name] if s.get("Sid") == "OwnKeyOnly"]
            assert [list(condition) for condition in keys] == [["StringNotEquals", "Null"]]


def test_records_are_locked_other_buckets_take_locks_beside_them_and_the_logs_own_cannot(synthesised):
    locks = synthesised.stack("data").pipeline.retention.object_lock_days is not None
    for name, bucket in buckets(synthesised).items():
        assert bucket.get("ObjectLockEnabled", False) is (locks and "LoggingConfiguration" in bucket)
        by_default = "Rule" in bucket.get("ObjectLockConfiguration", {})
        assert by_default is (locks and name.startswith("Audit"))


def test_eventbridge_hears_of_dropped_files_and_of_everything_where_packs_ask_for_it(synthesised):
    strict = synthesised.stack("data").pipeline.compliance == "strict"
    for name, bucket in buckets(synthesised).items():
        assert ("NotificationConfiguration" in bucket) is (strict or name.startswith("Data"))


# --- keys, tables, queues, topics


def test_every_key_is_rotated_and_lets_nobody_hand_it_on_but_to_services(synthesised):
    keys = of_type(synthesised, "AWS::KMS::Key")

    assert keys
    for key in keys.values():
        statements = key["KeyPolicy"]["Statement"]
        # KMS rotates no asymmetric keys, such as the one that signs.
        assert key.get("EnableKeyRotation", False) is ("KeySpec" not in key)
        assert not [s for s in statements if s["Effect"] == "Allow" and s["Principal"] in ("*", {"AWS": "*"})]
        refusal = {"kms:GrantIsForAWSResource": "false", "aws:PrincipalIsAWSService": "false"}
        assert denies(statements, "kms:CreateGrant", {"BoolIfExists": refusal})


def test_a_service_that_hands_on_what_it_could_not_deliver_may_use_the_key_and_no_other(synthesised):
    handed_on = any(
        "RedrivePolicy" in each for each in of_type(synthesised, "AWS::SNS::Subscription").values()
    )

    allowed = {
        statement.get("Sid")
        for key in of_type(synthesised, "AWS::KMS::Key").values()
        for statement in key["KeyPolicy"]["Statement"]
    }
    assert ("AllowSns" in allowed) is handed_on


def test_every_table_is_encrypted_restorable_and_protected_if_it_is_to_stay(synthesised):
    stays = synthesised.stack("data").pipeline.on_destroy == "retain"

    assert of_type(synthesised, "AWS::DynamoDB::Table")
    for table in of_type(synthesised, "AWS::DynamoDB::Table").values():
        assert table["SSESpecification"]["SSEType"] == "KMS"
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert table.get("DeletionProtectionEnabled", False) is stays


def test_every_queue_is_encrypted_refuses_plain_http_and_loses_nothing(synthesised):
    queues = {
        (stack, name): resource["Properties"]
        for stack, name, resource in synthesised.resources()
        if resource["Type"] == "AWS::SQS::Queue"
    }
    ends = {
        queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        for queue in queues.values()
        if "RedrivePolicy" in queue
    }
    statements = statements_about(synthesised, "AWS::SQS::QueuePolicy", "Queues")

    for (_, name), queue in queues.items():
        assert "KmsMasterKeyId" in queue
        assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
        assert denies(statements[name], "sqs:*", {"Bool": {"aws:SecureTransport": "false"}})
        if "RedrivePolicy" in queue:
            assert queue["RedrivePolicy"]["maxReceiveCount"] >= 3
    assert ends


def test_every_topic_is_encrypted_and_refuses_plain_http(synthesised):
    topics = {
        name: resource["Properties"]
        for _, name, resource in synthesised.resources()
        if resource["Type"] == "AWS::SNS::Topic"
    }
    statements = statements_about(synthesised, "AWS::SNS::TopicPolicy", "Topics")

    assert topics
    for name, topic in topics.items():
        assert "KmsMasterKeyId" in topic
        assert denies(statements[name], "sns:Publish", {"Bool": {"aws:SecureTransport": "false"}})


# --- what is asked by `compliance: strict`, and nothing of it by default


def test_functions_keep_what_failed_and_have_a_share_of_the_quota_where_it_is_strict(synthesised):
    strict = synthesised.stack("data").strict

    for name, function in of_type(synthesised, "AWS::Lambda::Function").items():
        assert ("DeadLetterConfig" in function) is strict, name
        assert ("ReservedConcurrentExecutions" in function) is strict, name
        assert (function.get("TracingConfig") == {"Mode": "Active"}) is strict, name
        assert "KmsKeyArn" in function


def test_rules_keep_what_they_could_not_deliver_where_it_is_strict(synthesised):
    strict = synthesised.stack("data").strict

    for name, rule in of_type(synthesised, "AWS::Events::Rule").items():
        kept = [target.get("DeadLetterConfig") for target in rule["Targets"]]
        assert all(kept) if strict else "Undelivered" not in str(kept), name


def test_every_alarm_tells_the_feed_where_it_is_strict(synthesised):
    strict = synthesised.stack("data").strict

    fed = [
        "AlarmFeed" in str(a.get("AlarmActions"))
        for a in of_type(synthesised, "AWS::CloudWatch::Alarm").values()
    ]

    assert fed
    assert all(fed) if strict else not any(fed)


def test_tables_are_backed_up_where_it_is_strict(synthesised):
    selections = list(of_type(synthesised, "AWS::Backup::BackupSelection").values())

    if synthesised.stack("data").strict:
        assert len(selections[0]["BackupSelection"]["Resources"]) == 2
    else:
        assert selections == []


def test_queues_of_what_could_not_be_delivered_are_watched(synthesised):
    queues = [name for name in of_type(synthesised, "AWS::SQS::Queue") if "/Undelivered" in name]
    alarms = [name for name in of_type(synthesised, "AWS::CloudWatch::Alarm") if "/UndeliveredAlarm" in name]

    assert len(queues) == len(alarms)
    assert bool(queues) is synthesised.stack("data").strict
