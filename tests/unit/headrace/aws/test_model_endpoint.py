import io
import json

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from headrace.aws.model_endpoint import Answers, EndpointUnavailableError, ModelEndpoint, RowsRefusedError


class Runtime:
    def __init__(self, answer):
        self.answer, self.asked = answer, None

    def invoke_endpoint(self, **request):
        self.asked = request
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"Body": io.BytesIO(self.answer), "InvokedProductionVariant": "v3"}


def refusal(code, status=None, message=""):
    response = {"Error": {"Code": code, "Message": "Received client error (400) from primary: 4711"}}
    if status:
        response |= {"OriginalStatusCode": status, "OriginalMessage": message}
    return ClientError(response, "InvokeEndpoint")


def predict(answer, rows=(b'{"x": 1}', b'{"x": 2}')):
    return ModelEndpoint(Runtime(answer), "headrace-bike").predict(rows, "49")


def test_rows_are_sent_as_instances_with_their_columns_names():
    runtime = Runtime(b'{"predictions": [{"score": 1}, {"score": 2}]}')

    answers = ModelEndpoint(runtime, "headrace-bike").predict([b'{"x": 1}', b'{"x": 2}'], "49")

    assert answers == Answers([{"score": 1}, {"score": 2}], "v3")
    assert json.loads(runtime.asked.pop("Body")) == {"instances": [{"x": 1}, {"x": 2}]}
    assert runtime.asked == {
        "EndpointName": "headrace-bike",
        "ContentType": "application/json",
        "Accept": "application/json",
        "InferenceId": "49",
    }


@pytest.mark.parametrize("status", [400, 413, 415])
def test_a_container_that_refuses_refuses_the_rows(status):
    with pytest.raises(RowsRefusedError) as caught:
        predict(refusal("ModelError", status, '{"error": "row 2 has no column \'x\'"}'))

    assert str(caught.value) == "row 2 has no column 'x'"


@pytest.mark.parametrize(
    "error",
    [
        refusal("ModelError", 500),
        refusal("ModelError", 408),
        refusal("ModelError", 429),
        refusal("ThrottlingException"),
        refusal("ModelNotReadyException"),
        refusal("ServiceUnavailable"),
        refusal("ValidationError"),  # the endpoint is not there yet, or is being changed
        refusal("AccessDeniedException"),
        EndpointConnectionError(endpoint_url="https://runtime"),
        b"no json",
        b"[]",
        b'{"predictions": null}',
        b'{"predictions": [1]}',
    ],
)
def test_everything_else_may_pass(error):
    with pytest.raises(EndpointUnavailableError) as caught:
        predict(error)

    assert "4711" not in str(caught.value)


def test_a_refusal_in_another_form_is_repeated_shortened():
    with pytest.raises(RowsRefusedError) as caught:
        predict(refusal("ModelError", 400, "bad " * 100))

    assert len(str(caught.value)) == 300
