"""Every alarm of the four stacks that each pipeline has, and which of them have one cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from headrace.config.schedules import schedule_minutes
from infra.alarm_pages import AlarmPages, chosen
from infra.drift_alarm import AlarmsStartTraining, DriftAlarm
from infra.endpoint_alarms import watch_endpoint
from infra.model_alarms import ModelAlarms
from infra.operation_alarms import OperationAlarms

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_

    from infra.monitoring_stack import MonitoringStack

_A_DAY = 24 * 60
_MODEL = ("DriftAlarm", "JointDrift", "ConceptDrift", "EstimatedQuality", "Quality")
_START_TRAINING = {"drift": ("DriftAlarm", "JointDrift"), "quality": ("Quality", "ConceptDrift")}
_FILES = ("RowsRefused", "FilesRefused", "ContractBreaches", "PersonalData", "NoData")
_LEFT_BEHIND = ("DeadLetters", "MissedTrainings", "LostBatches", "LostMessages", "AuditDeadLetters")
_RUNS = (
    "TrainingFailed",
    "TrainingTimedOut",
    "DeploymentFailed",
    "DeploymentTimedOut",
    "MonitoringFailed",
    "MonitoringTimedOut",
    "FollowTrainingErrors",
    "WriteAuditErrors",
    "FunctionThrottles",
)
_SERVICE = ("EndpointErrors", "EndpointBusy", "LatencyP50", "LatencyP99", "ClientErrors")


class PipelineAlarms:
    """The alarms, made in the monitoring stack's own scope, so that their names begin with the stack's and their own.

    Attributes
    ----------
    drift, model, operation : DriftAlarm, ModelAlarms, OperationAlarms
        By where they come from.
    """

    def __init__(self, stack: MonitoringStack) -> None:
        self._pipeline = stack.pipeline
        self._stack = stack
        self.drift = DriftAlarm(stack, "DriftAlarm", pipeline=stack.pipeline) if self._has_drift() else None
        self.model = ModelAlarms(stack, "ModelAlarms", pipeline=stack.pipeline)
        self.model.watch_freshness()
        self.operation = OperationAlarms(stack, "OperationAlarms", pipeline=stack.pipeline)

    def _has_drift(self) -> bool:
        return self._pipeline.alarms.has("DriftAlarm")

    @property
    def all(self) -> dict[str, cloudwatch.Alarm]:
        """Every alarm made so far, by name."""
        drift = {"DriftAlarm": self.drift.alarm} if self.drift else {}
        return {**drift, **self.model.alarms, **self.operation.alarms}

    def watch_endpoint(self, endpoint: str) -> None:
        """Alarm on what the endpoint does."""
        watch_endpoint(self.operation, self._pipeline, endpoint)

    @property
    def by_reason(self) -> dict[str, list[cloudwatch.AlarmBase]]:
        """Alarms that start a training, by the reason that they are; those that the pipeline file does not train on are none."""
        by_reason = {reason: chosen(self.all, names) for reason, names in _START_TRAINING.items()}
        wanted = self._pipeline.retraining.on
        return {reason: alarms for reason, alarms in by_reason.items() if reason in wanted and alarms}

    def start_training(self) -> None:
        """Let the alarms on whatever the pipeline file trains on start the training."""
        for reason, alarms in self.by_reason.items():
            AlarmsStartTraining(
                self._stack,
                f"{reason.capitalize()}StartsTraining",
                pipeline=self._pipeline,
                alarms=alarms,
                reason=reason,
                state_machine=self._stack.training.state_machine,
            )

    def tell(self, explain: lambda_.IFunction) -> AlarmPages:
        """Tell people once for each cause.

        What stays until somebody clears it, such as messages in a queue, is a cause of its own: it would hide whatever
        else goes off while it is on.
        """
        pages = AlarmPages(self._stack, "Pages", pipeline=self._pipeline, explain=explain)
        for name, says, members in (
            ("Model", "the model meets another world than it has learned, or has become worse", _MODEL),
            ("Files", "what comes in is not what the pipeline expects, or does not come", _FILES),
            ("Service", "the endpoint does not answer as it should", _SERVICE),
            ("Runs", "a step of the pipeline has failed", _RUNS),
            ("LeftBehind", "something could not be processed and waits for somebody", _LEFT_BEHIND),
            ("InVain", "retraining does not help", ("RetrainingsInVain",)),
            ("GivenUp", "retraining has been given up", ("RetrainingGivenUp",)),
        ):
            pages.add(name, says, chosen(self.all, members))
        every = schedule_minutes(self._pipeline.monitoring.schedule) or _A_DAY
        pages.add(
            "Silence",
            "nobody asks the endpoint, and it is not because it does not answer"
            if self._pipeline.endpoint.exists
            else "no files come to be answered",
            chosen(self.all, ("NoPredictions",)),
            explained_by=pages.pages.get("Service"),
            # Requests are seen by the next check only, so the silence outlasts what has caused it.
            for_as_long_as=Duration.minutes(2 * every),
        )
        return pages
