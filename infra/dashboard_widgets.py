"""Graphs of a dashboard: a third of its width each, from zero, with metrics that may only be known at run time."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_stepfunctions as sfn

from headrace.config.pipeline import Pipeline
from infra.pipeline_metrics import NAMESPACE, pipeline_metric

WIDTH = 24
HEIGHT = 6
_FROM_ZERO = cloudwatch.YAxisProps(min=0)


def graph(
    title: str,
    left: Sequence[cloudwatch.IMetric],
    *,
    right: Sequence[cloudwatch.IMetric] = (),
    line: tuple[float, str] | None = None,
    top: float | None = None,
    stacked: bool = False,
) -> cloudwatch.GraphWidget:
    """Draw metrics over time.

    Parameters
    ----------
    line : (float, str), optional
        A horizontal line at this value of the left axis, and what it means.
    top : float, optional
        Upper end of the left axis.
    """
    return cloudwatch.GraphWidget(
        title=title,
        left=list(left),
        right=list(right),
        left_y_axis=cloudwatch.YAxisProps(min=0, max=top) if top else _FROM_ZERO,
        right_y_axis=_FROM_ZERO if right else None,
        left_annotations=[cloudwatch.HorizontalAnnotation(value=line[0], label=line[1])] if line else None,
        stacked=stacked,
        width=WIDTH // 3,
        height=HEIGHT,
    )


def heading(title: str, says: str) -> cloudwatch.TextWidget:
    """Head a row."""
    return cloudwatch.TextWidget(
        markdown=f"### {title}\n{says}",
        width=WIDTH,
        height=2,
        background=cloudwatch.TextWidgetBackground.TRANSPARENT,
    )


def highest(pipeline: Pipeline, *names: str) -> list[cloudwatch.Metric]:
    """Return metrics of which each period shows the largest value, with their names as labels."""
    return [pipeline_metric(pipeline, name, statistic="Maximum", label=name) for name in names]


def totals(pipeline: Pipeline, *names: str) -> list[cloudwatch.Metric]:
    """Return metrics that are added up, with their names as labels."""
    return [pipeline_metric(pipeline, name, label=name) for name in names]


def by(pipeline: Pipeline, dimension: str, metric: str, statistic: str) -> cloudwatch.MathExpression:
    """Return one line for each value of `dimension`, labelled with it."""
    terms = f'{{{NAMESPACE},Pipeline,{dimension}}} MetricName="{metric}" Pipeline="{pipeline.name}"'
    return _search(terms, statistic, label=f"${{PROP('Dim.{dimension}')}}")


def of_endpoint(endpoint: str, metric: str, statistic: str, *, label: str) -> cloudwatch.MathExpression:
    """Return one line for each variant of `endpoint`: every model version is one."""
    terms = f'{{AWS/SageMaker,EndpointName,VariantName}} MetricName="{metric}" EndpointName="{endpoint}"'
    return _search(terms, statistic, label=f"${{PROP('Dim.VariantName')}} {label}")


def runs(title: str, machine: sfn.IStateMachine) -> cloudwatch.GraphWidget:
    """Draw how runs of a state machine ended."""
    return graph(title, [machine.metric_succeeded(), machine.metric_failed(), machine.metric_timed_out()])


def _search(schema_and_terms: str, statistic: str, *, label: str) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(
        expression=f"SEARCH('{schema_and_terms}', '{statistic}', 300)",
        using_metrics={},
        label=label,
        period=Duration.minutes(5),
    )
