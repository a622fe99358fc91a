from datetime import UTC, datetime

from headrace.aws.model_monitor_metrics import ModelMonitorMetrics
from headrace.ml.model_monitor_metrics import MetricValue

NOW = datetime(2026, 1, 31, tzinfo=UTC)


class Client(list):
    def put_metric_data(self, *, Namespace, MetricData):  # noqa: N803
        self.append((Namespace, MetricData))


def test_a_metric_has_model_monitors_names_and_all_statistics():
    client = Client()

    ModelMonitorMetrics(client, "bike", "daily").put(
        [MetricValue("feature_data_temp", 2, 3.0, 1.0, 2.0)], NOW
    )

    ((namespace, (datum,)),) = client
    assert namespace == "aws/sagemaker/Endpoints/data-metrics"
    assert {each["Name"]: each["Value"] for each in datum["Dimensions"]} == {
        "Endpoint": "bike",
        "MonitoringSchedule": "daily",
    }
    assert datum["StatisticValues"] == {"SampleCount": 2, "Sum": 3.0, "Minimum": 1.0, "Maximum": 2.0}


def test_many_metrics_take_several_calls():
    client = Client()

    ModelMonitorMetrics(client, "bike", "daily").put([MetricValue("a", 1, 1.0, 1.0, 1.0)] * 1001, NOW)

    assert [len(data) for _, data in client] == [500, 500, 1]
