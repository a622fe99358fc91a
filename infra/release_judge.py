"""The function that judges a release, with what it may read and write."""

from __future__ import annotations

from aws_cdk import aws_s3 as s3
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.data_stack import DataStack
from infra.narrow_grants import acknowledge_wildcards, grant_data_keys, grant_items, grant_list, grant_objects
from infra.pipeline_function import PipelineFunction
from infra.sagemaker_task import allow

_LISTED = ("baselines/", "evaluations/", "predictions/", "labelled/", "releases/", "drift/latest.json")
_READ = (
    "baselines/*",
    "evaluations/*",
    "training/*",
    "predictions/*",
    "labelled/*",
    "releases/*",
    "drift/latest.json",
)


class ReleaseJudge(PipelineFunction):
    """``judge_release``: reads what both models answered and the labels of that, writes reports and what it remembers."""

    def __init__(
        self, scope: Construct, id: str, *, pipeline: Pipeline, data: DataStack, endpoint: str
    ) -> None:
        artifacts = data.artifacts_bucket
        super().__init__(
            scope,
            id,
            name="judge_release",
            pipeline=pipeline,
            key=data.key,
            environment={
                "ARTIFACTS_BUCKET": artifacts.bucket_name,
                "LEDGER_TABLE": data.ledger.table_name,
                "ENDPOINT_NAME": endpoint,
            },
            memory_mb=1769,  # one whole vCPU: the comparison computes
            timeout_s=270,
            pandas=True,
        )
        self._grant_objects(artifacts, f"capture/{endpoint}/")
        grant_data_keys(self, data.key)
        grant_items(self, data.ledger, "dynamodb:GetItem", ["release"])
        allow(self.role, ["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"], ["*"])
        acknowledge_wildcards(
            self.role,
            "Objects below a prefix are named at run time: the prefix is the scope. DescribeAlarms and GetMetricData are not "
            "authorised by alarm or metric, and only read.",
        )

    def _grant_objects(self, artifacts: s3.IBucket, captured: str) -> None:
        for prefix in (captured, *_LISTED):
            grant_list(self, artifacts, prefix)
        grant_objects(self, artifacts, "s3:GetObject", [f"{captured}*", *_READ])
        grant_objects(self, artifacts, "s3:PutObject", ["baselines/*", "releases/*"])
