"""Alarms for what stops the loop: failed runs, errors of functions, batches nobody could process."""

from __future__ import annotations

from collections.abc import Mapping

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


class OperationAlarms(Construct):
    """One alarm per kind of failure; each notifies the topic and says what to do.

    Attributes
    ----------
    alarms : list of Alarm
        In the order in which they were added.
    """

    def __init__(self, scope: Construct, id: str, *, pipeline: Pipeline, topic: sns.ITopic) -> None:
        super().__init__(scope, id)
        self.alarms: list[cloudwatch.Alarm] = []
        self._pipeline = pipeline
        self._notify = actions.SnsAction(topic)

    def watch_state_machines(self, machines: Mapping[str, sfn.IStateMachine]) -> None:
        """Alarm when a run of one of `machines` fails or exceeds its time; the keys name the alarms."""
        for name, machine in machines.items():
            self._add(
                f"{name}Failed",
                machine.metric_failed(period=Duration.minutes(5)),
                f"a run of {name.lower()} has failed; its execution in Step Functions says in which state and why",
            )
            self._add(
                f"{name}TimedOut",
                machine.metric_timed_out(period=Duration.minutes(5)),
                f"a run of {name.lower()} has exceeded its time; its execution in Step Functions says in which state",
            )

    def watch_queues(self, queues: Mapping[str, sqs.IQueue]) -> None:
        """Alarm when something lies in one of `queues`, where only what has failed ends."""
        for name, queue in queues.items():
            self._add(
                name,
                queue.metric_approximate_number_of_messages_visible(
                    statistic="Maximum", period=Duration.minutes(5)
                ),
                "messages could not be processed and lie in the queue; they are kept for two weeks",
            )

    def watch_functions(self, functions: Mapping[str, lambda_.IFunction]) -> None:
        """Alarm when one of `functions` raises an error."""
        for name, function in functions.items():
            self._add(
                f"{name}Errors",
                function.metric_errors(period=Duration.minutes(5)),
                f"the function {name} has failed; its log group has the traceback",
            )

    def watch_age(self, functions: Mapping[str, lambda_.IFunction], limit: Duration) -> None:
        """Alarm when one of `functions` is more than `limit` behind the stream that it reads."""
        for name, function in functions.items():
            self._add(
                f"{name}Behind",
                function.metric("IteratorAge", statistic="Maximum", period=Duration.minutes(5)),
                f"the function {name} is more than {limit.to_human_string()} behind its stream: it fails, is too slow, "
                "or has nobody to ask",
                threshold=limit.to_milliseconds(),
            )

    def watch_delivery(self, delivery_stream: str, limit: Duration) -> None:
        """Alarm when the oldest record that Firehose has not delivered yet is older than `limit`."""
        self._add(
            "DeliveryBehind",
            cloudwatch.Metric(
                namespace="AWS/Firehose",
                metric_name="DeliveryToS3.DataFreshness",
                dimensions_map={"DeliveryStreamName": delivery_stream},
                statistic="Maximum",
                period=Duration.minutes(5),
            ),
            f"Firehose has not delivered records for more than {limit.to_human_string()}; its log group says why",
            threshold=limit.to_seconds(),
        )

    def watch_quarantine(self) -> None:
        """Alarm when a large share of what comes in is refused, or a file breaks the contract."""
        name, share = self._pipeline.name, self._pipeline.quarantine.alarm_share
        look = f"`headrace quarantine list {name}` says of which files and why, `show` what to do"
        self._add(
            "RowsRefused",
            refused_share(self._pipeline, "Rows"),
            f"{100 * share:g}% or more of the rows that came in within an hour were refused; {look}",
            threshold=share,
        )
        self._add(
            "FilesRefused",
            refused_share(self._pipeline, "Files"),
            f"{100 * share:g}% or more of the files that came in within an hour were refused whole; {look}",
            threshold=share,
        )
        self._add(
            "ContractBreaches",
            pipeline_metric(self._pipeline, "ContractBreaches"),
            f"a file breaks the contract: whoever makes it has changed its columns or what they hold; {look}",
        )

    def watch_endpoint(self, endpoint: str) -> None:
        """Alarm when `endpoint` answers with an error of its own.

        The metric has the variant's name as a dimension and every model version is a variant of its own, so a query
        over all variants is watched instead of one metric.
        """
        self._add(
            "EndpointErrors",
            cloudwatch.MathExpression(
                expression=(
                    'SELECT SUM(Invocation5XXErrors) FROM SCHEMA("AWS/SageMaker", EndpointName, VariantName) '
                    f"WHERE EndpointName = '{endpoint}'"
                ),
                using_metrics={},
                label="5XX",
                period=Duration.minutes(5),
            ),
            "the endpoint answers with errors of its own (5XX); its container's log has the traceback",
        )

    def watch_metric(self, name: str, metric: cloudwatch.IMetric, says: str) -> None:
        """Alarm when `metric` counts one or more; `says` tells people what happened and where to look."""
        self._add(name, metric, says)

    def _add(self, id: str, metric: cloudwatch.IMetric, says: str, *, threshold: float = 1) -> None:
        alarm = cloudwatch.Alarm(
            self,
            id,
            alarm_description=f"Headrace {self._pipeline.name}: {says}.",
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(self._notify)
        self.alarms.append(alarm)
