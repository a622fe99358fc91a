import json

import pytest

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
