"""What SageMaker counts of an endpoint, by variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

NAMESPACE = "AWS/SageMaker"


class EndpointMetrics:
    """Statistics of one endpoint's metrics.

    Parameters
    ----------
    endpoint : str
        Its name.
    """

    def __init__(self, client: CloudWatchClient, endpoint: str) -> None:
        self._client, self._endpoint = client, endpoint

    def over(
        self, start: datetime, end: datetime, variant: str, wanted: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], float]:
        """Return statistics over one period.

        Parameters
        ----------
        start, end : datetime
            The period: whole multiples of its own length since 1970, so that it is one datapoint.
        variant : str
            Of the endpoint.
        wanted : sequence of (str, str)
            Metric and statistic, such as ``("ModelLatency", "p99")``.

        Returns
        -------
        mapping of (metric, statistic) to float
            In the metric's unit; without those of which nothing was counted.
        """
        period_s = int((end - start).total_seconds())
        answer = self._client.get_metric_data(
            MetricDataQueries=[
                self._query(f"m{number}", variant, metric, statistic, period_s)
                for number, (metric, statistic) in enumerate(wanted)
            ],
            StartTime=start,
            EndTime=end,
        )
        found = {result["Id"]: result["Values"] for result in answer["MetricDataResults"]}
        return {name: found[f"m{number}"][0] for number, name in enumerate(wanted) if found.get(f"m{number}")}

    def _query(
        self, id: str, variant: str, metric: str, statistic: str, period_s: int
    ) -> MetricDataQueryTypeDef:
        dimensions = {"EndpointName": self._endpoint, "VariantName": variant}
        return {
            "Id": id,
            "MetricStat": {
                "Metric": {
                    "Namespace": NAMESPACE,
                    "MetricName": metric,
                    "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
                },
                "Period": period_s,
                "Stat": statistic,
            },
        }
