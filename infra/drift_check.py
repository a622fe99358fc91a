"""Compares what the endpoint is asked with what its model was trained on."""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.narrow_grants import grant_data_keys, grant_items, grant_list, grant_metrics, grant_objects
from infra.pipeline_function import PipelineFunction


class DriftCheck(Construct):
    """The function ``check_drift``: reads baseline and profiles, writes report, metrics, checkpoint.

    Attributes
    ----------
    function : PipelineFunction
        Checks what is new when it is invoked with ``{}``.
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
            "CheckDrift",
            name="check_drift",
            pipeline=pipeline,
            key=key,
            environment={"ARTIFACTS_BUCKET": artifacts.bucket_name, "LEDGER_TABLE": ledger.table_name},
            memory_mb=1769,  # one whole vCPU: the check computes
            timeout_s=300,
            pandas=True,  # for NumPy
        )
        histories = ["drift/history.json", "quality/history.json"]
        for prefix in ("baselines/", "profiles/", *histories):
            grant_list(self.function, artifacts, prefix)
        grant_objects(self.function, artifacts, "s3:GetObject", ["baselines/*", "profiles/*", *histories])
        grant_objects(self.function, artifacts, "s3:PutObject", ["drift/*"])
        grant_items(self.function, ledger, "dynamodb:GetItem", ["champion", "monitor"])
        grant_items(self.function, ledger, "dynamodb:Query", ["file"])
        grant_items(self.function, ledger, "dynamodb:PutItem", ["monitor"])
        grant_data_keys(self.function, key)
        if pipeline.monitoring.model_monitor_metrics:
            grant_metrics(self.function, "aws/sagemaker/Endpoints/data-metrics")
