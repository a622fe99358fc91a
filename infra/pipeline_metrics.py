"""The metrics that a pipeline's functions emit, as alarms and dashboards refer to them."""

from __future__ import annotations

from typing import Literal

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


def refused_share(pipeline: Pipeline, what: Literal["Rows", "Files"]) -> cloudwatch.MathExpression:
    """Return which share of the rows, or of the files, that came in within an hour was refused; none if nothing came in.

    Rows that a cleaning step drops are dropped on purpose, and do not count.
    """
    hour = Duration.hours(1)
    accepted, refused, filtered = f"accepted{what}", f"refused{what}", f"filtered{what}"
    metrics = {
        accepted: pipeline_metric(pipeline, f"{what}Accepted", period=hour),
        refused: pipeline_metric(pipeline, f"{what}Quarantined", period=hour),
    }
    faulty = refused
    if what == "Rows":
        metrics[filtered] = pipeline_metric(pipeline, "RowsRefused", period=hour, Reason="filtered")
        faulty = f"({refused} - FILL({filtered}, 0))"
    return cloudwatch.MathExpression(
        expression=f"{faulty} / ({accepted} + {faulty})", using_metrics=metrics, label=what, period=hour
    )
