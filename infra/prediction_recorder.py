"""Records what the endpoint is asked and what it answers, as rows and as profiles."""

from __future__ import annotations

from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.catalogue_grant import grant_learning_columns
from infra.data_stack import DataStack
from infra.narrow_grants import grant_data_keys, grant_items, grant_list, grant_objects
from infra.pipeline_function import PipelineFunction
from infra.predictions_table import PREDICTIONS


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
                "PREDICTIONS_TABLE": PREDICTIONS.name,
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
        grant_items(self.function, data.ledger, "dynamodb:GetItem", ["monitor"])
        grant_items(self.function, data.ledger, "dynamodb:PutItem", ["monitor", "recorded"])
        grant_data_keys(self.function, data.key)
        grant_learning_columns(self.function, data, PREDICTIONS.name)
