"""What Application Auto Scaling refuses of a request, beyond its shape."""

from __future__ import annotations

import re
from typing import Any

from local_cloud.autoscaling.tracking_alarms import PREDEFINED_METRICS
from local_cloud.sagemaker.errors import ApiError, invalid

SCOPE = ("ServiceNamespace", "ResourceId", "ScalableDimension")
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_RESOURCE = re.compile(r"endpoint/([^/]+)/variant/([^/]+)")

Record = dict[str, Any]


def variant_of(request: Record) -> tuple[str, str]:
    """Return the endpoint and the variant that a request is about.

    Raises
    ------
    ApiError
        ``ValidationException``, if it is about anything else than instances of a variant.

    Examples
    --------
    >>> variant_of({"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    ...             "ResourceId": "endpoint/headrace-bike/variant/v3"})
    ('headrace-bike', 'v3')
    """
    match = _RESOURCE.fullmatch(request["ResourceId"])
    if request["ServiceNamespace"] != "sagemaker" or request["ScalableDimension"] != DIMENSION or not match:
        raise invalid("Unsupported service namespace, resource type or scalable dimension")
    return match[1], match[2]


def check_limits(least: int | None, most: int | None) -> None:
    """Refuse bounds that a scalable target cannot have."""
    if least is None or most is None:
        raise invalid("MinCapacity and MaxCapacity are required to register a new scalable target.")
    if least < 0:
        raise invalid("Minimum capacity cannot be less than 0")
    if most < least:
        raise invalid("Maximum capacity cannot be less than minimum capacity")


def check_policy(request: Record) -> None:
    """Refuse a policy without what its type needs."""
    kind = request.get("PolicyType")
    member = {
        "TargetTrackingScaling": "TargetTrackingScalingPolicyConfiguration",
        "StepScaling": "StepScalingPolicyConfiguration",
    }.get(kind or "")
    if member is None:
        raise invalid(f"The policy type {kind} is not supported for the sagemaker service namespace.")
    if member not in request:
        raise invalid(f"{member} is required for the policy type {kind}.")
    (_check_tracking if kind == "TargetTrackingScaling" else _check_steps)(request[member])


def _check_tracking(configuration: Record) -> None:
    given = [
        name
        for name in ("PredefinedMetricSpecification", "CustomizedMetricSpecification")
        if name in configuration
    ]
    if len(given) != 1:
        raise invalid(
            "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be given."
        )
    if given == ["PredefinedMetricSpecification"]:
        metric = configuration[given[0]]["PredefinedMetricType"]
        if metric not in PREDEFINED_METRICS:
            raise invalid(f"Invalid predefined metric type {metric} for the scalable dimension {DIMENSION}.")
    elif "Metrics" in configuration[given[0]]:
        raise ApiError("ValidationException", "Metric math is not available in the local cloud.")
    if configuration["TargetValue"] <= 0:
        raise invalid("The target value must be greater than 0.")


def _check_steps(configuration: Record) -> None:
    if "AdjustmentType" not in configuration:
        raise invalid("AdjustmentType is required for a step scaling policy.")
    if not configuration.get("StepAdjustments"):
        raise invalid("At least one step adjustment must be specified.")
