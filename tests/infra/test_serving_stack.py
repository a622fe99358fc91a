import json
import re

import pytest
from aws_cdk.assertions import Template

from headrace.aws.release_alarms import release_alarm_names
from tests.infra.nag import findings
from tests.infra.pipeline_stacks import stacks, templates
from tests.infra.test_state_machines import VARIANTS
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


# --- releases

CANARY = VARIANTS["canary"]


def test_nothing_is_found_in_a_stack_that_releases_that_nobody_gave_a_reason_for():
    assert findings(stacks(CANARY)[2]) == []


def who_may(action, options):
    """Name the roles that may do something, with the resources."""
    return {
        role: json.dumps(statement["Resource"])
        for role, statements in policies(templates(options)[1]).items()
        for statement in statements
        if action in actions(statement)
    }


@pytest.mark.parametrize(
    ("action", "roles", "scope"),
    [
        ("sagemaker:UpdateEndpointWeightsAndCapacities", ["Deployment"], "endpoint/headrace-bike"),
        ("cloudwatch:PutMetricAlarm", ["BeginRelease"], ":alarm:headrace-bike-release-shift"),
        (
            "cloudwatch:DeleteAlarms",
            ["CleanUp", "RemovePrevious", "RollBackDeployment"],
            ":alarm:headrace-bike-release-shift",
        ),
        ("states:SendTaskSuccess", ["DecideRelease", "HoldRelease"], '"Ref": "Deployment'),
        ("states:DescribeExecution", ["DecideRelease"], ":execution:"),
    ],
)
def test_what_a_release_takes_is_allowed_to_who_does_it_and_on_its_own(action, roles, scope):
    allowed = who_may(action, CANARY)

    assert (
        sorted(re.sub(r"(Function)?(ServiceRole|Role|DefaultPolicy).*|[0-9A-F]{8}$", "", r) for r in allowed)
        == roles
    )
    assert all(scope in resource for resource in allowed.values()), allowed


@pytest.mark.parametrize("options", ["{}", REALTIME])
def test_where_models_are_exchanged_all_at_once_nothing_moves_weights_or_makes_alarms(options):
    for action in ("sagemaker:UpdateEndpointWeightsAndCapacities", "cloudwatch:PutMetricAlarm"):
        assert who_may(action, options) == {}


def rules(options):
    found = templates(options)[1].find_resources("AWS::Events::Rule").values()
    return {rule["Properties"]["Description"].partition(": ")[2]: rule["Properties"] for rule in found}


def test_a_turn_a_loss_and_an_alarm_of_a_release_start_the_same_state_machine():
    found = rules(CANARY)

    assert found.keys() == {
        "an approved model is deployed",
        "a model that was approved during another deployment has its turn",
        "what an execution has left that was stopped is undone",
        "an alarm of a release withdraws it",
    }
    (machine,) = {json.dumps(target["Arn"]) for rule in found.values() for target in rule["Targets"]}
    assert "Deployment" in machine
    alarm = found["an alarm of a release withdraws it"]["EventPattern"]["detail"]
    assert alarm == {
        "alarmName": list(release_alarm_names("bike")),
        "state": {"value": ["ALARM"]},
    }


def test_without_releases_there_is_no_rule_for_their_alarms():
    assert "an alarm of a release withdraws it" not in rules("{}")
