"""The API before an endpoint, from the template that CDK writes: signed, checked, limited, and passed on to SageMaker."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from aws_cdk.assertions import Template
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

from tests.e2e.cloud import REGION, eventually, new_name
from tests.infra.front_stacks import front_stack


@pytest.fixture(scope="module")
def front(client, serve):
    """The pipeline of an API before an endpoint, its address, and the key that its limits are about."""
    name = new_name("f")
    serve(f"headrace-{name}")
    key_arn = client("kms").create_key()["KeyMetadata"]["Arn"]
    topic_arn = client("sns").create_topic(Name=name)["TopicArn"]
    limits = {"requests_per_second": 1, "burst": 10}
    stack = front_stack(name=name, key_arn=key_arn, topic_arn=topic_arn, **limits)
    found = Template.from_stack(stack).to_json()
    body = json.dumps({part: found[part] for part in ("Resources", "Outputs")})
    cloudformation = client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    stack = eventually(
        lambda: cloudformation.describe_stacks(StackName=name)["Stacks"][0],
        lambda stack: stack["StackStatus"] != "CREATE_IN_PROGRESS",
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    key = client("apigateway").get_api_key(apiKey=outputs["FrontApiKeyId"], includeValue=True)["value"]
    return name, outputs["FrontUrl"], key


def test_a_question_is_answered_by_the_endpoint_and_everything_else_is_refused(cloud, client, front):
    name, url, key = front
    api = url.partition("//")[2].partition(".")[0]
    invoke = {"Action": "execute-api:Invoke", "Resource": f"arn:aws:execute-api:{REGION}:*:{api}/*"}
    caller = cloud.as_role(invoke)("apigateway")
    stranger = cloud.as_role({"Action": "sagemaker:InvokeEndpoint", "Resource": "*"})("apigateway")

    def ask(body, kind="text/csv", by=caller, **headers):
        headers = {"Content-Type": kind, "x-api-key": key, **headers}
        request = AWSRequest(
            "POST",
            f"{cloud.endpoint}/restapis/{api}/live/_user_request_/predictions",
            data=body,
            headers={name: value for name, value in headers.items() if value},
        )
        SigV4Auth(by._get_credentials(), "execute-api", REGION).add_auth(request)
        answer = URLLib3Session().send(request.prepare())
        return answer.status_code, answer.content, answer.headers

    status, body, headers = ask(b"1,2\n", Accept="text/csv")
    assert (status, body) == (200, b"hello:1,2\n")
    assert headers["Content-Type"] == "text/csv"
    seen = json.loads(ask(b"headers", **{"X-Amzn-SageMaker-Inference-Id": "mine"})[1])
    assert (seen["content-type"], seen["x-amzn-sagemaker-inference-id"]) == ("text/csv", "mine")
    assert headers["x-Amzn-Invoked-Production-Variant"] == "main"
    assert ask(b'{"instances": [[1]]}', "application/json")[0] == 200
    assert ask(b"\x89PNG\xff", "image/png")[:2] == (200, b"hello:\x89PNG\xff")
    assert ask(b'{"instances": []}', "application/json")[0] == 400
    assert ask(b"1", **{"x-api-key": ""})[0] == 403
    assert ask(b"1", by=stranger)[0] == 403
    assert ask(b"status 415")[:2] == (415, b"you asked for it\n")
    assert ask(b"status 500")[:2] == (502, b'{"error": "the model has failed; its log says why"}\n')
    assert 429 in [ask(b"1")[0] for _ in range(12)]
    eventually(lambda: errors_of(client, f"headrace-{name}"), lambda found: found == 1)


def errors_of(client, api):
    found = client("cloudwatch").get_metric_statistics(
        Namespace="AWS/ApiGateway",
        MetricName="5XXError",
        Dimensions=[{"Name": "ApiName", "Value": api}],
        StartTime=datetime.now(UTC) - timedelta(minutes=5),
        EndTime=datetime.now(UTC) + timedelta(minutes=5),
        Period=3600,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in found["Datapoints"])
