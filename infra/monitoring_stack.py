"""Watches what the endpoint is asked, alarms when it drifts, and starts the retraining."""

from __future__ import annotations

from aws_cdk import CfnOutput
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.alarm_text import AlarmText
from infra.capture import LogCapture
from infra.dashboard import PipelineDashboard
from infra.data_stack import DataStack
from infra.drift_alarm import DriftAlarm
from infra.drift_check import DriftCheck
from infra.operation_alarms import OperationAlarms
from infra.pipeline_stack import PipelineStack
from infra.quality_check import QualityCheck
from infra.serving_stack import ServingStack
from infra.training_stack import TrainingStack


class MonitoringStack(PipelineStack):
    """Capture, drift check, alarms, dashboard and the trigger of the retraining.

    Attributes
    ----------
    check : DriftCheck
        The scheduled comparison of captured predictions with the model's baseline.
    quality_check : QualityCheck
        How good the answers are, with and without labels.
    drift_alarm : DriftAlarm
        The alarm on its result.
    dashboard : PipelineDashboard
        Everything to look at, on one page.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        pipeline: Pipeline,
        data: DataStack,
        training: TrainingStack,
        serving: ServingStack,
    ) -> None:
        super().__init__(scope, id, pipeline=pipeline, description="capture, drift check, alarms, dashboard")
        self._data, self._training, self._serving = data, training, serving
        self.check = DriftCheck(
            self,
            "DriftCheck",
            pipeline=pipeline,
            artifacts=data.artifacts_bucket,
            ledger=data.ledger,
            key=data.key,
        )
        self.quality_check = QualityCheck(
            self,
            "QualityCheck",
            pipeline=pipeline,
            artifacts=data.artifacts_bucket,
            ledger=data.ledger,
            key=data.key,
        )
        self.drift_alarm = DriftAlarm(self, "DriftAlarm", pipeline=pipeline, topic=data.topic)
        if "drift" in pipeline.retraining.on:
            self.drift_alarm.start_training(training.state_machine)
        self.operation_alarms = self._watch_operations()
        self._capture_logged_predictions()
        self.dashboard = self._show_everything()
        AlarmText(
            self,
            "AlarmText",
            pipeline=pipeline,
            goes_off=self.drift_alarm.goes_off,
            dashboard=self.dashboard,
            artifacts=data.artifacts_bucket,
            ledger=data.ledger,
            topic=data.topic,
            key=data.key,
        )
        self._output()

    def _watch_operations(self) -> OperationAlarms:
        alarms = OperationAlarms(self, "OperationAlarms", pipeline=self.pipeline, topic=self._data.topic)
        alarms.watch_queues({"DeadLetters": self._data.dead_letters})
        alarms.watch_quarantine()
        if self._training.schedule is not None:
            alarms.watch_queues({"MissedTrainings": self._training.schedule.dead_letters})
        alarms.watch_state_machines(
            {"Training": self._training.state_machine, "Deployment": self._serving.deploy_state_machine}
        )
        alarms.watch_functions({"CheckDrift": self.check.function})
        alarms.watch_endpoint(self._serving.endpoint_name)
        return alarms

    def _capture_logged_predictions(self) -> None:
        """Real-time endpoints capture by themselves; serverless ones cannot, so their log is read."""
        if self.pipeline.endpoint.kind != "serverless":
            return
        capture = LogCapture(
            self,
            "LogCapture",
            pipeline=self.pipeline,
            log_group=self._serving.endpoint_log_group,
            artifacts=self._data.artifacts_bucket,
            key=self._data.key,
        )
        self.operation_alarms.watch_queues({"LostBatches": capture.lost_batches})

    def _show_everything(self) -> PipelineDashboard:
        dashboard = PipelineDashboard(
            self,
            "Dashboard",
            pipeline=self.pipeline,
            alarms=[self.drift_alarm.alarm, *self.operation_alarms.alarms],
        )
        dashboard.show_flow(self._data.dead_letters)
        dashboard.show_quarantine()
        dashboard.show_training(self._training.state_machine, self._serving.deploy_state_machine)
        dashboard.show_endpoint()
        dashboard.show_drift()
        if self.pipeline.stream and self.pipeline.stream.scoring:
            dashboard.show_stream()
        return dashboard

    def _output(self) -> None:
        alarm = self.drift_alarm.alarm.alarm_name
        CfnOutput(self, "DashboardName", value=self.dashboard.dashboard_name)
        CfnOutput(self, "DriftAlarmName", value=alarm)
        CfnOutput(self, "CheckDriftFunctionName", value=self.check.function.function_name)
        CfnOutput(
            self,
            "ShowAlarm",
            value=f"aws cloudwatch describe-alarms --alarm-names {alarm} "
            "--query 'MetricAlarms[].[AlarmName,StateValue,StateReason]'",
        )
        CfnOutput(
            self,
            "CheckDriftNow",
            value=f"aws lambda invoke --function-name {self.check.function.function_name} /dev/stdout",
        )
        CfnOutput(
            self,
            "CheckQualityNow",
            value=f"aws lambda invoke --function-name {self.quality_check.function.function_name} /dev/stdout",
        )
