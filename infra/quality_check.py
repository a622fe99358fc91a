"""Says how good the model in service is: by its scores, and by labels as soon as they come."""

from __future__ import annotations

from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.data_stack import DataStack
from infra.narrow_grants import grant_items
from infra.traffic_check import TrafficCheck


class QualityCheck(TrafficCheck):
    """``check_quality``: reads reference and recorded predictions, writes reports, metrics and what it remembers."""

    def __init__(self, scope: Construct, id: str, *, pipeline: Pipeline, data: DataStack) -> None:
        recorded = ["baselines/", "predictions/", "labelled/"]
        reads = [*recorded, "quality/state/", "drift/latest.json", "quality/history.json"]
        super().__init__(scope, id, what="quality", pipeline=pipeline, data=data, reads=reads)
        grant_items(self.function, data.ledger, "dynamodb:GetItem", ["champion"])
