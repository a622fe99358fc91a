"""The function that judges a release, with what it may read and write."""

from __future__ import annotations

from aws_cdk import aws_s3 as s3
from constructs import Construct

from headrace.config.pipeline import Pipeline
from headrace.config.release import Release
from infra.data_stack import DataStack
from infra.narrow_grants import acknowledge_wildcards, grant_data_keys, grant_items, grant_list, grant_objects
from infra.pipeline_function import PipelineFunction
from infra.sagemaker_task import allow

_OF_MODELS = ("baselines/", "evaluations/", "releases/")
_REPORT = "drift/latest.json"


def _compared(release: Release) -> tuple[str, ...]:
    """Return what is read to compare two models: nothing where time and alarms alone decide."""
    if release.by_steps:
        return ()
    if release.metric == "proxy":
        return "predictions/", _REPORT
    return ("predictions/", "labelled/") if release.strategy == "shadow" else ("labelled/",)


class ReleaseJudge(PipelineFunction):
    """``judge_release``: reads what both models answered, and what they are compared by, writes reports and what it remembers."""

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
        self._grant_objects(artifacts, pipeline.release, f"capture/{endpoint}/")
        grant_data_keys(self, data.key)
        grant_items(self, data.ledger, "dynamodb:GetItem", ["release"])
        allow(self.role, ["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"], ["*"])
        acknowledge_wildcards(
            self.role,
            "Objects below a prefix are named at run time: the prefix is the scope. DescribeAlarms and GetMetricData are not "
            "authorised by alarm or metric, and only read.",
        )

    def _grant_objects(self, artifacts: s3.IBucket, release: Release, captured: str) -> None:
        read = (captured, *_OF_MODELS, *_compared(release))
        for prefix in read:
            grant_list(self, artifacts, prefix)
        objects = [prefix if prefix == _REPORT else f"{prefix}*" for prefix in (*read, "training/")]
        grant_objects(self, artifacts, "s3:GetObject", objects)
        grant_objects(self, artifacts, "s3:PutObject", ["baselines/*", "releases/*"])
