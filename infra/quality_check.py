"""Says how good the model in service is: by its scores, and by labels as soon as they come."""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.narrow_grants import grant_data_keys, grant_items, grant_list, grant_objects
from infra.pipeline_function import PipelineFunction


class QualityCheck(Construct):
    """``check_quality``: reads reference and recorded predictions, writes reports, metrics and what it remembers.

    Attributes
    ----------
    function : PipelineFunction
        What is called after predictions have been recorded.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        pipeline: Pipeline,
        artifacts: s3.IBucket,
        ledger: dynamodb.ITable,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        self.function = PipelineFunction(
            self,
            "CheckQuality",
            name="check_quality",
            pipeline=pipeline,
            key=key,
            environment={"ARTIFACTS_BUCKET": artifacts.bucket_name, "LEDGER_TABLE": ledger.table_name},
            memory_mb=1769,  # one whole vCPU: the check computes
            timeout_s=300,
            pandas=True,
        )
        read = ["baselines/", "predictions/", "labelled/", "quality/state/"]
        single = ["drift/latest.json", "quality/history.json"]
        for prefix in [*read, *single]:
            grant_list(self.function, artifacts, prefix)
        patterns = [*(f"{prefix}*" for prefix in read), *single]
        grant_objects(self.function, artifacts, "s3:GetObject", patterns)
        grant_objects(self.function, artifacts, "s3:PutObject", ["quality/*"])
        grant_items(self.function, ledger, "dynamodb:GetItem", ["champion"])
        grant_data_keys(self.function, key)
