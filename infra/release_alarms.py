"""The alarms of a release, which are made at run time."""

from __future__ import annotations

from aws_cdk import Arn, ArnComponents, ArnFormat, Stack
from constructs import Construct


def release_alarms_arn(scope: Construct, endpoint_name: str) -> str:
    """Return the ARN of the alarms of the releases of an endpoint: their names begin with the endpoint's."""
    return Arn.format(
        ArnComponents(
            service="cloudwatch",
            resource="alarm",
            resource_name=f"{endpoint_name}-release-*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        ),
        Stack.of(scope),
    )
