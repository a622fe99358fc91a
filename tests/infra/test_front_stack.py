import json

import pytest
from aws_cdk.assertions import Template

from local_cloud.repairs.mapping_templates import render
from tests.infra.front_stacks import front_stack
from tests.infra.nag import findings
from tests.infra.test_training_stack import actions, policies


@pytest.fixture(scope="module")
def template():
    return Template.from_stack(front_stack())


@pytest.fixture(scope="module")
def method(template):
    (method,) = template.find_resources("AWS::ApiGateway::Method").values()
    return method["Properties"]


def test_nothing_is_found_that_nobody_gave_a_reason_for():
    assert findings(front_stack()) == []


def test_callers_are_signed_have_a_key_and_are_checked(method):
    assert (method["AuthorizationType"], method["ApiKeyRequired"]) == ("AWS_IAM", True)
    assert set(method["RequestModels"]) == {"application/json"}
    assert method["RequestParameters"]["method.request.header.Content-Type"] is True


def test_sagemaker_is_asked_itself_by_a_role_that_may_ask_this_endpoint_alone(template, method):
    uri = json.dumps(method["Integration"]["Uri"])
    (statement,) = next(p for role, p in policies(template).items() if role.startswith("InvokeRole"))

    assert ":runtime.sagemaker:path/endpoints/headrace-bike/invocations" in uri
    assert actions(statement) == ["sagemaker:InvokeEndpoint"]
    assert json.dumps(statement["Resource"]).endswith(':endpoint/headrace-bike"]]}')
    assert "AWS::Lambda::Function" not in json.dumps(template.to_json())


def test_each_status_that_callers_see_has_one_answer_of_sagemakers(method):
    answers = method["Integration"]["IntegrationResponses"]

    statuses = [answer["StatusCode"] for answer in answers]
    assert len(set(statuses)) == len(statuses)
    assert set(statuses) == {answer["StatusCode"] for answer in method["MethodResponses"]}
    assert [answer["StatusCode"] for answer in answers if "SelectionPattern" not in answer] == ["200"]


@pytest.mark.parametrize(
    ("status", "text", "seen"),
    [
        (400, '{"error": "row 1: temp is no number"}', (400, "temp is no number")),
        (415, '{"error": "no such type"}', (415, "no such type")),
        (503, '{"error": "more wait than can be answered soon"}', (503, "busy")),
        (500, '{"error": "a secret of ours"}', (None, "the model has failed")),
        (0, "timed out", (None, "the model has failed")),
    ],
)
def test_what_the_model_refuses_is_told_and_what_it_breaks_at_is_not(method, status, text, seen):
    (answer,) = [
        a for a in method["Integration"]["IntegrationResponses"] if a.get("SelectionPattern") == "424"
    ]
    error = json.dumps({"OriginalStatusCode": status, "OriginalMessage": text, "Message": "Received"})

    said, overridden = render(answer["ResponseTemplates"]["application/json"], error)

    assert overridden == seen[0]
    assert seen[1] in json.loads(said)["error"]


def test_limits_hold_for_the_key_and_for_the_stage():
    template = Template.from_stack(front_stack(requests_per_second=7, burst=9, requests_per_day=1000))

    template.has_resource_properties(
        "AWS::ApiGateway::UsagePlan",
        {"Throttle": {"RateLimit": 7, "BurstLimit": 9}, "Quota": {"Limit": 1000, "Period": "DAY"}},
    )
    (live,) = template.find_resources("AWS::ApiGateway::Stage").values()
    (setting,) = live["Properties"]["MethodSettings"]
    assert (setting["ThrottlingRateLimit"], setting["ThrottlingBurstLimit"]) == (7, 9)


def test_requests_are_logged_in_an_encrypted_group_without_what_they_hold(template):
    (group,) = template.find_resources("AWS::Logs::LogGroup").values()
    (live,) = template.find_resources("AWS::ApiGateway::Stage").values()
    logged = live["Properties"]["AccessLogSetting"]["Format"]

    assert "KmsKeyId" in group["Properties"]
    assert {"caller", "status", "latencyMs"} <= set(json.loads(logged))
    assert "$context.error.message" not in logged
    assert "validationErrorString" not in logged
    assert live["Properties"]["MethodSettings"][0]["DataTraceEnabled"] is False


def test_whoever_is_named_may_ask_and_nobody_else():
    named = ["arn:aws:iam::111122223333:role/shop", "arn:aws:iam::444455556666:root"]
    template = Template.from_stack(front_stack(principals=named))

    (api,) = template.find_resources("AWS::ApiGateway::RestApi").values()
    allow, deny = api["Properties"]["Policy"]["Statement"]
    assert allow["Principal"] == {"AWS": named}
    assert (deny["Effect"], deny["Condition"]) == (
        "Deny",
        {"ArnNotLike": {"aws:PrincipalArn": [named[0], "arn:aws:iam::444455556666:*"]}},
    )


def test_without_names_the_policies_of_the_account_decide(template):
    (api,) = template.find_resources("AWS::ApiGateway::RestApi").values()

    assert "Policy" not in api["Properties"]


def test_an_error_of_the_servers_sets_off_an_alarm(template):
    template.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {"Namespace": "AWS/ApiGateway", "MetricName": "5XXError", "Threshold": 1},
    )


def test_a_web_acl_stands_before_the_stage_if_there_is_one(template):
    acl = "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/shop/1234abcd-12ab-34cd-56ef-1234567890ab"
    guarded = front_stack(web_acl=acl)

    (firewall,) = Template.from_stack(guarded).find_resources("AWS::WAFv2::WebACLAssociation").values()
    assert firewall["Properties"]["WebACLArn"] == acl
    assert "/stages/" in json.dumps(firewall["Properties"]["ResourceArn"])
    assert findings(guarded) == []
    assert not template.find_resources("AWS::WAFv2::WebACLAssociation")
