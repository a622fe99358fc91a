"""Alarms for what stops the loop: failed runs, errors of functions, batches nobody could process, a slow endpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.pipeline_metrics import pipeline_metric, refused_share
from infra.pipeline_stack import PipelineStack

_FIVE_MINUTES = Duration.minutes(5)
_LOST = {
    "DeadLetters": "a dropped file could not be taken in",
    "MissedTrainings": "a training could not be started on schedule",
    "LostBatches": "captured predictions could not be stored",
    "LostMessages": "a message could not be posted to the chat room",
    "StreamDeadLetters": "records of the stream could not be answered",
    "BatchDeadLetters": "what completes a batch could not be looked at",
    "PredictionDeadLetters": "a file under batch/ could not be answered",
    "FeedbackDeadLetters": "dropped labels could not be joined",
    "AuditDeadLetters": "lines of the table could not be taken over into the audit ledger",
    "Undelivered": "an event or a call could not be dealt with",
    "MissedImports": "an import could not be started on schedule",
}
"""What it means when something lies in a queue where only what has failed ends."""
_RUNS_ON = "what has been made before goes on working; start it again when the reason is gone"


@dataclass(frozen=True)
class Words:
    """What an alarm says: what happened, where to look, and what is next. No full stops.

    Examples
    --------
    >>> bike = Pipeline(name="bike", problem="regression", target="cnt")
    >>> Words("the check has failed", look="its log", then="the next one takes it up").of(bike)
    'Headrace bike: the check has failed. Look: its log. Next: the next one takes it up.'
    """

    says: str
    look: str
    then: str

    def of(self, pipeline: Pipeline) -> str:
        """Return the description of an alarm of `pipeline`."""
        return f"Headrace {pipeline.name}: {self.says}. Look: {self.look}. Next: {self.then}."


class OperationAlarms(Construct):
    """One alarm per kind of failure; its description says what happened, where to look, and what is next.

    Parameters
    ----------
    topic : ITopic, optional
        Who is told by each alarm itself; None where composite alarms tell (`infra.alarm_pages`).

    Attributes
    ----------
    alarms : dict of str to Alarm
        By name, in the order in which they were added.
    """

    def __init__(
        self, scope: Construct, id: str, *, pipeline: Pipeline, topic: sns.ITopic | None = None
    ) -> None:
        super().__init__(scope, id)
        self.alarms: dict[str, cloudwatch.Alarm] = {}
        self._pipeline = pipeline
        self._notify = actions.SnsAction(topic) if topic else None

    def watch_state_machines(self, machines: Mapping[str, sfn.IStateMachine]) -> None:
        """Alarm when a run of one of `machines` fails or exceeds its time; the keys name the alarms."""
        for name, machine in machines.items():
            self.watch_metric(
                f"{name}Failed",
                machine.metric_failed(period=_FIVE_MINUTES),
                Words(
                    f"a run of {_words(name)} has failed",
                    look="its execution in Step Functions says in which state and why",
                    then=_RUNS_ON,
                ),
            )
            self.watch_metric(
                f"{name}TimedOut",
                machine.metric_timed_out(period=_FIVE_MINUTES),
                Words(
                    f"a run of {_words(name)} has exceeded its time",
                    look="its execution in Step Functions says in which state",
                    then=_RUNS_ON,
                ),
            )

    def watch_queues(self, queues: Mapping[str, sqs.IQueue]) -> None:
        """Alarm when something lies in one of `queues`, where only what has failed ends."""
        for name, queue in queues.items():
            self.watch_metric(
                name,
                queue.metric_approximate_number_of_messages_visible(
                    statistic="Maximum", period=_FIVE_MINUTES
                ),
                Words(
                    _LOST.get(name, "messages could not be processed"),
                    look=f"the queue {name} keeps the messages for two weeks",
                    then="nothing by itself; send them again when the reason is gone, or delete them",
                ),
            )

    def watch_functions(self, functions: Mapping[str, lambda_.IFunction]) -> None:
        """Alarm when one of `functions` raises an error."""
        for name, function in functions.items():
            self.watch_metric(
                f"{name}Errors",
                function.metric_errors(period=_FIVE_MINUTES),
                Words(
                    f"the function {name} has failed",
                    look="its log group has the traceback",
                    then="its next run takes up what this one has left",
                ),
            )

    def watch_throttles(self, functions: Mapping[str, lambda_.IFunction]) -> None:
        """Alarm when Lambda refuses to run one of `functions`, at most ten, because too many run at once."""
        throttles = {
            f"throttles{name}": function.metric_throttles(period=_FIVE_MINUTES)
            for name, function in functions.items()
        }
        self.watch_metric(
            "FunctionThrottles",
            cloudwatch.MathExpression(
                expression=" + ".join(f"FILL({id}, 0)" for id in throttles),
                using_metrics=dict(throttles),
                label="throttles",
                period=_FIVE_MINUTES,
            ),
            Words(
                f"Lambda refuses calls of {', '.join(functions)}, because as many functions run as the account may have",
                look="ConcurrentExecutions of the account in CloudWatch; Service Quotas has the limit",
                then="refused calls are tried again for up to six hours; ask AWS for a higher quota if this goes on",
            ),
            periods=3,
        )

    def watch_age(self, functions: Mapping[str, lambda_.IFunction], limit: Duration) -> None:
        """Alarm when one of `functions` is more than `limit` behind the stream that it reads."""
        for name, function in functions.items():
            self.watch_metric(
                f"{name}Behind",
                function.metric("IteratorAge", statistic="Maximum", period=_FIVE_MINUTES),
                Words(
                    f"the function {name} is more than {limit.to_human_string()} behind its stream",
                    look="its log group: it fails, is too slow, or has nobody to ask",
                    then="records stay in the stream for as long as the pipeline file says, and are then lost",
                ),
                threshold=limit.to_milliseconds(),
            )

    def watch_delivery(self, delivery_stream: str, limit: Duration) -> None:
        """Alarm when the oldest record that Firehose has not delivered yet is older than `limit`."""
        self.watch_metric(
            "DeliveryBehind",
            cloudwatch.Metric(
                namespace="AWS/Firehose",
                metric_name="DeliveryToS3.DataFreshness",
                dimensions_map={"DeliveryStreamName": delivery_stream},
                statistic="Maximum",
                period=_FIVE_MINUTES,
            ),
            Words(
                f"Firehose has not delivered records for more than {limit.to_human_string()}",
                look="its log group says why",
                then="Firehose tries for 24 hours, and then gives up",
            ),
            threshold=limit.to_seconds(),
        )

    def watch_quarantine(self) -> None:
        """Alarm when a large share of what comes in is refused, or a file breaks the contract."""
        name, share = self._pipeline.name, self._pipeline.quarantine.alarm_share
        look = f"`headrace quarantine list {name}` says of which files and why, `show` what to do"
        then = "what was refused is kept, and can be retried; what was good is trained on"
        self.watch_metric(
            "RowsRefused",
            refused_share(self._pipeline, "Rows"),
            Words(
                f"{100 * share:g}% or more of the rows that came in within an hour were refused",
                look=look,
                then=then,
            ),
            threshold=share,
        )
        self.watch_metric(
            "FilesRefused",
            refused_share(self._pipeline, "Files"),
            Words(
                f"{100 * share:g}% or more of the files that came in within an hour were refused whole",
                look=look,
                then=then,
            ),
            threshold=share,
        )
        self.watch_metric(
            "ContractBreaches",
            pipeline_metric(self._pipeline, "ContractBreaches"),
            Words(
                "a file breaks the contract: whoever makes it has changed its columns or what they hold",
                look=look,
                then=then,
            ),
        )
        privacy = self._pipeline.privacy
        if privacy and privacy.undeclared != "off":
            self.watch_metric(
                "PersonalData",
                pipeline_metric(self._pipeline, "PersonalColumns"),
                Words(
                    "a file has columns that look personal, and the pipeline file does not declare them",
                    look="the item of the file in the ledger says which columns, and as what they look",
                    then="name them in privacy.personal or privacy.not_personal",
                ),
            )

    def watch_metric(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        words: Words,
        *,
        threshold: float = 1,
        periods: int = 1,
        holds: bool = False,
    ) -> None:
        """Alarm when `metric` is `threshold` or more for `periods` in a row, unless the pipeline file leaves this one out.

        Parameters
        ----------
        holds : bool
            Whether a period without data leaves the alarm as it is; otherwise it is a good one.
        """
        if not self._pipeline.alarms.has(name):
            return
        missing = cloudwatch.TreatMissingData
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_description=words.of(self._pipeline),
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=missing.IGNORE if holds else missing.NOT_BREACHING,
        )
        if self._notify:
            alarm.add_alarm_action(self._notify)
        feed(alarm)
        self.alarms[name] = alarm


def feed(alarm: cloudwatch.Alarm) -> None:
    """Tell the alarm feed of `alarm`, where the pipeline has one."""
    if topic := PipelineStack.of_pipeline(alarm).hardening.alarm_feed:
        alarm.add_alarm_action(actions.SnsAction(topic))


def _words(name: str) -> str:
    """Return the words of a name in camel case.

    >>> _words("LargeFile")
    'large file'
    """
    return re.sub("(?<=[a-z])(?=[A-Z])", " ", name).lower()
