"""The public Lambda layers that carry the functions' libraries."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

_POWERTOOLS_VERSION = 32
_PANDAS_VERSION = 26


def powertools_layer(scope: Construct) -> lambda_.ILayerVersion:
    """Powertools for AWS Lambda, with Pydantic; AWS publishes one version number in every region."""
    arn = (
        f"arn:{Stack.of(scope).partition}:lambda:{Stack.of(scope).region}:017000801446:layer:"
        f"AWSLambdaPowertoolsPythonV3-python312-arm64:{_POWERTOOLS_VERSION}"
    )
    return lambda_.LayerVersion.from_layer_version_arn(scope, "PowertoolsLayer", arn)


def pandas_layer(scope: Construct) -> lambda_.ILayerVersion:
    """AWS SDK for pandas, with pandas, NumPy and PyArrow."""
    arn = (
        f"arn:{Stack.of(scope).partition}:lambda:{Stack.of(scope).region}:336392948345:layer:"
        f"AWSSDKPandas-Python312-Arm64:{_PANDAS_VERSION}"
    )
    return lambda_.LayerVersion.from_layer_version_arn(scope, "PandasLayer", arn)
