import json

import pytest
from aws_cdk.assertions import Template

from tests.infra.nag import findings
from tests.infra.pipeline_stacks import stacks, templates
from tests.infra.test_training_stack import actions, policies

REALTIME = json.dumps({"endpoint": {"kind": "realtime"}})


@pytest.fixture(scope="module")
def template():
    return templates()[1]


@pytest.mark.parametrize("options", ["{}", REALTIME])
def test_nothing_is_found_that_nobody_gave_a_reason_for(options):
    assert findings(stacks(options)[2]) == []


def test_an_approval_of_this_group_starts_the_deployment(template):
    template.has_resource_properties(
        "AWS::Events::Rule",
        {
            "EventPattern": {
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Model Package State Change"],
                "detail": {
                    "ModelPackageGroupName": ["headrace-bike"],
                    "ModelApprovalStatus": ["Approved"],
                },
            }
        },
    )


def test_the_stack_takes_the_endpoint_with_it(template):
    template.has_resource_properties("Custom::CleanUp", {"What": "deployment", "Name": "headrace-bike"})


def test_the_endpoints_log_is_encrypted_before_there_is_an_endpoint(template):
    template.has_resource_properties(
        "AWS::Logs::LogGroup", {"LogGroupName": "/aws/sagemaker/Endpoints/headrace-bike"}
    )
    for group in template.find_resources("AWS::Logs::LogGroup").values():
        assert "KmsKeyId" in group["Properties"]


def model_role(template):
    (name,) = (role for role in policies(template) if role.startswith("ModelRole"))
    return policies(template)[name]


def test_a_serverless_container_may_write_nothing(template):
    assert not any("s3:PutObject" in actions(statement) for statement in model_role(template))


def test_a_real_time_container_may_write_what_it_captures_and_nothing_else():
    statements = model_role(templates(REALTIME)[1])

    writable = [json.dumps(s["Resource"]) for s in statements if "s3:PutObject" in actions(s)]
    assert len(writable) == 1
    assert "/capture/*" in writable[0]


def test_only_listing_has_no_resource(template):
    open_ended = {
        action
        for statements in policies(template).values()
        for statement in statements
        if statement["Resource"] == "*"
        for action in actions(statement)
        if action.startswith("sagemaker:")
    }

    assert open_ended == {"sagemaker:ListEndpointConfigs", "sagemaker:ListModels"}


def test_what_is_made_and_deleted_carries_the_pipelines_name(template):
    for statements in policies(template).values():
        for statement in statements:
            if (
                any(action.startswith("sagemaker:") for action in actions(statement))
                and statement["Resource"] != "*"
            ):
                assert "headrace-bike" in json.dumps(statement["Resource"])


def test_outputs_say_how_to_ask(template):
    outputs = template.find_outputs("*")

    assert outputs["EndpointName"]["Value"] == "headrace-bike"
    assert outputs["InvokeLikeThis"]["Value"].startswith(
        "aws sagemaker-runtime invoke-endpoint --endpoint-name headrace-bike --content-type text/csv --body"
    )
    assert "DeployStateMachineArn" in outputs


def asynchronous(**fields):
    return json.dumps({"endpoint": {"kind": "asynchronous", "asynchronous": fields}})


def test_nothing_is_found_in_an_asynchronous_endpoint():
    assert findings(stacks(asynchronous(notify=True))[2]) == []


def test_an_asynchronous_container_reads_inputs_and_writes_answers_and_failures_alone():
    statements = model_role(templates(asynchronous())[1])

    (readable,) = [json.dumps(s["Resource"]) for s in statements if "s3:GetObject" in actions(s)]
    (writable,) = [json.dumps(s["Resource"]) for s in statements if "s3:PutObject" in actions(s)]
    assert "/async/input/*" in readable
    assert "/async/output/*" in writable
    assert "/async/failures/*" in writable
    assert "capture/" not in writable
    assert not any("sns:Publish" in actions(statement) for statement in statements)


def test_the_smoke_test_of_an_asynchronous_endpoint_goes_by_way_of_the_bucket():
    (name,) = (role for role in policies(templates(asynchronous())[1]) if role.startswith("SmokeTest"))

    allowed = {a for statement in policies(templates(asynchronous())[1])[name] for a in actions(statement)}
    assert "sagemaker:InvokeEndpointAsync" in allowed
    assert "sagemaker:InvokeEndpoint" not in allowed
    assert {"s3:PutObject", "s3:GetObject", "s3:ListBucket", "kms:GenerateDataKey"} <= allowed


def config_of(options):
    """Return what the state machine is to create as endpoint configuration."""
    (machine,) = templates(options)[1].find_resources("AWS::StepFunctions::StateMachine").values()
    parts = machine["Properties"]["DefinitionString"]["Fn::Join"][1]
    definition = json.loads("".join(part if isinstance(part, str) else "token" for part in parts))
    return definition["States"]["CreateEndpointConfig"]["Arguments"]


def test_an_asynchronous_endpoint_has_a_queue_and_logs_what_it_answers():
    config = config_of(asynchronous(concurrent_requests=8))

    assert config["AsyncInferenceConfig"] == {
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 8},
        "OutputConfig": {
            "S3OutputPath": "s3://token/async/output/",
            "S3FailurePath": "s3://token/async/failures/",
            "KmsKeyId": "token",
        },
    }
    assert "DataCaptureConfig" not in config
    assert "AsyncInferenceConfig" not in config_of(REALTIME)


def test_who_waits_for_answers_is_told_by_encrypted_topics_that_the_container_may_publish_to():
    template = templates(asynchronous(notify=True))[1]

    topics = template.find_resources("AWS::SNS::Topic")
    assert len(topics) == 2
    assert all("KmsMasterKeyId" in topic["Properties"] for topic in topics.values())
    assert {"SuccessTopic", "ErrorTopic"} == set(
        config_of(asynchronous(notify=True))["AsyncInferenceConfig"]["OutputConfig"]["NotificationConfig"]
    )
    (publish,) = [s for s in model_role(template) if "sns:Publish" in actions(s)]
    assert {resource["Ref"] for resource in publish["Resource"]} == set(topics)
    assert {"AsyncSuccessTopicArn", "AsyncErrorTopicArn"} <= set(template.find_outputs("*"))


def test_what_an_asynchronous_endpoint_leaves_in_the_bucket_is_deleted_in_the_end():
    template = Template.from_stack(stacks(asynchronous(keep_days=9))[0])

    rules = [
        rule
        for bucket in template.find_resources("AWS::S3::Bucket").values()
        for rule in bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    ]
    (rule,) = [rule for rule in rules if rule.get("Prefix") == "async/"]
    assert rule["ExpirationInDays"] == 9
