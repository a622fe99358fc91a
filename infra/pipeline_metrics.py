"""The metrics that a pipeline's functions emit, as alarms and dashboards refer to them."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from headrace.config.pipeline import Pipeline

NAMESPACE = "Headrace"


def pipeline_metric(
    pipeline: Pipeline,
    name: str,
    *,
    statistic: str = "Sum",
    period: Duration | None = None,
    label: str | None = None,
    **dimensions: str,
) -> cloudwatch.Metric:
    """Return the metric `name` of `pipeline`, over five minutes unless told otherwise; `dimensions` are further ones."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"Pipeline": pipeline.name, **dimensions},
        statistic=statistic,
        period=period or Duration.minutes(5),
        label=label,
    )
