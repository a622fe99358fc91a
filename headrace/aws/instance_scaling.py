"""Application Auto Scaling of an endpoint's variants: scalable targets, policies, and what wakes the first instance."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from botocore.exceptions import ClientError

from headrace.config.scaling import Scaling

_SCOPE = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
_PREDEFINED = {
    "invocations": "SageMakerVariantInvocationsPerInstance",
    "concurrency": "SageMakerVariantConcurrentRequestsPerModelHighResolution",
}
_WAKING_COOLDOWN_S = 300


class InstanceScaling:
    """Lets the variants of an endpoint scale, and stops that.

    SageMaker refuses to update an endpoint so that a variant goes which is a scalable target [1]_. Every model version is
    a variant of its own, so scaling is stopped before each update, and begins anew with the variants that are there then.

    Parameters
    ----------
    autoscaling, cloudwatch
        Clients of ``application-autoscaling`` and ``cloudwatch``.

    References
    ----------
    .. [1] SageMaker developer guide, "Update endpoints that use auto scaling".
    .. [2] SageMaker developer guide, "Autoscale an asynchronous endpoint".
    """

    def __init__(self, autoscaling: Any, cloudwatch: Any) -> None:
        self._autoscaling, self._cloudwatch = autoscaling, cloudwatch

    def start(self, endpoint: str, variant: str, scaling: Scaling) -> None:
        """Keep a variant between the counts, and its load at the target; calling it again changes what is other."""
        target = {**_SCOPE, "ResourceId": f"{_prefix(endpoint)}{variant}"}
        self._autoscaling.register_scalable_target(**target, MinCapacity=scaling.min, MaxCapacity=scaling.max)
        self._autoscaling.put_scaling_policy(
            **target,
            PolicyName=f"{endpoint}-target",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": scaling.target,
                "ScaleOutCooldown": scaling.scale_out_cooldown_s,
                "ScaleInCooldown": scaling.scale_in_cooldown_s,
                **_metric(endpoint, scaling),
            },
        )
        if scaling.min == 0:
            self._wake_first_instance(endpoint, target)
        else:
            self._delete_waking_alarm(endpoint)

    def stop(self, endpoint: str, *, keep: Collection[str] = ()) -> list[str]:
        """Take the variants out of scaling but for those in `keep`; their policies and alarms go with them.

        Returns
        -------
        list of str
            The variants that scale no longer.
        """
        prefix = _prefix(endpoint)
        pages = self._autoscaling.get_paginator("describe_scalable_targets").paginate(**_SCOPE)
        registered = [target["ResourceId"] for page in pages for target in page["ScalableTargets"]]
        variants = [name.removeprefix(prefix) for name in registered if name.startswith(prefix)]
        stopped = [variant for variant in variants if variant not in keep]
        for variant in stopped:
            self._autoscaling.deregister_scalable_target(**_SCOPE, ResourceId=prefix + variant)
        if len(stopped) == len(variants):
            self._delete_waking_alarm(endpoint)
        return stopped

    def _wake_first_instance(self, endpoint: str, target: dict[str, str]) -> None:
        """Add an instance where requests wait and there is none: the backlog per instance is no number then."""
        policy = self._autoscaling.put_scaling_policy(
            **target,
            PolicyName=f"{endpoint}-first-instance",
            PolicyType="StepScaling",
            StepScalingPolicyConfiguration={
                "AdjustmentType": "ChangeInCapacity",
                "MetricAggregationType": "Average",
                "Cooldown": _WAKING_COOLDOWN_S,
                "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
            },
        )
        self._cloudwatch.put_metric_alarm(
            AlarmName=waking_alarm(endpoint),
            AlarmDescription=f"{endpoint} has requests that wait and no instance: the first one is started",
            Namespace="AWS/SageMaker",
            MetricName="HasBacklogWithoutCapacity",
            Dimensions=[{"Name": "EndpointName", "Value": endpoint}],
            Statistic="Average",
            Period=60,
            EvaluationPeriods=2,
            DatapointsToAlarm=2,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            TreatMissingData="missing",
            AlarmActions=[policy["PolicyARN"]],
        )

    def _delete_waking_alarm(self, endpoint: str) -> None:
        try:
            self._cloudwatch.delete_alarms(AlarmNames=[waking_alarm(endpoint)])
        except ClientError as error:
            if not error.response["Error"]["Code"].startswith("ResourceNotFound"):
                raise


def waking_alarm(endpoint: str) -> str:
    """Return the name of the alarm that wakes an asynchronous endpoint without instances.

    Examples
    --------
    >>> waking_alarm("headrace-bike")
    'headrace-bike-backlog-without-capacity'
    """
    return f"{endpoint}-backlog-without-capacity"


def _prefix(endpoint: str) -> str:
    return f"endpoint/{endpoint}/variant/"


def _metric(endpoint: str, scaling: Scaling) -> dict[str, Any]:
    if scaling.by in _PREDEFINED:
        return {"PredefinedMetricSpecification": {"PredefinedMetricType": _PREDEFINED[scaling.by]}}
    return {
        "CustomizedMetricSpecification": {
            "Namespace": "AWS/SageMaker",
            "MetricName": "ApproximateBacklogSizePerInstance",
            "Dimensions": [{"Name": "EndpointName", "Value": endpoint}],
            "Statistic": "Average",
        }
    }
