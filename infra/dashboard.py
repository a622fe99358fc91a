"""The CloudWatch dashboard of one pipeline: is data flowing, is the model good, is the endpoint well, has it drifted."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.pipeline_metrics import NAMESPACE, pipeline_metric, refused_share

_WIDTH = 24
_HEIGHT = 6


class PipelineDashboard(cloudwatch.Dashboard):
    """A dashboard that begins with what to look at first: the alarms, and how to read the rest."""

    def __init__(
        self, scope: Construct, id: str, *, pipeline: Pipeline, alarms: Sequence[cloudwatch.IAlarm]
    ) -> None:
        super().__init__(scope, id, default_interval=Duration.days(7))
        self._pipeline = pipeline
        self._endpoint = f"headrace-{pipeline.name}"
        self.add_widgets(
            cloudwatch.TextWidget(markdown=_how_to_read(pipeline), width=12, height=_HEIGHT),
            cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=12, height=_HEIGHT),
        )

    def show_flow(self, dead_letters: sqs.IQueue) -> None:
        """Show rows in, rows refused, files that could not be processed."""
        self.add_widgets(
            self._counts("Rows accepted", "RowsAccepted", "Rows accepted"),
            self._counts("Rows in quarantine", "RowsQuarantined", "Rows refused"),
            cloudwatch.GraphWidget(
                title="Files that failed (dead-letter queue)",
                left=[dead_letters.metric_approximate_number_of_messages_visible(statistic="Maximum")],
                left_y_axis=_FROM_ZERO,
                width=8,
                height=_HEIGHT,
            ),
        )

    def show_quarantine(self) -> None:
        """Show why rows and files were refused, and which share of what came in they are."""
        self.add_widgets(
            self._by_reason("Refused rows, by reason", "RowsRefused"),
            self._by_reason("Files refused whole, by reason", "FilesRefused"),
            cloudwatch.GraphWidget(
                title="Share of refused rows and files",
                left=[refused_share(self._pipeline, "Rows"), refused_share(self._pipeline, "Files")],
                left_y_axis=cloudwatch.YAxisProps(min=0, max=1),
                left_annotations=[
                    cloudwatch.HorizontalAnnotation(
                        value=self._pipeline.quarantine.alarm_share, label="raises an alarm"
                    )
                ],
                width=8,
                height=_HEIGHT,
            ),
        )

    def _by_reason(self, title: str, name: str) -> cloudwatch.GraphWidget:
        terms = f'{{{NAMESPACE},Pipeline,Reason}} MetricName="{name}" Pipeline="{self._pipeline.name}"'
        return cloudwatch.GraphWidget(
            title=title,
            left=[_search(terms, "Sum", label="${PROP('Dim.Reason')}")],
            left_y_axis=_FROM_ZERO,
            stacked=True,
            width=8,
            height=_HEIGHT,
        )

    def show_training(self, train: sfn.IStateMachine, deploy: sfn.IStateMachine) -> None:
        """Show the runs of the two state machines, and the metric by which models were judged."""
        metric = self._pipeline.metric
        self.add_widgets(
            _runs("Training runs", train),
            _runs("Deployments", deploy),
            cloudwatch.GraphWidget(
                title=f"Quality of registered models on the untouched part: {metric}",
                left=[
                    pipeline_metric(
                        self._pipeline, "ModelQuality", statistic="Average", label=metric, Metric=metric
                    )
                ],
                width=8,
                height=_HEIGHT,
            ),
        )

    def show_endpoint(self) -> None:
        """Show requests, latency and errors, of whichever variant is in service."""
        self.add_widgets(
            self._endpoint_graph("Requests", [("Invocations", "Sum")]),
            self._endpoint_graph(
                "Latency of the model, µs", [("ModelLatency", "p50"), ("ModelLatency", "p99")]
            ),
            self._endpoint_graph("Errors", [("Invocation4XXErrors", "Sum"), ("Invocation5XXErrors", "Sum")]),
        )

    def show_drift(self) -> None:
        """Show how far the features that callers send are from the training data."""
        self.add_widgets(
            cloudwatch.GraphWidget(
                title="Drift score (1 = the floor from which a shift matters)",
                left=[pipeline_metric(self._pipeline, "DriftScore", statistic="Maximum")],
                right=[pipeline_metric(self._pipeline, "DriftedFeatures", statistic="Maximum")],
                left_y_axis=_FROM_ZERO,
                right_y_axis=_FROM_ZERO,
                left_annotations=[cloudwatch.HorizontalAnnotation(value=1, label="matters")],
                width=8,
                height=_HEIGHT,
            ),
            cloudwatch.GraphWidget(
                title="Drift of each feature",
                left=[
                    _search(
                        f'{{{NAMESPACE},Pipeline,Feature}} MetricName="FeatureDrift" '
                        f'Pipeline="{self._pipeline.name}"',
                        "Maximum",
                    )
                ],
                left_y_axis=_FROM_ZERO,
                width=8,
                height=_HEIGHT,
            ),
            cloudwatch.GraphWidget(
                title="Predictions: rows checked, mean",
                left=[pipeline_metric(self._pipeline, "WindowRows")],
                right=[pipeline_metric(self._pipeline, "PredictionMean", statistic="Average")],
                left_y_axis=_FROM_ZERO,
                width=8,
                height=_HEIGHT,
            ),
        )

    def show_stream(self) -> None:
        """Show the records of the stream that is answered, and how long they waited."""
        self.add_widgets(
            self._counts("Records answered", "RecordsScored", "Records answered"),
            self._counts("Records refused (dead letters)", "RecordsRefused", "Records refused"),
            cloudwatch.GraphWidget(
                title="From a record's arrival to its prediction, ms",
                left=[
                    pipeline_metric(self._pipeline, "ScoringLatency", statistic=statistic, label=statistic)
                    for statistic in ("p50", "p99")
                ],
                left_y_axis=_FROM_ZERO,
                width=8,
                height=_HEIGHT,
            ),
        )

    def _counts(self, title: str, name: str, label: str) -> cloudwatch.GraphWidget:
        return cloudwatch.GraphWidget(
            title=title,
            left=[pipeline_metric(self._pipeline, name, label=label)],
            left_y_axis=_FROM_ZERO,
            width=8,
            height=_HEIGHT,
        )

    def _endpoint_graph(self, title: str, metrics: Sequence[tuple[str, str]]) -> cloudwatch.GraphWidget:
        return cloudwatch.GraphWidget(
            title=title,
            left=[
                _search(
                    f'{{AWS/SageMaker,EndpointName,VariantName}} MetricName="{name}" '
                    f'EndpointName="{self._endpoint}"',
                    statistic,
                )
                for name, statistic in metrics
            ],
            left_y_axis=_FROM_ZERO,
            width=8,
            height=_HEIGHT,
        )


_FROM_ZERO = cloudwatch.YAxisProps(min=0)


def _runs(title: str, machine: sfn.IStateMachine) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=[machine.metric_succeeded(), machine.metric_failed(), machine.metric_timed_out()],
        left_y_axis=_FROM_ZERO,
        width=8,
        height=_HEIGHT,
    )


def _search(schema_and_terms: str, statistic: str, *, label: str | None = None) -> cloudwatch.MathExpression:
    """Return a search over metrics whose last dimension is only known at run time: the variant, the feature."""
    return cloudwatch.MathExpression(
        expression=f"SEARCH('{schema_and_terms}', '{statistic}', 300)",
        using_metrics={},
        label=label or statistic,
        period=Duration.minutes(5),
    )


def _how_to_read(pipeline: Pipeline) -> str:
    retraining = ", ".join(sorted(pipeline.retraining.on)) or "nothing but a manual start"
    return f"""## Headrace: {pipeline.name}

Predicts **{pipeline.target}** ({pipeline.problem}). From top to bottom: data that came in, models that came out, \
the endpoint, and whether what callers ask still looks like the training data.

* **Drift score** is the largest shift of a feature, in units of the smallest shift that matters. Above 1, and \
statistically sure, the drift alarm goes off.
* The alarm's message names the features, from what to what; the same text lies under `drift/alarms/` in the \
artifacts bucket, the full report of each check under `drift/`.
* Retraining starts on: {retraining}. It needs at least {pipeline.retraining.min_new_rows} new labelled rows and \
waits {pipeline.retraining.cooldown_minutes} minutes after the last one.
* Requests are checked on the schedule `{pipeline.monitoring.schedule}`, once {pipeline.monitoring.min_rows} rows \
have come together.
"""
