"""Watches what the endpoint is asked, alarms when it drifts, and starts the retraining."""

from __future__ import annotations

from aws_cdk import CfnOutput
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.alarm_text import AlarmText
from infra.capture import LogCapture
from infra.chat import ChatRoom
from infra.cost_budget import CostBudget
from infra.dashboard import PipelineDashboard, dashboard_name
from infra.data_stack import DataStack
from infra.drift_check import DriftCheck
from infra.endpoint_measure import EndpointMeasure
from infra.monitor import Monitor
from infra.pipeline_alarms import PipelineAlarms
from infra.pipeline_function import PipelineFunction
from infra.pipeline_stack import PipelineStack
from infra.prediction_recorder import PredictionRecorder
from infra.quality_check import QualityCheck
from infra.serving_stack import ServingStack
from infra.training_follow_up import TrainingFollowUp
from infra.training_stack import TrainingStack


class MonitoringStack(PipelineStack):
    """Capture, drift check, alarms, dashboard and the trigger of the retraining.

    Attributes
    ----------
    recorder : PredictionRecorder
        Makes rows and profiles of what was captured.
    monitor : Monitor
        Runs the recorder, compares predictions with the model's baseline and says how good they are, on a schedule.
    alarms : PipelineAlarms
        What goes off, and whom it tells.
    training : TrainingStack
        What alarms start.
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
        super().__init__(
            scope,
            id,
            pipeline=pipeline,
            description="capture, drift check, alarms, dashboard",
            hardening=data.hardening,
        )
        self._data, self.training, self._serving = data, training, serving
        self.recorder = PredictionRecorder(self, "Recorder", pipeline=pipeline, data=data)
        self.monitor = self._look_at_traffic()
        self.alarms = PipelineAlarms(self)
        self.alarms.start_training()
        self.follow_up = TrainingFollowUp(
            self,
            "FollowUp",
            pipeline=pipeline,
            alarms=self.alarms.by_reason,
            training=training,
            data=data,
        )
        self._watch_operations()
        self._capture_logged_predictions()
        self._watch_outside()
        self.dashboard = self._show_everything()
        self._tell_people()
        self._output()

    def _look_at_traffic(self) -> Monitor:
        drift = DriftCheck(self, "DriftCheck", pipeline=self.pipeline, data=self._data)
        quality = QualityCheck(self, "QualityCheck", pipeline=self.pipeline, data=self._data)
        return Monitor(
            self,
            "Monitor",
            pipeline=self.pipeline,
            record_predictions=self.recorder.function,
            checks={"drift": drift.function, "quality": quality.function},
            key=self._data.key,
        )

    def _watch_operations(self) -> None:
        alarms = self.alarms.operation
        alarms.watch_queues({"DeadLetters": self._data.dead_letters})
        alarms.watch_quarantine()
        if self.training.schedule is not None:
            alarms.watch_queues({"MissedTrainings": self.training.schedule.dead_letters})
        alarms.watch_state_machines(
            {
                "Training": self.training.state_machine,
                "Deployment": self._serving.deploy_state_machine,
                "Monitoring": self.monitor.state_machine,
            }
        )
        alarms.watch_functions({"FollowTraining": self.follow_up.function})
        if writer := self._data.audit.writer:
            alarms.watch_functions({"WriteAudit": writer.function})
            alarms.watch_queues({"AuditDeadLetters": writer.dead_letters})
        alarms.watch_throttles(self._on_the_way_in())
        if self.pipeline.endpoint.exists:
            self.alarms.watch_endpoint(self._serving.endpoint_name)
        if self.pipeline.alarms.measures_endpoint:
            EndpointMeasure(
                self,
                "EndpointMeasure",
                pipeline=self.pipeline,
                endpoint=self._serving.endpoint_name,
                key=self._data.key,
            )

    def _on_the_way_in(self) -> dict[str, PipelineFunction]:
        """Return the functions whose calls nothing repeats for longer than six hours."""
        return {"IngestFile": self._data.ingest, "RecordPredictions": self.recorder.function}

    def _tell_people(self) -> None:
        text = AlarmText(
            self,
            "AlarmText",
            pipeline=self.pipeline,
            dashboard_name=dashboard_name(self.pipeline),
            data=self._data,
        )
        self.alarms.tell(text.function)

    def _watch_outside(self) -> None:
        """Tell a chat room, and of the bill, where the pipeline file asks for it."""
        wanted, topic = self.pipeline.alarms, self._data.topic
        if wanted.chat:
            room = ChatRoom(
                self, "Chat", pipeline=self.pipeline, chat=wanted.chat, topic=topic, key=self._data.key
            )
            self.alarms.operation.watch_queues({"LostMessages": room.lost_messages})
        if wanted.monthly_usd:
            CostBudget(self, "Cost", pipeline=self.pipeline, monthly_usd=wanted.monthly_usd, topic=topic)

    def _capture_logged_predictions(self) -> None:
        """Real-time endpoints capture by themselves; the other kinds cannot, so their log is read."""
        log_group = self._serving.endpoint_log_group
        if not self.pipeline.endpoint.logs_requests or log_group is None:
            return
        capture = LogCapture(
            self,
            "LogCapture",
            pipeline=self.pipeline,
            log_group=log_group,
            artifacts=self._data.artifacts_bucket,
            key=self._data.key,
        )
        self.alarms.operation.watch_queues({"LostBatches": capture.lost_batches})

    def _show_everything(self) -> PipelineDashboard:
        dashboard = PipelineDashboard(
            self,
            "Dashboard",
            pipeline=self.pipeline,
            alarms=list(self.alarms.all.values()),
        )
        if self.pipeline.endpoint.exists:
            dashboard.show_endpoint(self._serving.endpoint_name, self._on_the_way_in())
        if self.pipeline.endpoint.batches:
            dashboard.show_files(self._on_the_way_in())
        dashboard.show_drift()
        dashboard.show_quality()
        dashboard.show_data(self._data.dead_letters)
        dashboard.show_training(self.training.state_machine, self._serving.deploy_state_machine)
        if self.pipeline.stream and self.pipeline.stream.scoring:
            dashboard.show_stream()
        return dashboard

    def _output(self) -> None:
        CfnOutput(self, "DashboardName", value=self.dashboard.dashboard_name)
        CfnOutput(self, "MonitorStateMachineArn", value=self.monitor.state_machine.state_machine_arn)
        if self.alarms.drift:
            alarm = self.alarms.drift.alarm.alarm_name
            CfnOutput(self, "DriftAlarmName", value=alarm)
            CfnOutput(
                self,
                "ShowAlarm",
                value=f"aws cloudwatch describe-alarms --alarm-names {alarm} "
                "--query 'MetricAlarms[].[AlarmName,StateValue,StateReason]'",
            )
        CfnOutput(
            self,
            "CheckDriftNow",
            value="aws stepfunctions start-execution "
            f"--state-machine-arn {self.monitor.state_machine.state_machine_arn} --input '{{}}'",
        )
