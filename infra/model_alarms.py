"""Alarms on what the checks say of the model: that it meets another world, that it has become worse, that nothing helps."""

from __future__ import annotations

from aws_cdk import Duration
from constructs import Construct

from headrace.config.durations import hours
from headrace.config.pipeline import Pipeline
from infra.operation_alarms import OperationAlarms, Words
from infra.pipeline_metrics import pipeline_metric

_MINUTE = Duration.minutes(1)
_REPORT = "quality/latest.json in the artifacts bucket has the figures and their intervals"
_LABELS = "drop labels under feedback/: they say whether it is so, and are what the next training learns from"


class ModelAlarms(OperationAlarms):
    """Alarms that say what the last check found, and hold it until the next one, as the drift alarm does."""

    def __init__(self, scope: Construct, id: str, *, pipeline: Pipeline) -> None:
        super().__init__(scope, id, pipeline=pipeline)
        self._watch_last(
            "JointDrift",
            "JointDrift",
            Words(
                "what callers send has moved away from the training data in how the features go together",
                look="drift/latest.json in the artifacts bucket says how sure that is",
                then="as the drift alarm: retraining, if retraining.on names drift and there are new labelled rows",
            ),
        )
        self._watch_last(
            "ConceptDrift",
            "ConceptDrift",
            Words(
                "the model's errors have become more, so what it has learned no longer holds",
                look=_REPORT,
                then="retraining, if retraining.on names quality and there are new labelled rows",
            ),
        )
        self._watch_last(
            "EstimatedQuality",
            "EstimatedQualityDrop",
            Words(
                "the model is probably worse than it was, as estimated from its predictions alone",
                look=_REPORT,
                then=_LABELS,
            ),
        )
        self._watch_last(
            "Quality",
            "QualityDrop",
            Words(
                "the model is worse than is tolerated, as measured on labels that have come in",
                look=_REPORT,
                then="retraining, if retraining.on names quality and there are new labelled rows",
            ),
        )
        self._watch_vain_retrainings()

    def _watch_vain_retrainings(self) -> None:
        tries = self._pipeline.retraining.give_up_after
        self._watch_last(
            "RetrainingsInVain",
            "RetrainingsInVain",
            Words(
                "retraining has not cured the alarm that started it",
                look=f"`headrace trainings {self._pipeline.name}`, the evaluations, and whether the labels are right",
                then=f"it waits twice as long each time before it tries again, and gives up after {tries} in a row",
            ),
        )
        self._watch_last(
            "RetrainingGivenUp",
            "RetrainingsInVain",
            Words(
                f"{tries} retrainings in a row have not cured the alarm that started them",
                look=f"`headrace trainings {self._pipeline.name}`, and what has changed in the world or in the labels",
                then=f"nothing, until somebody trains by hand (`headrace train {self._pipeline.name}`) or the alarm clears",
            ),
            threshold=tries,
        )

    def watch_freshness(self) -> None:
        """Alarm when no data, or no requests, came for as long as the pipeline file says."""
        wanted = self._pipeline.alarms
        if after := wanted.no_data_after:
            self._watch_last(
                "NoData",
                "DataAge",
                Words(
                    f"no rows have been accepted for {after}",
                    look="incoming/ in the data bucket, and `headrace quarantine list`: did files come, and were refused?",
                    then="the model gets older; nothing is trained until rows come",
                ),
                threshold=hours(after),
            )
        asked = self._pipeline.endpoint.exists
        if after := wanted.no_predictions_after:
            self._watch_last(
                "NoPredictions",
                "PredictionAge",
                Words(
                    f"{'the endpoint has not been asked' if asked else 'no file has been answered'} for {after}",
                    look="the row `Endpoint` of the dashboard, and the callers"
                    if asked
                    else "batch/ in the data bucket, and the row `Files` of the dashboard",
                    then=f"nothing can be checked until {'requests' if asked else 'files'} come",
                ),
                threshold=hours(after),
            )

    def _watch_last(self, name: str, metric: str, words: Words, *, threshold: float = 1) -> None:
        """Alarm when the last check has put `metric` at `threshold` or more, until another one has put it below."""
        last = pipeline_metric(self._pipeline, metric, statistic="Maximum", period=_MINUTE)
        self.watch_metric(name, last, words, threshold=threshold, holds=True)
