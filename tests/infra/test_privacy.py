"""What the block `privacy` adds to the stacks, and what it does not."""

import json

import pytest
from aws_cdk.assertions import Template

from infra.predict_batch_stack import PredictBatchStack
from tests.infra.nag import findings
from tests.infra.pipeline_stacks import stacks

PRIVACY = {"personal": {"customer": "hash"}, "subject": "customer", "raw_days": 30}


def template(**privacy):
    return Template.from_stack(data(**privacy))


def data(**privacy):
    return stacks(json.dumps({"privacy": {**PRIVACY, **privacy}}))[0]


def forgotten(found):
    buckets = found.find_resources("AWS::S3::Bucket").values()
    rules = [
        rule for b in buckets for rule in b["Properties"].get("LifecycleConfiguration", {}).get("Rules", [])
    ]
    return {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule}


@pytest.fixture(scope="module")
def protected():
    return template()


def test_dropped_files_are_deleted_after_their_days(protected):
    assert {"incoming/": 30, "batch/": 30, "feedback/": 30}.items() <= forgotten(protected).items()


def test_nothing_that_was_dropped_is_deleted_under_a_legal_hold():
    assert "incoming/" not in forgotten(template(legal_hold="lawsuit 12/26"))


def test_the_key_is_made_by_cloudformation_and_encrypted_with_the_pipelines_own(protected):
    (secret,) = protected.find_resources("AWS::SecretsManager::Secret").values()

    assert secret["Properties"]["GenerateSecretString"] == {"ExcludePunctuation": True, "PasswordLength": 64}
    assert "KmsKeyId" in secret["Properties"]


def test_ingestion_may_read_the_key_and_who_was_erased(protected):
    policies = json.dumps(protected.find_resources("AWS::IAM::Policy"))

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
    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy")
    (prepare,) = [json.dumps(policy) for name, policy in policies.items() if name.startswith("PrepareBatch")]
    (start,) = [json.dumps(policy) for name, policy in policies.items() if name.startswith("StartBatch")]

    assert '"dynamodb:LeadingKeys": ["erased"]' in prepare
    assert "s3:GetObjectVersion" in start
    assert "/batch/*" in start
