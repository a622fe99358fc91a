"""Trains, judges and registers models."""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.checkpoints import checkpoint_prefixes
from infra.clean_up import CleanUp, What
from infra.data_stack import DataStack
from infra.glue_task import grant_runs
from infra.job_roles import JobRole, grant_encrypted_packages, grant_encrypted_volumes
from infra.judge_function import judge_function
from infra.large_data_stack import LargeDataStack
from infra.large_files import SNAPSHOT_ORDERS
from infra.model_image import model_image
from infra.narrow_grants import acknowledge_wildcards, grant_data_keys, grant_items, grant_list, grant_objects
from infra.pipeline_function import PipelineFunction
from infra.pipeline_stack import PipelineStack
from infra.placement import allow_job_interfaces
from infra.sagemaker_task import PROCESSING, TRAINING, allow, grant_jobs, grant_put_events, sagemaker_arn
from infra.signing_key import SigningKey, grant_use, sign_function
from infra.state_machine import PipelineStateMachine
from infra.training_calls import JobSettings, training_calls
from infra.training_flow import TrainingFunctions, training_flow
from infra.training_schedule import TrainingSchedule
from infra.trust import trust_rules_of_this_account
from infra.tuning import TrainingTuning

_RETRAIN_EVERY = Duration.days(7)
_STARTING_EVENTS = {
    "each_file": ("DataAccepted", "TrainingWanted"),
    "batch": ("BatchAccepted", "TrainingWanted"),
    "schedule": (),
}
"""By what `arrival.train` says."""


