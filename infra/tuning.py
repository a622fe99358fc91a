"""What a training needs where it searches hyperparameters: two functions, and the right to run tuning jobs."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.data_stack import DataStack
from infra.narrow_grants import acknowledge_wildcards, grant_data_keys, grant_items, grant_objects
from infra.pipeline_function import PipelineFunction
from infra.sagemaker_task import TRAINING, TUNING, allow, grant_jobs, sagemaker_arn
from infra.tuning_states import TuningFunctions


class TrainingTuning(Construct):
    """The functions ``plan_tuning`` and ``record_trials``.

    Attributes
    ----------
    functions : TuningFunctions
        For the states.
    """

    def __init__(self, scope: Construct, id: str, *, pipeline: Pipeline, data: DataStack) -> None:
        super().__init__(scope, id)
        self._pipeline, self._data = pipeline, data
        # A tuning job's name has 32 characters at most, and its trials' names begin with it: there is no room for more.
        self._tunings = sagemaker_arn(self, TUNING.resource, f"{pipeline.name}-*")
        self._trials = sagemaker_arn(self, TRAINING.resource, f"{pipeline.name}-*")
        self.functions = TuningFunctions(self._add_plan_tuning(), self._add_record_trials())

    def grant_run(self, role: iam.IRole, job_role: iam.IRole) -> None:
        """Allow a state machine's role to run tuning jobs whose trials act as `job_role`; tags go on to the trials."""
        grant_jobs(role, self, TUNING, name_prefix=self._pipeline.name, job_role=job_role)
        allow(role, ["sagemaker:AddTags"], [self._trials])

    def grant_list(self, function: PipelineFunction) -> None:
        """Allow a function to list the trials of a tuning job."""
        allow(function.role, ["sagemaker:ListTrainingJobsForHyperParameterTuningJob"], [self._tunings])

    def _add_plan_tuning(self) -> PipelineFunction:
        tuning, ledger = self._pipeline.training.tuning, self._data.ledger
        warm = tuning is not None and tuning.warm_start
        function = PipelineFunction(
            self,
            "PlanTuning",
            name="plan_tuning",
            pipeline=self._pipeline,
            key=self._data.key,
            environment={"LEDGER_TABLE": ledger.table_name} if warm else {},
        )
        if warm:
            grant_items(function, ledger, "dynamodb:Query", ["training"])
            self._grant_describe(function)
        return function

    def _add_record_trials(self) -> PipelineFunction:
        bucket = self._data.artifacts_bucket
        function = PipelineFunction(
            self,
            "RecordTrials",
            name="record_trials",
            pipeline=self._pipeline,
            key=self._data.key,
            environment={"ARTIFACTS_BUCKET": bucket.bucket_name},
        )
        self._grant_describe(function)
        self.grant_list(function)
        allow(function.role, ["sagemaker:DescribeTrainingJob"], [self._trials])
        grant_objects(function, bucket, "s3:PutObject", ["evaluations/*/trials.json"])
        grant_data_keys(function, self._data.key)
        return function

    def _grant_describe(self, function: PipelineFunction) -> None:
        allow(function.role, ["sagemaker:DescribeHyperParameterTuningJob"], [self._tunings])
        acknowledge_wildcards(
            function.role, "Jobs are named at run time: the pipeline's own prefix is the scope."
        )
