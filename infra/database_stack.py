"""Imports rows of the user's database on a schedule."""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from constructs import Construct

from headrace.config.database import Database
from headrace.config.pipeline import Pipeline
from infra.data_stack import DataStack
from infra.dead_letters import DeadLetters
from infra.import_flow import import_flow
from infra.narrow_grants import grant_data_keys, grant_items, grant_objects
from infra.operation_alarms import OperationAlarms
from infra.pipeline_function import PipelineFunction
from infra.pipeline_stack import PipelineStack
from infra.placement import Placement
from infra.schedules import schedule_role
from infra.secret_grant import grant_secret
from infra.state_machine import PipelineStateMachine

_LONGEST_S = 900
_LONGEST_IMPORT = Duration.days(7)


class DatabaseStack(PipelineStack):
    """Functions, state machine, schedule and alarms of the import from one database.

    Attributes
    ----------
    state_machine : PipelineStateMachine
        Imports what is new when it is started with ``{}``.
    missed : sqs.Queue
        Runs that the schedule could not start.
    """

    def __init__(
        self, scope: Construct, id: str, *, pipeline: Pipeline, database: Database, data: DataStack
    ) -> None:
        super().__init__(
            scope, id, pipeline=pipeline, description="import from a database", hardening=data.hardening
        )
        self._data, self._database = data, database
        self.state_machine = PipelineStateMachine(
            self,
            "Import",
            definition=import_flow(
                self,
                plan_import=self._add_plan_import(),
                import_rows=self._add_import_rows(),
                lag=Duration.seconds(database.lag_seconds),
            ),
            key=data.key,
            timeout=_LONGEST_IMPORT,
            comment=f"Headrace {pipeline.name}: from a database to files under incoming/",
        )
        self.missed = DeadLetters(self, "MissedImports", key=data.key).queue
        self._run_on_schedule()
        alarms = OperationAlarms(self, "OperationAlarms", pipeline=pipeline, topic=data.topic)
        alarms.watch_state_machines({"Import": self.state_machine})
        alarms.watch_queues({"MissedImports": self.missed})
        arn = self.state_machine.state_machine_arn
        CfnOutput(self, "ImportStateMachineArn", value=arn)
        CfnOutput(
            self,
            "ImportNow",
            value=f"aws stepfunctions start-execution --state-machine-arn {arn} --input '{{}}'",
        )

    # --- functions

    def _add_plan_import(self) -> PipelineFunction:
        return self._add_function(
            "PlanImport", "plan_import", memory_mb=512, LEDGER_TABLE=self._data.ledger.table_name
        )

    def _add_import_rows(self) -> PipelineFunction:
        function = self._add_function(
            "ImportRows",
            "import_rows",
            memory_mb=1769,  # one whole vCPU: reading rows computes
            LEDGER_TABLE=self._data.ledger.table_name,
            DATA_BUCKET=self._data.data_bucket.bucket_name,
        )
        grant_objects(function, self._data.data_bucket, "s3:PutObject", ["incoming/database/*"])
        grant_data_keys(function, self._data.key)
        return function

    def _add_function(self, id: str, name: str, *, memory_mb: int, **environment: str) -> PipelineFunction:
        vpc = self._database.vpc
        function = PipelineFunction(
            self,
            id,
            name=name,
            pipeline=self.pipeline,
            key=self._data.key,
            environment=environment,
            memory_mb=memory_mb,
            timeout_s=_LONGEST_S,
            pandas=True,
            network=Placement(vpc.subnets, vpc.security_groups) if vpc else None,
        )
        for action in ("dynamodb:GetItem", "dynamodb:PutItem"):
            grant_items(function, self._data.ledger, action, ["import"])
        grant_secret(function, self._database.secret, self._database.secret_key_arn)
        return function

    # --- what starts it

    def _run_on_schedule(self) -> None:
        role = schedule_role(self, "ScheduleRole")
        role.add_to_policy(
            iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[self.missed.queue_arn])
        )
        # The schedule allows its role to decrypt; sending to an encrypted queue takes a data key as well.
        role.add_to_policy(
            iam.PolicyStatement(actions=["kms:GenerateDataKey"], resources=[self._data.key.key_arn])
        )
        scheduler.Schedule(
            self,
            "Schedule",
            description=f"Headrace {self.pipeline.name}: import from the database",
            schedule=scheduler.ScheduleExpression.expression(self._database.schedule),
            target=targets.StepFunctionsStartExecution(
                self.state_machine,
                role=role,
                input=scheduler.ScheduleTargetInput.from_object({}),
                retry_attempts=5,
                max_event_age=Duration.hours(1),
                dead_letter_queue=self.missed,
            ),
            key=self._data.key,
        )