class TrainingStack(PipelineStack):
    """Image, job roles, functions, model package group, and the state machine that goes through them.

    Attributes
    ----------
    state_machine : IStateMachine
        Trains when it is started with ``{"reason": "new_data" | "drift" | "schedule" | "manual"}``.
    model_package_group_name : str
        Where models are registered.
    image_uri : str
        Of the container that evaluates and serves.
    image : ModelImage, ManagedImage or OwnImage
        With the grant that a role needs to pull it.
    signing_key : SigningKey
        Signs what was judged.
    schedule : TrainingSchedule or None
        What starts it at set times, with `arrival.train: schedule`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        pipeline: Pipeline,
        data: DataStack,
        large: LargeDataStack | None = None,
    ) -> None:
        super().__init__(
            scope,
            id,
            pipeline=pipeline,
            description="training, evaluation, model registry",
            hardening=data.hardening,
        )
        self._data, self._large = data, large
        self.prefix = f"headrace-{pipeline.name}"
        self.model_package_group_name = self.prefix
        self._group = self._add_model_package_group()
        self.image = model_image(self, "ModelImage", pipeline=pipeline, key=data.key)
        self.image_uri = self.image.uri
        self.signing_key = SigningKey(self, "SigningKey", removal_policy=self.removal_policy)
        kept = checkpoint_prefixes(pipeline)
        self._training_role = self._add_job_role("Training", "Training", kept, ["training/", *kept])
        self._evaluation_role = self._add_job_role(
            "Evaluation", "Processing", ["training/"], ["evaluations/"]
        )
        tuned = pipeline.training.tuning is not None
        self._tuning = TrainingTuning(self, "Tuning", pipeline=pipeline, data=data) if tuned else None
        self._functions = TrainingFunctions(
            guard_training=self._add_guard_training(),
            snapshot_data=self._add_snapshot_data(),
            judge_model=judge_function(self, self._data, self.image),
            sign_model=sign_function(self, self._data, self.signing_key, self.image.sbom_sha256),
            close_training=self._add_close_training(),
            tuning=self._tuning.functions if self._tuning else None,
        )
        self.state_machine: sfn.IStateMachine = self._add_state_machine()
        self.schedule: TrainingSchedule | None = None
        self._start_on_events()
        CfnOutput(self, "TrainStateMachineArn", value=self.state_machine.state_machine_arn)
        CfnOutput(self, "ModelPackageGroupName", value=self.model_package_group_name)
        CfnOutput(self, "SigningKeyArn", value=self.signing_key.key_arn)
        CfnOutput(
            self,
            "TrainNow",
            value=f"aws stepfunctions start-execution --state-machine-arn {self.state_machine.state_machine_arn} --input '{{}}'",
        )

    # --- what is trained into

    def _add_model_package_group(self) -> sagemaker.CfnModelPackageGroup:
        group = sagemaker.CfnModelPackageGroup(
            self,
            "ModelPackageGroup",
            model_package_group_name=self.model_package_group_name,
            model_package_group_description=f"Models of the Headrace pipeline {self.pipeline.name}",
        )
        group.apply_removal_policy(self.removal_policy)
        # A group with packages in it cannot be deleted.
        what: What = "model_packages" if self.pipeline.on_destroy == "delete" else "nothing"
        clean_up = CleanUp(self, "CleanUp", pipeline=self.pipeline, key=self._data.key, what=what)
        clean_up.resource.node.add_dependency(group)
        return group

    def _add_job_role(self, name: str, kind: str, read: list[str], write: list[str]) -> JobRole:
        role = JobRole(
            self,
            f"{name}JobRole",
            bucket=self._data.artifacts_bucket,
            key=self._data.key,
            read=["snapshots/", *read],
            write=write,
            log_groups=[f"{kind}Jobs"],
        )
        self.image.grant_pull(role)
        if self.network:
            allow_job_interfaces(role)
        return role

    # --- functions

    def _add_guard_training(self) -> PipelineFunction:
        bucket = self._data.artifacts_bucket
        function = self._add_function(
            "GuardTraining",
            "guard_training",
            LEDGER_TABLE=self._data.ledger.table_name,
            ARTIFACTS_BUCKET=bucket.bucket_name,
            SIGNING_KEY_ARN=self.signing_key.key_arn,
        )
        grant_use(function, self.signing_key, "kms:GetPublicKey")
        grant_items(function, self._data.ledger, "dynamodb:Query", ["file", "training"])
        grant_items(function, self._data.ledger, "dynamodb:GetItem", ["training", "champion"])
        for action in ("dynamodb:PutItem", "dynamodb:UpdateItem"):
            grant_items(function, self._data.ledger, action, ["training"])
        for report in ("drift/latest.json", "quality/latest.json"):
            grant_list(function, bucket, report)
            grant_objects(function, bucket, "s3:GetObject", [report])
        return function

    def _add_snapshot_data(self) -> PipelineFunction:
        data = self._data
        function = PipelineFunction(
            self,
            "SnapshotData",
            name="snapshot_data",
            pipeline=self.pipeline,
            key=data.key,
            environment={
                "LEDGER_TABLE": data.ledger.table_name,
                "DATA_BUCKET": data.data_bucket.bucket_name,
                "ARTIFACTS_BUCKET": data.artifacts_bucket.bucket_name,
                "CODE_VERSION": self.image.code_version,
            },
            memory_mb=3008,
            timeout_s=900,
            pandas=True,
        )
        grant_items(function, data.ledger, "dynamodb:Query", ["file"])
        grant_objects(function, data.data_bucket, "s3:GetObject", ["curated/*"])
        grant_objects(
            function, data.artifacts_bucket, "s3:GetObject", ["contract/*", "snapshots/*/manifest.json"]
        )
        grant_objects(function, data.artifacts_bucket, "s3:PutObject", ["snapshots/*"])
        if self._large:
            grant_objects(function, data.artifacts_bucket, "s3:GetObject", [f"{SNAPSHOT_ORDERS}*"])
        for prefix in ("contract/", "snapshots/"):
            grant_list(function, data.artifacts_bucket, prefix)
        grant_data_keys(function, data.key)
        return function

    def _add_close_training(self) -> PipelineFunction:
        function = self._add_function(
            "CloseTraining", "close_training", LEDGER_TABLE=self._data.ledger.table_name
        )
        batches = ["batch"] if self.pipeline.arrival.train == "batch" else []
        grant_items(function, self._data.ledger, "dynamodb:Query", ["file", "training", *batches])
        for action in ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"):
            grant_items(function, self._data.ledger, action, ["training"])
        grant_put_events(function.role, self)
        for job in (TRAINING, PROCESSING):
            jobs = sagemaker_arn(self, job.resource, f"{self.prefix}-*")
            allow(function.role, [f"sagemaker:Describe{job.noun}"], [jobs])
        if self._tuning:
            self._tuning.grant_list(function)
        acknowledge_wildcards(
            function.role, "Jobs are named at run time: the pipeline's own prefix is the scope."
        )
        return function

    def _add_function(self, id: str, name: str, **environment: str) -> PipelineFunction:
        return PipelineFunction(
            self, id, name=name, pipeline=self.pipeline, key=self._data.key, environment=environment
        )

    # --- the state machine and what starts it

    def _add_state_machine(self) -> PipelineStateMachine:
        settings = JobSettings(
            pipeline=self.pipeline,
            image=self.image,
            bucket=self._data.artifacts_bucket.bucket_name,
            key_arn=self._data.key.key_arn,
            training_role_arn=self._training_role.role_arn,
            evaluation_role_arn=self._evaluation_role.role_arn,
            model_package_group=self.model_package_group_name,
            network=self.network,
        )
        calls = training_calls(settings)
        machine = PipelineStateMachine(
            self,
            "Training",
            definition=training_flow(self, self._functions, calls, self._large),
            key=self._data.key,
            timeout=Duration.minutes(calls.longest_fit.to_minutes() + calls.longest_job.to_minutes() + 120),
            comment=f"Headrace {self.pipeline.name}: from new data to a registered model",
        )
        role = machine.role
        if self._large:
            grant_runs(role, self._large.snapshot_job)
        if self._tuning:
            self._tuning.grant_run(role, self._training_role)
        grant_jobs(role, self, TRAINING, name_prefix=self.prefix, job_role=self._training_role)
        grant_jobs(role, self, PROCESSING, name_prefix=self.prefix, job_role=self._evaluation_role)
        grant_encrypted_volumes(role, self._data.key)
        group = self.model_package_group_name
        packages = sagemaker_arn(self, "model-package", f"{group}/*")
        allow(
            role,
            ["sagemaker:CreateModelPackage"],
            [sagemaker_arn(self, "model-package-group", group), packages],
        )
        allow(role, ["sagemaker:UpdateModelPackage"], [packages])
        if self.pipeline.card and self.pipeline.card.in_registry:
            grant_encrypted_packages(role, self, self._data.key)
        machine.node.add_dependency(self._group)
        return machine

    def _start_on_events(self) -> None:
        """Let what has come in, and a training that saw more come while it ran, start the state machine."""
        for detail_type in _STARTING_EVENTS[self.pipeline.arrival.train]:
            rule = events.Rule(
                self,
                f"On{detail_type}",
                description=f"Headrace {self.pipeline.name}: {detail_type} starts a training",
                event_pattern=events.EventPattern(
                    source=["headrace"],
                    detail_type=[detail_type],
                    detail={"pipeline": [self.pipeline.name]},
                ),
            )
            self._start(rule, {"reason": "new_data", "detail": events.EventField.from_path("$.detail")})
        if expression := self.pipeline.arrival.schedule:
            self.schedule = TrainingSchedule(
                self,
                "TrainingSchedule",
                pipeline=self.pipeline,
                expression=expression,
                state_machine=self.state_machine,
                key=self._data.key,
            )
        elif "schedule" in self.pipeline.retraining.on:
            rule = events.Rule(self, "OnSchedule", schedule=events.Schedule.rate(_RETRAIN_EVERY))
            self._start(rule, {"reason": "schedule", "detail": {}})

    def _start(self, rule: events.Rule, start: dict[str, object]) -> None:
        rule.add_target(
            targets.SfnStateMachine(
                self.state_machine,
                input=events.RuleTargetInput.from_object(start),
                retry_attempts=8,
                max_event_age=Duration.hours(6),
                dead_letter_queue=self.undelivered,
            )
        )
        trust_rules_of_this_account(self.state_machine)
