"""Alarms on the endpoint: its errors, its latency, and whether it is as busy as it may be.

SageMaker counts by endpoint and variant, and every model version is a variant of its own whose name no template knows. A
Metrics Insights query sums over all of them, but it knows no percentiles, an alarm takes one query only, and `SEARCH` is
not allowed in alarms; so percentiles and shares are computed by ``measure_endpoint``, where the pipeline file asks for them.
"""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from headrace.config.pipeline import Pipeline
from infra.operation_alarms import OperationAlarms, Words
from infra.pipeline_metrics import pipeline_metric

_QUARTER_OF_AN_HOUR = 3
"""Periods of five minutes: a cold start or one slow request is nothing to wake anybody for."""


def watch_endpoint(alarms: OperationAlarms, pipeline: Pipeline, endpoint: str) -> None:
    """Alarm on what `endpoint` does, as far as `pipeline` asks for it."""
    errors = pipeline.alarms.server_errors
    alarms.watch_metric(
        "EndpointErrors",
        _over_variants(endpoint, "SUM", "Invocation5XXErrors", label="5XX"),
        Words(
            f"the endpoint has answered {errors} or more requests with an error of its own (5XX)",
            look="its container's log has the traceback",
            then="callers get errors; `headrace status` says which model answers, and what was deployed before it",
        ),
        threshold=errors,
    )
    _watch_capacity(alarms, pipeline, endpoint)
    _watch_measured(alarms, pipeline)


def _watch_capacity(alarms: OperationAlarms, pipeline: Pipeline, endpoint: str) -> None:
    """Alarm when requests are turned away because there is no room for them; a real-time endpoint has no such number."""
    if pipeline.endpoint.kind == "serverless":
        alarms.watch_metric(
            "EndpointBusy",
            _over_variants(endpoint, "MAX", "ServerlessConcurrentExecutionsUtilization", label="busy"),
            Words(
                f"the endpoint answers {pipeline.endpoint.max_concurrency} requests at once, which is all that it may; "
                "more are refused (429)",
                look="the row `Endpoint` of the dashboard",
                then="callers have to try again; raise endpoint.max_concurrency and deploy if this goes on",
            ),
            periods=_QUARTER_OF_AN_HOUR,
        )
    if pipeline.endpoint.kind == "asynchronous":
        alarms.watch_metric(
            "EndpointBusy",
            _over_variants(endpoint, "SUM", "ExpiredRequests", label="expired"),
            Words(
                "requests have waited in the endpoint's queue for longer than they may, and were dropped",
                look="the row `Endpoint` of the dashboard says how many wait, and for how long",
                then="callers get a failure and have to ask again; more instances, or a longer RequestTTLSeconds, prevent it",
            ),
        )


def _watch_measured(alarms: OperationAlarms, pipeline: Pipeline) -> None:
    wanted = pipeline.alarms
    for name, statistic, which, limit in (
        ("LatencyP50", "EndpointLatencyP50", "half of the requests take", wanted.latency_p50_ms),
        ("LatencyP99", "EndpointLatencyP99", "one request in a hundred takes", wanted.latency_p99_ms),
    ):
        if limit:
            alarms.watch_metric(
                name,
                pipeline_metric(pipeline, statistic, statistic="Maximum"),
                Words(
                    f"{which} the endpoint more than {limit:g} ms, for a quarter of an hour",
                    look="the row `Endpoint` of the dashboard says whether the model or what is around it takes so long",
                    then="callers wait; more memory, or a real-time endpoint, makes it faster",
                ),
                threshold=limit,
                periods=_QUARTER_OF_AN_HOUR,
            )
    if share := wanted.client_error_share:
        alarms.watch_metric(
            "ClientErrors",
            pipeline_metric(pipeline, "EndpointClientErrorShare", statistic="Maximum"),
            Words(
                f"{100 * share:g}% or more of the requests are refused as wrong (4XX), for a quarter of an hour",
                look="the endpoint's log says what is wrong with them",
                then="callers get errors until they send what the model knows: its columns, in its formats",
            ),
            threshold=share,
            periods=_QUARTER_OF_AN_HOUR,
        )


def _over_variants(endpoint: str, function: str, metric: str, *, label: str) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(
        expression=(
            f'SELECT {function}({metric}) FROM SCHEMA("AWS/SageMaker", EndpointName, VariantName) '
            f"WHERE EndpointName = '{endpoint}'"
        ),
        using_metrics={},
        label=label,
        period=Duration.minutes(5),
    )
