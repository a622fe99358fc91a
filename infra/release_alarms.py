"""The alarms of a release, which are made at run time under names that are known before."""

from __future__ import annotations

from aws_cdk import Arn, ArnComponents, ArnFormat, Stack
from constructs import Construct

_LOOKS_AT = ("errors", "latency", "shift")


def release_alarm_names(endpoint_name: str) -> list[str]:
    """Return the names of the alarms of an endpoint's releases.

    Examples
    --------
    >>> release_alarm_names("headrace-bike")
    ['headrace-bike-release-errors', 'headrace-bike-release-latency', 'headrace-bike-release-shift']
    """
    return [f"{endpoint_name}-release-{what}" for what in _LOOKS_AT]


def release_alarm_arns(scope: Construct, endpoint_name: str) -> list[str]:
    """Return their ARNs."""
    return [
        Arn.format(
            ArnComponents(
                service="cloudwatch",
                resource="alarm",
                resource_name=name,
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            ),
            Stack.of(scope),
        )
        for name in release_alarm_names(endpoint_name)
    ]
