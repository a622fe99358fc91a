"""Records what the endpoint is asked and what it answers, as rows and as profiles."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.data_stack import DataStack
from infra.narrow_grants import grant_data_keys, grant_items, grant_list, grant_objects
from infra.pipeline_function import PipelineFunction


class PredictionRecorder(Construct):
    """The function ``record_predictions``: reads captured objects, writes rows, profiles, progress.

    Attributes
    ----------
    function : PipelineFunction
        Records what is new when it is invoked with ``{}``; answers whether there is ``more``.
    """

    def __init__(self, scope: Construct, id: str, *, pipeline: Pipeline, data: DataStack) -> None:
        super().__init__(scope, id)
        endpoint, artifacts = f"headrace-{pipeline.name}", data.artifacts_bucket
        self.function = PipelineFunction(
            self,
            "RecordPredictions",
            name="record_predictions",
            pipeline=pipeline,
            key=data.key,
            environment={
                "ARTIFACTS_BUCKET": artifacts.bucket_name,
                "LEDGER_TABLE": data.ledger.table_name,
                "ENDPOINT_NAME": endpoint,
                "GLUE_DATABASE": data.glue_database_name,
                "PREDICTIONS_TABLE": data.predictions.name,
            },
            memory_mb=1769,  # one whole vCPU: reading rows computes
            timeout_s=600,
            pandas=True,
        )
        captured = f"capture/{endpoint}/"
        for prefix in (captured, "baselines/", "recorded/"):
            grant_list(self.function, artifacts, prefix)
        grant_objects(self.function, artifacts, "s3:GetObject", ["baselines/*", f"{captured}*", "recorded/*"])
        grant_objects(self.function, artifacts, "s3:PutObject", ["predictions/*", "profiles/*", "recorded/*"])
        for action in ("dynamodb:GetItem", "dynamodb:PutItem"):
            grant_items(self.function, data.ledger, action, ["monitor"])
        grant_data_keys(self.function, data.key)
        self._grant_table(data)

    def _grant_table(self, data: DataStack) -> None:
        """Allow adding columns and variants to the table, which no day and no row needs."""
        stack = Stack.of(self)
        base = f"arn:{stack.partition}:glue:{stack.region}:{stack.account}"
        self.function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["glue:GetTable", "glue:UpdateTable"],
                resources=[
                    f"{base}:catalog",
                    f"{base}:database/{data.glue_database_name}",
                    f"{base}:table/{data.glue_database_name}/{data.predictions.name}",
                ],
            )
        )
