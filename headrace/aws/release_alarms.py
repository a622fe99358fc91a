"""The alarms of a release: made when it begins, on the challenger's own metrics, and deleted when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from headrace.aws.alarm_states import AlarmState, AlarmStates
from headrace.aws.metrics import NAMESPACE

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

    from headrace.config.release import ReleaseLimits

SHIFT_METRIC = "PredictionShift"
"""Written by the judgement of a release, with the dimensions ``Pipeline`` and ``Variant``."""
_MINUTE_S = 60
_US_PER_MS = 1000
_UNHEARD_OF_US = 10**12
"""Stands for the champion's latency in a minute in which nobody asked it: nothing is slow beside it."""


def release_alarm_names(pipeline: str) -> tuple[str, str, str]:
    """Return the names of the alarms on errors, latency and prediction shift.

    Examples
    --------
    >>> release_alarm_names("bike")[0]
    'headrace-bike-release-errors'
    """
    errors, latency, shift = (
        f"headrace-{pipeline}-release-{what}" for what in ("errors", "latency", "shift")
    )
    return errors, latency, shift


class ReleaseAlarms:
    """The three alarms of a pipeline's release."""

    def __init__(self, client: CloudWatchClient, pipeline: str) -> None:
        self._client, self._pipeline = client, pipeline

    def make(self, endpoint: str, champion: str, challenger: str, limits: ReleaseLimits) -> list[str]:
        """Make the alarms that `limits` ask for, on the variant `challenger`, and return their names."""
        errors, latency, shift = release_alarm_names(self._pipeline)
        told = f"Headrace {self._pipeline}: the new model {challenger}"
        alarms = {errors: _errors(endpoint, challenger, limits)}
        if measured := _latency(endpoint, champion, challenger, limits):
            alarms[latency] = measured
        if limits.prediction_shift is not None:
            alarms[shift] = self._shift(challenger, limits.prediction_shift)
        says = {errors: "answers with errors", latency: "is slow", shift: "predicts otherwise"}
        for name, alarm in alarms.items():
            words = f"{told} {says[name]}. Look: headrace release status. Next: the release is withdrawn by itself."
            self._client.put_metric_alarm(AlarmName=name, AlarmDescription=words, **alarm)
        return list(alarms)

    def firing(self) -> list[AlarmState]:
        """Return the alarms that are on."""
        return [alarm for alarm in self.states() if alarm.state == "ALARM"]

    def states(self) -> list[AlarmState]:
        """Return the alarms there are."""
        return AlarmStates(self._client).named(release_alarm_names(self._pipeline))

    def delete(self) -> None:
        """Delete the alarms, as far as they exist."""
        for name in release_alarm_names(self._pipeline):
            try:
                self._client.delete_alarms(AlarmNames=[name])
            except ClientError as error:
                if error.response["Error"]["Code"] not in ("ResourceNotFound", "ResourceNotFoundException"):
                    raise

    def _shift(self, challenger: str, limit: float) -> dict[str, Any]:
        dimensions = {"Pipeline": self._pipeline, "Variant": challenger}
        return {
            **_metric(NAMESPACE, SHIFT_METRIC, dimensions),
            "Statistic": "Maximum",
            "Period": _MINUTE_S,
            **_above(limit),
            "TreatMissingData": "ignore",
        }


def _errors(endpoint: str, challenger: str, limits: ReleaseLimits) -> dict[str, Any]:
    return {
        **_of_variant("Invocation5XXErrors", endpoint, challenger),
        "Statistic": "Sum",
        "Period": _MINUTE_S,
        **_above(limits.server_errors),
        "TreatMissingData": "notBreaching",
    }


def _latency(endpoint: str, champion: str, challenger: str, limits: ReleaseLimits) -> dict[str, Any] | None:
    """Return an alarm on the latency as a share of what is allowed: two minutes of three, or one slow start would do."""
    allowed = []
    if limits.latency_p99_ms is not None:
        allowed.append(f"challenger / {limits.latency_p99_ms * _US_PER_MS:.0f}")
    if limits.latency_p99_factor is not None:
        allowed.append(f"challenger / ({limits.latency_p99_factor} * FILL(champion, {_UNHEARD_OF_US}))")
    if not allowed:
        return None
    expression = allowed[0] if len(allowed) == 1 else f"MAX([{', '.join(allowed)}])"
    measured = {"challenger": challenger, "champion": champion}
    return {
        "Metrics": [
            {
                "Id": "share",
                "Expression": expression,
                "Label": "share of what is allowed",
                "ReturnData": True,
            },
            *(_p99(id, endpoint, variant) for id, variant in measured.items() if id in expression),
        ],
        **_above(1),
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "TreatMissingData": "notBreaching",
    }


def _p99(id: str, endpoint: str, variant: str) -> dict[str, Any]:
    metric = _of_variant("ModelLatency", endpoint, variant)
    return {
        "Id": id,
        "MetricStat": {"Metric": metric, "Period": _MINUTE_S, "Stat": "p99"},
        "ReturnData": False,
    }


def _of_variant(name: str, endpoint: str, variant: str) -> dict[str, Any]:
    return _metric("AWS/SageMaker", name, {"EndpointName": endpoint, "VariantName": variant})


def _metric(namespace: str, name: str, dimensions: Mapping[str, str]) -> dict[str, Any]:
    listed = [{"Name": dimension, "Value": value} for dimension, value in dimensions.items()]
    return {"Namespace": namespace, "MetricName": name, "Dimensions": listed}


def _above(threshold: float) -> dict[str, Any]:
    return {
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Threshold": threshold,
        "EvaluationPeriods": 1,
        "ActionsEnabled": False,
    }
