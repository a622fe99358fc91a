"""Model Monitor's metrics of an endpoint, in CloudWatch."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from headrace.ml.model_monitor_metrics import MetricValue

NAMESPACE = "aws/sagemaker/Endpoints/data-metrics"
_LONGEST_NAME = 255
_MOST_IN_A_CALL = 500
"""CloudWatch takes 1000, and 1 MB."""


class ModelMonitorMetrics:
    """Puts sets of statistics, which the embedded metric format does not have.

    Parameters
    ----------
    client : CloudWatch client
        Of boto3.
    endpoint, schedule : str
        Values of the dimensions ``Endpoint`` and ``MonitoringSchedule``.
    """

    def __init__(self, client: Any, endpoint: str, schedule: str) -> None:
        self._client = client
        named = {"Endpoint": endpoint, "MonitoringSchedule": schedule}
        self._dimensions = [{"Name": name, "Value": value} for name, value in named.items()]

    def put(self, metrics: Iterable[MetricValue], at: datetime) -> None:
        """Store all `metrics` with the time `at`."""
        data = [self._datum(metric, at) for metric in metrics]
        for start in range(0, len(data), _MOST_IN_A_CALL):
            self._client.put_metric_data(
                Namespace=NAMESPACE, MetricData=data[start : start + _MOST_IN_A_CALL]
            )

    def _datum(self, metric: MetricValue, at: datetime) -> dict[str, Any]:
        return {
            "MetricName": metric.name[:_LONGEST_NAME],
            "Dimensions": self._dimensions,
            "Timestamp": at,
            "StatisticValues": {
                "SampleCount": metric.count,
                "Sum": metric.total,
                "Minimum": metric.minimum,
                "Maximum": metric.maximum,
            },
        }
