"""REST APIs of the local cloud: their validators, and what becomes of requests to SageMaker and of its answers."""

import json

import pytest
from ministack.core.responses import request_scope
from ministack.services import apigateway_v1
from ministack.services.cloudformation import provisioners

from local_cloud.repairs import api_integrations, api_validators
from local_cloud.repairs.api_integrations import Call
from local_cloud.settings import ACCOUNT, REGION

ROWS = {"type": "object", "required": ["rows"]}
CREATE = {kind: handlers["create"] for kind, handlers in provisioners._RESOURCE_HANDLERS.items()}


@pytest.fixture
def method():
    """A method of an API from a template, which checks JSON and wants a content type."""
    with request_scope(ACCOUNT, REGION):
        api, attributes = CREATE["AWS::ApiGateway::RestApi"]("Api", {"Name": "bike"}, "stack")
        model, _ = CREATE["AWS::ApiGateway::Model"]("Rows", {"RestApiId": api, "Schema": ROWS}, "stack")
        checks = {"RestApiId": api, "ValidateRequestBody": True, "ValidateRequestParameters": "true"}
        validator, _ = api_validators._create("Validator", checks, "stack")
        create = api_validators._naming_its_validator(CREATE["AWS::ApiGateway::Method"], properties=1)
        root = attributes["RootResourceId"]
        properties = {
            "RestApiId": api,
            "ResourceId": root,
            "HttpMethod": "POST",
            "RequestModels": {"application/json": model},
            "RequestParameters": {"method.request.header.Content-Type": True},
            "RequestValidatorId": validator,
        }
        create("Method", properties, "stack")
        yield api, json.loads(apigateway_v1._get_method(api, root, "POST")[2])
        apigateway_v1._delete_rest_api(api)


def refusal(method, body, **headers):
    """Return why API Gateway refuses a request before it asks anybody; None if it does not."""
    api, found = method
    check = api_integrations._by_content_type(apigateway_v1._check_request_validation)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = {"headers": headers, "query_params": {}, "path_params": {}}
    refused = check(found, api, request, headers, body, {})
    return refused and refused.message


def test_a_body_of_json_is_checked_by_the_model_of_the_template(method):
    assert refusal(method, b'{"rows": 1}', content_type="application/json") is None
    assert refusal(method, b'{"row": 1}', content_type="application/json; charset=utf-8")
    assert refusal(method, b"{", content_type="application/json")


def test_a_body_that_has_no_model_is_not_checked(method):
    assert refusal(method, b"1,2", content_type="text/csv") is None


def test_a_header_that_is_wanted_and_missing_is_named(method):
    assert "Content-Type" in refusal(method, b'{"rows": 1}')


def test_a_validator_can_be_changed_and_deleted(method):
    api, found = method
    off = {"RestApiId": api, "ValidateRequestBody": False, "ValidateRequestParameters": False}

    api_validators._update(found["requestValidatorId"], {"RestApiId": api}, off, "stack")
    assert refusal(method, b"{", content_type="application/json") is None

    api_validators._delete(found["requestValidatorId"], off)
    assert apigateway_v1._get_request_validator(api, found["requestValidatorId"])[0] == 404


INTEGRATION = {
    "requestParameters": {
        "integration.request.header.Accept": "method.request.header.Accept",
        "integration.request.header.X-Amzn-SageMaker-Inference-Id": "method.request.header.X-Amzn-SageMaker-Inference-Id",
        "integration.request.header.X-Amzn-SageMaker-Custom-Attributes": "'front'",
    },
    "integrationResponses": {
        "200": {
            "statusCode": "200",
            "selectionPattern": "",
            "responseParameters": {
                "method.response.header.Content-Type": "integration.response.header.Content-Type"
            },
        },
        "502": {
            "statusCode": "502",
            "selectionPattern": "424",
            "responseTemplates": {"application/json": "#set($context.responseOverride.status = 400)no"},
        },
    },
}


def call(**headers):
    return Call(INTEGRATION, "endpoints/e/invocations", headers, b"1")


def test_headers_are_passed_on_as_they_are_mapped_and_no_others():
    asked = call(**{"content-type": "text/csv", "accept": "text/csv", "cookie": "secret"})

    assert asked.passed_on() == {
        "Content-Type": "text/csv",
        "Accept": "text/csv",
        "X-Amzn-SageMaker-Custom-Attributes": "front",
    }


def test_a_body_without_a_content_type_is_json():
    assert call().passed_on()["Content-Type"] == "application/json"


def test_an_answer_is_mapped_by_its_status_and_its_template_may_choose_another():
    assert call().mapped(200, {"content-type": "text/csv", "x-secret": "1"}, b"3\n") == (
        200,
        {"Content-Type": "text/csv"},
        b"3\n",
    )
    assert call().mapped(424, {}, b"{}") == (400, {"Content-Type": "application/json"}, b"no")


def test_what_is_no_text_in_utf_8_passes_only_as_a_binary_media_type():
    headers = {"Content-Type": "image/png"}

    assert api_integrations._as_sent(headers, b"\xff", ["image/*"]) == b"\xff"
    assert api_integrations._as_sent(headers, b"\xff", []) == "\N{REPLACEMENT CHARACTER}".encode()
