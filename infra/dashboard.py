"""The CloudWatch dashboard of one pipeline: is data flowing, is the model good, is the endpoint well, has it drifted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from headrace.config.durations import hours
from headrace.config.pipeline import Pipeline
from infra.dashboard_widgets import HEIGHT, WIDTH, by, graph, heading, highest, of_endpoint, runs, totals
from infra.pipeline_metrics import pipeline_metric, refused_share


class PipelineDashboard(cloudwatch.Dashboard):
    """A dashboard that begins with what to look at first: the alarms, and how to read the rest."""

    def __init__(
        self, scope: Construct, id: str, *, pipeline: Pipeline, alarms: Sequence[cloudwatch.IAlarm]
    ) -> None:
        # Named, because people look it up, and because what tells of an alarm links it before it can exist.
        super().__init__(
            scope, id, dashboard_name=dashboard_name(pipeline), default_interval=Duration.days(7)
        )
        self._pipeline = pipeline
        half = WIDTH // 2
        self.add_widgets(
            cloudwatch.TextWidget(markdown=_how_to_read(pipeline), width=half, height=HEIGHT + 2),
            *(
                [
                    cloudwatch.AlarmStatusWidget(
                        title="Alarms",
                        alarms=list(alarms),
                        sort_by=cloudwatch.AlarmStatusWidgetSortBy.STATE_UPDATED_TIMESTAMP,
                        width=half,
                        height=HEIGHT + 2,
                    )
                ]
                if alarms
                else []
            ),
        )

    def show_endpoint(self, endpoint: str, functions: Mapping[str, lambda_.IFunction]) -> None:
        """Show requests, latency and errors, of whichever variant is in service, and what was refused for want of room."""
        self.add_widgets(
            heading("Endpoint", "By variant: `v3` is version 3 of the model. Latency in microseconds.")
        )
        waits = self._waits_in_a_queue
        self.add_widgets(
            graph(
                "Requests",
                [
                    of_endpoint(
                        endpoint,
                        "InvocationsProcessed" if waits else "Invocations",
                        "Sum",
                        label="requests",
                    )
                ],
            ),
            graph(
                "Latency of the model, µs",
                [of_endpoint(endpoint, "ModelLatency", rank, label=rank) for rank in ("p50", "p99")],
            ),
            _time_in_queue(endpoint) if waits else _latency_around(endpoint),
        )
        self.add_widgets(
            graph(
                "Errors",
                [
                    of_endpoint(endpoint, f"Invocation{kind}Errors", "Sum", label=kind)
                    for kind in ("4XX", "5XX")
                ],
            ),
            _backlog(endpoint) if waits else _concurrency(endpoint),
            _throttles(functions),
        )

    def show_files(self, functions: Mapping[str, lambda_.IFunction]) -> None:
        """Show what was answered of whole files; and if there is no endpoint, what Lambda refused for want of room."""
        pipeline = self._pipeline
        self.add_widgets(heading("Files", "Files under `batch/` that were answered whole."))
        self.add_widgets(
            graph("Rows answered", totals(pipeline, "BatchRowsPredicted")),
            graph(
                "Rows and files without predictions",
                totals(pipeline, "BatchRowsRefused"),
                right=totals(pipeline, "BatchFilesRefused", "BatchFilesFailed"),
            ),
            *([] if pipeline.endpoint.exists else [_throttles(functions)]),
        )

    @property
    def _waits_in_a_queue(self) -> bool:
        return self._pipeline.endpoint.kind == "asynchronous"

    def show_drift(self) -> None:
        """Show how far the features that callers send are from the training data."""
        self.add_widgets(
            heading("Drift", "Scores are in units of the smallest move that matters: 1 is the floor.")
        )
        self.add_widgets(
            graph(
                "Drift score",
                highest(self._pipeline, "DriftScore"),
                right=highest(self._pipeline, "DriftedFeatures", "JointDrift"),
                line=(1, "matters"),
            ),
            graph(
                "Drift of each feature",
                [by(self._pipeline, "Feature", "FeatureDrift", "Maximum")],
                line=(1, "matters"),
            ),
            graph(
                "Predictions: rows checked, mean",
                totals(self._pipeline, "WindowRows"),
                right=[pipeline_metric(self._pipeline, "PredictionMean", statistic="Average", label="mean")],
            ),
        )

    def show_quality(self) -> None:
        """Show how good the model is: as estimated from its predictions, and as measured on labels."""
        pipeline = self._pipeline
        self.add_widgets(
            heading(
                "Quality",
                f"{pipeline.metric}, estimated from predictions alone and measured on labels that came; "
                "`quality/` in the artifacts bucket has the intervals.",
            )
        )
        self.add_widgets(
            graph(
                f"{pipeline.metric}: estimated, measured", highest(pipeline, "EstimatedQuality", "Quality")
            ),
            graph(
                "Loss of quality, in units of what is tolerated",
                highest(pipeline, "EstimatedQualityDrop", "QualityDrop"),
                right=highest(pipeline, "ConceptDrift"),
                line=(1, "raises an alarm"),
            ),
            graph(
                "Labels",
                totals(pipeline, "LabelsReceived", "LabelsMatched", "LabelsExpired"),
                right=highest(pipeline, "LabelsPending"),
            ),
        )

    def show_data(self, dead_letters: sqs.IQueue) -> None:
        """Show what came in, what was refused and why, and how long ago that was."""
        pipeline, alarms = self._pipeline, self._pipeline.alarms
        self.add_widgets(
            heading(
                "Data", f"`headrace quarantine list {pipeline.name}` says what to do about what was refused."
            )
        )
        self.add_widgets(
            graph("Rows", totals(pipeline, "RowsAccepted", "RowsQuarantined")),
            graph(
                "Share of refused rows and files",
                [refused_share(pipeline, "Rows"), refused_share(pipeline, "Files")],
                line=(pipeline.quarantine.alarm_share, "raises an alarm"),
                top=1,
            ),
            graph(
                "Hours since data, and requests, came last",
                highest(pipeline, "DataAge", "PredictionAge"),
                line=(hours(alarms.no_data_after), "no data for too long") if alarms.no_data_after else None,
            ),
        )
        self.add_widgets(
            graph("Refused rows, by reason", [by(pipeline, "Reason", "RowsRefused", "Sum")], stacked=True),
            graph(
                "Files refused whole, by reason",
                [by(pipeline, "Reason", "FilesRefused", "Sum")],
                right=totals(pipeline, "PersonalColumns") if pipeline.privacy else (),
                stacked=True,
            ),
            graph(
                "Files that failed (dead-letter queue)",
                [dead_letters.metric_approximate_number_of_messages_visible(statistic="Maximum")],
            ),
        )

    def show_training(self, train: sfn.IStateMachine, deploy: sfn.IStateMachine) -> None:
        """Show the runs of the two state machines, how good what they made is, what it cost, and whether it helped."""
        pipeline, metric = self._pipeline, self._pipeline.metric
        self.add_widgets(
            heading("Training and cost", "Costs are estimated from list prices; the bill has the last word.")
        )
        registered = pipeline_metric(
            pipeline, "ModelQuality", statistic="Average", label=metric, Metric=metric
        )
        self.add_widgets(
            runs("Training runs", train),
            runs("Deployments", deploy),
            graph(f"Quality of registered models on the untouched part: {metric}", [registered]),
        )
        self.add_widgets(
            graph("Trainings, US dollars", totals(pipeline, "TrainingCost")),
            graph("Retrainings in vain, in a row", highest(pipeline, "RetrainingsInVain")),
        )

    def show_stream(self) -> None:
        """Show the records of the stream that is answered, and how long they waited."""
        pipeline = self._pipeline
        self.add_widgets(heading("Stream", "Records that the endpoint answers."))
        self.add_widgets(
            graph("Records answered", totals(pipeline, "RecordsScored")),
            graph("Records refused (dead letters)", totals(pipeline, "RecordsRefused")),
            graph(
                "From a record's arrival to its prediction, ms",
                [
                    pipeline_metric(pipeline, "ScoringLatency", statistic=statistic, label=statistic)
                    for statistic in ("p50", "p99")
                ],
            ),
        )


def dashboard_name(pipeline: Pipeline) -> str:
    """Return the name of the dashboard of `pipeline`."""
    return f"headrace-{pipeline.name}"


def _throttles(functions: Mapping[str, lambda_.IFunction]) -> cloudwatch.GraphWidget:
    return graph(
        "Calls of functions that Lambda refused",
        [
            function.metric_throttles(period=Duration.minutes(5), label=name)
            for name, function in functions.items()
        ],
    )


def _latency_around(endpoint: str) -> cloudwatch.GraphWidget:
    return graph(
        "Latency around the model (cold starts), µs",
        [of_endpoint(endpoint, "OverheadLatency", rank, label=rank) for rank in ("p50", "p99")],
    )


def _time_in_queue(endpoint: str) -> cloudwatch.GraphWidget:
    return graph(
        "Time in the queue, ms",
        [of_endpoint(endpoint, "TimeInBacklog", rank, label=rank) for rank in ("p50", "p99")],
    )


def _concurrency(endpoint: str) -> cloudwatch.GraphWidget:
    return graph(
        "Share of the concurrency that is used",
        [of_endpoint(endpoint, "ServerlessConcurrentExecutionsUtilization", "Maximum", label="used")],
        line=(1, "more is refused"),
    )


def _backlog(endpoint: str) -> cloudwatch.GraphWidget:
    """Draw what SageMaker counts of the queue, which all instances share."""
    waiting, oldest = (
        cloudwatch.Metric(
            namespace="AWS/SageMaker",
            metric_name=name,
            dimensions_map={"EndpointName": endpoint},
            statistic="Maximum",
            label=label,
        )
        for name, label in (
            ("ApproximateBacklogSize", "waiting or being answered"),
            ("ApproximateAgeOfOldestRequest", "age of the oldest, s"),
        )
    )
    return graph("Requests in the queue", [waiting], right=[oldest])


def _how_to_read(pipeline: Pipeline) -> str:
    retraining = ", ".join(sorted(pipeline.retraining.on)) or "nothing but a manual start"
    answers = "the endpoint" if pipeline.endpoint.exists else "the files that were answered"
    return f"""## Headrace: {pipeline.name}

Predicts **{pipeline.target}** ({pipeline.problem}). From top to bottom: {answers}, whether what callers ask still looks \
like the training data, how good the answers are, the data that came in, and the models that came out.

* One cause is told once: the message names what moved, from what to what, how sure that is and what happens next. The same \
texts lie under `alarms/` in the artifacts bucket, the reports of the checks under `drift/` and `quality/`.
* Retraining starts on: {retraining}. It needs at least {pipeline.retraining.min_new_rows} new labelled rows and \
waits {pipeline.retraining.cooldown_minutes} minutes after the last one.
* Requests are checked on the schedule `{pipeline.monitoring.schedule}`, once {pipeline.monitoring.min_rows} rows \
have come together.
"""
