"""What the API before the endpoint takes and answers: the schema of questions, and how refusals are worded."""

from __future__ import annotations

from aws_cdk import aws_apigateway as apigateway

PASSED_ON = (
    "Content-Type",
    "Accept",
    "X-Amzn-SageMaker-Inference-Id",
    "X-Amzn-SageMaker-Custom-Attributes",
)
"""Headers of the caller's request that SageMaker gets."""
RETURNED = ("Content-Type", "X-Amzn-SageMaker-Custom-Attributes", "x-Amzn-Invoked-Production-Variant")
"""Headers of SageMaker's answer that callers get."""
BINARY = ("image/png", "image/jpeg", "application/x-parquet", "application/vnd.apache.parquet")
"""What is no text: everything else, API Gateway reads as UTF-8."""

_JSON = "application/json"

_REFUSAL = """\
#set($status = $input.path('$.OriginalStatusCode'))
#if($status >= 400 && $status < 500)
#set($context.responseOverride.status = $status)
$input.path('$.OriginalMessage')
#elseif($status == 503)
#set($context.responseOverride.status = 503)
{"error": "the model is busy; ask again"}
#else
{"error": "the model has failed; its log says why"}
#end
"""
"""Of a `ModelError`: what the container refuses, it refuses to the caller, in its own words; what it breaks at, it tells its log."""


def question() -> apigateway.JsonSchema:
    """Return the schema of a question in JSON: rows under ``instances``, a list of records, or ``columns`` and ``data``.

    Which columns a row must have is what a model has learned: the container checks that, and names row and column.
    """
    rows = apigateway.JsonSchema(
        type=apigateway.JsonSchemaType.ARRAY,
        min_items=1,
        items=apigateway.JsonSchema(
            any_of=[
                apigateway.JsonSchema(type=apigateway.JsonSchemaType.OBJECT),
                apigateway.JsonSchema(type=apigateway.JsonSchemaType.ARRAY),
            ]
        ),
    )
    names = apigateway.JsonSchema(
        type=apigateway.JsonSchemaType.ARRAY,
        min_items=1,
        items=apigateway.JsonSchema(type=apigateway.JsonSchemaType.STRING),
    )
    return apigateway.JsonSchema(
        schema=apigateway.JsonSchemaVersion.DRAFT4,
        title="Question",
        any_of=[rows, _object(instances=rows), _object(columns=names, data=rows)],
    )


def _object(**members: apigateway.JsonSchema) -> apigateway.JsonSchema:
    return apigateway.JsonSchema(
        type=apigateway.JsonSchemaType.OBJECT, required=list(members), properties=members
    )


def integration_responses() -> list[apigateway.IntegrationResponse]:
    """Return what becomes of SageMaker's answers, by their status: one pattern fits, or none, which is a success.

    API Gateway keeps one of them for each status that callers see.
    """
    returned = {f"method.response.header.{name}": f"integration.response.header.{name}" for name in RETURNED}
    return [
        apigateway.IntegrationResponse(status_code="200", response_parameters=returned),
        _refused("424", "502", _REFUSAL),
        _refused("429", "429", '{"error": "the endpoint is busy; try again"}'),
        _refused("4(?!24|29)\\d\\d", "400", '{"error": "SageMaker refuses the request"}'),
        _refused("5\\d\\d", "503", '{"error": "the endpoint does not answer"}'),
    ]


def _refused(pattern: str, status: str, template: str) -> apigateway.IntegrationResponse:
    return apigateway.IntegrationResponse(
        selection_pattern=pattern,
        status_code=status,
        response_parameters={"method.response.header.Content-Type": f"'{_JSON}'"},
        response_templates={_JSON: template},
    )


def method_responses() -> list[apigateway.MethodResponse]:
    """Return the answers that callers may get, with their headers."""
    headers = {f"method.response.header.{name}": False for name in RETURNED}
    return [
        apigateway.MethodResponse(status_code="200", response_parameters=headers),
        *(
            apigateway.MethodResponse(
                status_code=status, response_parameters={"method.response.header.Content-Type": False}
            )
            for status in ("400", "429", "502", "503")
        ),
    ]
