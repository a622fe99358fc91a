"""What the block `privacy` adds to the stacks, and what it does not."""

import json

import pytest
from aws_cdk.assertions import Template

from infra.predict_batch_stack import PredictBatchStack
from tests.infra.nag import findings
from tests.infra.pipeline_stacks import stacks
from tests.infra.policies import policies_of

PRIVACY = {"personal": {"customer": "hash"}, "subject": "customer", "raw_days": 30}


def template(**privacy):
    return Template.from_stack(data(**privacy))


def data(**privacy):
    kept = {"on_destroy": "retain"} if "legal_hold" in privacy else {}
    return stacks(json.dumps({"privacy": {**PRIVACY, **privacy}, **kept}))[0]


def rules(found, bucket):
    """Return the lifecycle rules of a bucket, by the start of its logical id."""
    (properties,) = [
        each["Properties"]
        for name, each in found.find_resources("AWS::S3::Bucket").items()
        if name.startswith(bucket)
    ]
    return properties["LifecycleConfiguration"]["Rules"]


def forgotten(found, bucket="Data"):
    return {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules(found, bucket) if "Prefix" in rule}


@pytest.fixture(scope="module")
def protected():
    return template()


def test_dropped_files_are_deleted_after_their_days(protected):
    assert {"incoming/": 30, "batch/": 30, "feedback/": 30}.items() <= forgotten(protected).items()


def test_hidden_versions_go_a_day_after_what_they_were(protected):
    for bucket in ("Data", "Artifacts"):
        kept = [
            rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
            for rule in rules(protected, bucket)
            if "Prefix" in rule
        ]
        assert set(kept) == {1}
        (rest,) = [rule for rule in rules(protected, bucket) if "Prefix" not in rule]
        assert rest["NoncurrentVersionExpiration"]["NoncurrentDays"] == 90


def test_requests_predictions_and_labels_are_deleted_after_their_days(protected):
    found = template(captured_days=100)
    people = {"capture/", "predictions/", "labelled/", "feedback/"}

    assert dict.fromkeys(people, 100).items() <= forgotten(found, "Artifacts").items()
    assert forgotten(found)["predictions/"] == 100
    assert not people & forgotten(protected, "Artifacts").keys()


def test_nothing_of_people_is_deleted_for_its_age_under_a_legal_hold():
    held = template(legal_hold="lawsuit 12/26", captured_days=100)

    assert not forgotten(held)
    assert set(forgotten(held, "Artifacts")) == {"recorded/", "snapshots/orders/"}
    for bucket in ("Data", "Artifacts"):
        (rest,) = [rule for rule in rules(held, bucket) if "Prefix" not in rule]
        assert "NoncurrentVersionExpiration" not in rest


def test_the_key_is_made_by_cloudformation_and_encrypted_with_the_pipelines_own(protected):
    (secret,) = protected.find_resources("AWS::SecretsManager::Secret").values()

    assert secret["Properties"]["GenerateSecretString"] == {"ExcludePunctuation": True, "PasswordLength": 64}
    assert "KmsKeyId" in secret["Properties"]


def test_ingestion_may_read_the_key_and_who_was_erased(protected):
    policies = json.dumps(policies_of(protected))

    assert "secretsmanager:GetSecretValue" in policies
    assert json.dumps({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["erased"]}}) in policies


def test_encrypted_cells_have_a_key_of_their_own_and_the_first_one_keeps_its_name():
    found = template(personal={"customer": "hash", "email": "encrypt"})
    secrets = found.find_resources("AWS::SecretsManager::Secret")
    (ingest,) = [
        each["Properties"]["Environment"]["Variables"]
        for each in found.find_resources("AWS::Lambda::Function").values()
        if each["Properties"].get("Handler") == "lambdas.ingest_file.handler.handler"
    ]

    # Another logical id would be another secret, and nobody could be found any more.
    assert sorted(name[:-8] for name in secrets) == ["EncryptionKeySecret", "PrivacyKeySecret"]
    assert json.dumps(ingest["PRIVACY_KEY_ARN"]) != json.dumps(ingest["ENCRYPTION_KEY_ARN"])
    assert found.find_outputs("EncryptedColumns")["EncryptedColumns"]["Value"] == '["email"]'


def test_nothing_is_hashed_where_nothing_needs_it():
    assert not template(personal={"email": "drop"}, subject=None).find_resources(
        "AWS::SecretsManager::Secret"
    )
    assert not Template.from_stack(stacks()[0]).find_resources("AWS::SecretsManager::Secret")


def test_nothing_is_found_that_nobody_gave_a_reason_for():
    assert findings(data()) == []


def test_who_takes_files_knows_who_was_erased_and_what_an_erasure_has_left():
    options = json.dumps({"privacy": PRIVACY, "endpoint": {"kind": "serverless", "batch": {}}})
    data, _, serving = stacks(options)
    pipeline = serving.pipeline
    stack = PredictBatchStack(
        data.node.root,
        "bike-batch",
        pipeline=pipeline,
        batch=pipeline.endpoint.batches,
        data=data,
        serving=serving,
    )
    policies = policies_of(Template.from_stack(stack))
    (prepare,) = [json.dumps(policy) for name, policy in policies.items() if name.startswith("PrepareBatch")]
    (start,) = [json.dumps(policy) for name, policy in policies.items() if name.startswith("StartBatch")]

    assert '"dynamodb:LeadingKeys": ["erased"]' in prepare
    assert "s3:GetObjectVersion" in start
    assert "/batch/*" in start
