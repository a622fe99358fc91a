"""Compares what the endpoint is asked with what its model was trained on."""

from __future__ import annotations

from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.data_stack import DataStack
from infra.narrow_grants import grant_items, grant_metrics
from infra.traffic_check import TrafficCheck


class DriftCheck(TrafficCheck):
    """The function ``check_drift``: reads baseline and profiles, writes report, metrics, checkpoint."""

    def __init__(self, scope: Construct, id: str, *, pipeline: Pipeline, data: DataStack) -> None:
        reads = ["baselines/", "profiles/", "drift/history.json", "quality/history.json"]
        super().__init__(scope, id, what="drift", pipeline=pipeline, data=data, reads=reads)
        grant_items(self.function, data.ledger, "dynamodb:GetItem", ["champion", "monitor"])
        grant_items(self.function, data.ledger, "dynamodb:Query", ["file"])
        grant_items(self.function, data.ledger, "dynamodb:PutItem", ["monitor"])
        if pipeline.monitoring.model_monitor_metrics:
            grant_metrics(self.function, "aws/sagemaker/Endpoints/data-metrics")
