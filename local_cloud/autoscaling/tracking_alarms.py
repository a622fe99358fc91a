"""The two alarms by which a target-tracking policy watches its metric, as AWS makes them.

References
----------
.. [1] Application Auto Scaling user guide, "How target tracking scaling for Application Auto Scaling works": scaling out is
   eager, scaling in waits until the metric has been clearly lower for long.
"""

from __future__ import annotations

from typing import Any

_LOWER_SHARE = 0.9
_PERIODS_OUT, _PERIODS_IN = 3, 15
_MINUTE_S, _HIGH_RESOLUTION_S = 60, 10
PREDEFINED_METRICS = {
    "SageMakerVariantInvocationsPerInstance": ("InvocationsPerInstance", "Sum", _MINUTE_S),
    "SageMakerVariantConcurrentRequestsPerModelHighResolution": (
        "ConcurrentRequestsPerModel",
        "Maximum",
        _HIGH_RESOLUTION_S,
    ),
}
"""By the name of the predefined metric: CloudWatch's name for it, its statistic, and its period in seconds."""

Record = dict[str, Any]


def tracking_alarms(policy: Record, endpoint: str, variant: str, suffixes: tuple[str, str]) -> list[Record]:
    """Return requests for ``PutMetricAlarm``: one that adds instances, and unless it is disabled one that takes them away.

    Parameters
    ----------
    policy : Record
        A ``ScalingPolicy`` of target tracking.
    endpoint, variant : str
        What scales.
    suffixes : tuple of str
        By which AWS tells the alarms of several policies apart.
    """
    configuration = policy["TargetTrackingScalingPolicyConfiguration"]
    metric, period_s = _metric(configuration, endpoint, variant)
    target = configuration["TargetValue"]
    common = {
        **metric,
        "ActionsEnabled": True,
        "AlarmActions": [policy["PolicyARN"]],
        "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy['PolicyARN']}.",
    }
    high = {
        **common,
        "AlarmName": f"TargetTracking-{policy['ResourceId']}-AlarmHigh-{suffixes[0]}",
        "Period": period_s,
        "EvaluationPeriods": _PERIODS_OUT,
        "Threshold": target,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    low = {
        **common,
        "AlarmName": f"TargetTracking-{policy['ResourceId']}-AlarmLow-{suffixes[1]}",
        "Period": _MINUTE_S,
        "EvaluationPeriods": _PERIODS_IN,
        "Threshold": _LOWER_SHARE * target,
        "ComparisonOperator": "LessThanThreshold",
    }
    return [high] if configuration.get("DisableScaleIn") else [high, low]


def variant_dimensions(endpoint: str, variant: str) -> list[dict[str, str]]:
    """Return the dimensions of a variant's metrics."""
    return [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]


def _metric(configuration: Record, endpoint: str, variant: str) -> tuple[Record, int]:
    if "PredefinedMetricSpecification" not in configuration:
        custom = configuration["CustomizedMetricSpecification"]
        members = ("MetricName", "Namespace", "Dimensions", "Statistic", "Unit")
        return {member: custom[member] for member in members if member in custom}, _MINUTE_S
    kind = configuration["PredefinedMetricSpecification"]["PredefinedMetricType"]
    name, statistic, period_s = PREDEFINED_METRICS[kind]
    return {
        "Namespace": "AWS/SageMaker",
        "MetricName": name,
        "Dimensions": variant_dimensions(endpoint, variant),
        "Statistic": statistic,
    }, period_s
