"""Metrics of a pipeline, in CloudWatch's embedded metric format on the standard output."""

from __future__ import annotations

from collections.abc import Mapping

from aws_lambda_powertools.metrics.provider.cloudwatch_emf import cloudwatch
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.metric_properties import MetricUnit

Unit = MetricUnit
NAMESPACE = "Headrace"


class PipelineMetrics:
    """Writes metrics with the dimension ``Pipeline``, and no other unless it is asked for.

    Powertools adds the dimension ``service`` by itself, which would make one metric per function of what
    alarms and dashboards look up as one metric per pipeline.

    Parameters
    ----------
    pipeline : str
        Value of the dimension.
    """

    def __init__(self, pipeline: str) -> None:
        self._pipeline = pipeline

    def put(
        self,
        metrics: Mapping[str, float],
        *,
        unit: Unit = Unit.Count,
        dimensions: Mapping[str, str] | None = None,
    ) -> None:
        """Write one line with all `metrics`, which share `unit` and `dimensions`; none if there are none."""
        if not metrics:
            return
        line = cloudwatch.AmazonCloudWatchEMFProvider(
            namespace=NAMESPACE, service="", metric_set={}, dimension_set={}, metadata_set={}
        )
        for dimension, member in {"Pipeline": self._pipeline, **(dimensions or {})}.items():
            line.add_dimension(dimension, member)
        for name, value in metrics.items():
            line.add_metric(name, unit, value)
        line.flush_metrics()
