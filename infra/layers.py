"""The Python that functions run on, and the public Lambda layers that carry their libraries.

Another version, or a region that is not listed here, is taken from the context: ``-c pandas_layer_arn=…`` and
``-c powertools_layer_arn=…``, each for all functions of the app.

References
----------
.. [1] Powertools for AWS Lambda (Python), "Installation", Lambda layer: version 37 in every commercial region, from one account.
.. [2] AWS SDK for pandas, "AWS Lambda Managed Layers". The accounts are those of release 3.13.0. Version 6 for Python 3.14 is
   release 3.16.1 in af-south-1; elsewhere numbers have grown as fast or faster, and stay.
.. [3] AWS Lambda developer guide, "Lambda runtimes", Python 3.14: supported until June 2029.
"""

from __future__ import annotations

from aws_cdk import CfnMapping, Stack, Token
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

RUNTIME = lambda_.Runtime.PYTHON_3_14
"""The newest that both layers are published for."""

_POWERTOOLS_ACCOUNT = "017000801446"
_POWERTOOLS_VERSION = 37
_PANDAS_VERSION = 6

_PANDAS_ACCOUNTS = {
    **dict.fromkeys(
        (
            "af-south-1",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-southeast-1",
            "ap-southeast-2",
            "ca-central-1",
            "eu-central-1",
            "eu-north-1",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "sa-east-1",
            "us-east-1",
            "us-east-2",
            "us-west-1",
            "us-west-2",
        ),
        "336392948345",
    ),
    "ap-east-1": "839552336658",
    "ap-south-2": "246107603503",
    "ap-southeast-3": "258944054355",
    "ap-southeast-4": "945386623051",
    "eu-central-2": "956415814219",
    "eu-south-1": "774444163449",
    "eu-south-2": "982086096842",
    "il-central-1": "263840725265",
    "me-central-1": "593833071574",
    "me-south-1": "938046470361",
}
"""Publisher of AWS SDK for pandas by region; Powertools is published in all of these too."""


def powertools_layer(scope: Construct) -> lambda_.ILayerVersion:
    """Powertools for AWS Lambda, with Pydantic; one account and one version number in every region.

    Raises
    ------
    ValueError
        If the stack's region is known and is none of those; the text names the context key that helps.
    """
    name = f"AWSLambdaPowertoolsPythonV3-python314-arm64:{_POWERTOOLS_VERSION}"
    arn = _from_context(scope, "powertools") or _layer_arn(scope, _POWERTOOLS_ACCOUNT, name)
    return lambda_.LayerVersion.from_layer_version_arn(scope, "PowertoolsLayer", arn)


def pandas_layer(scope: Construct) -> lambda_.ILayerVersion:
    """AWS SDK for pandas, with pandas, NumPy and PyArrow; its account differs in regions that one opts in to.

    Raises
    ------
    ValueError
        If the stack's region is known and is none of those; the text names the context key that helps.
    """
    arn = _from_context(scope, "pandas") or _layer_arn(
        scope, _pandas_account(scope), f"AWSSDKPandas-Python314-Arm64:{_PANDAS_VERSION}"
    )
    return lambda_.LayerVersion.from_layer_version_arn(scope, "PandasLayer", arn)


def _from_context(scope: Construct, layer: str) -> str | None:
    """Return the ARN that the user gives, or refuse a region in which there is no layer to take."""
    key, region = f"{layer}_layer_arn", Stack.of(scope).region
    arn: str | None = scope.node.try_get_context(key)
    if arn is None and not Token.is_unresolved(region) and region not in _PANDAS_ACCOUNTS:
        raise ValueError(
            f"no public layer of {layer} is known in {region}: publish one and name it with -c {key}=arn:…, "
            f"or choose one of {', '.join(sorted(_PANDAS_ACCOUNTS))}"
        )
    return arn


def _pandas_account(scope: Construct) -> str:
    """Return the publisher in the region in which the stack is deployed, which may not be known yet."""
    region = Stack.of(scope).region
    if not Token.is_unresolved(region):
        return _PANDAS_ACCOUNTS[region]
    accounts = {name: {"account": account} for name, account in _PANDAS_ACCOUNTS.items()}
    return CfnMapping(scope, "PandasLayerAccounts", mapping=accounts).find_in_map(region, "account")


def _layer_arn(scope: Construct, account: str, name: str) -> str:
    stack = Stack.of(scope)
    return f"arn:{stack.partition}:lambda:{stack.region}:{account}:layer:{name}"
