"""SageMaker endpoints of a pipeline, with the configurations and models behind them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import DesiredWeightAndCapacityTypeDef

_RELEASE = "-release"
_SETTLED = frozenset({"InService", "Failed", "OutOfService", "UpdateRollbackFailed"})


@dataclass(frozen=True)
class Endpoint:
    """An endpoint at one moment.

    Parameters
    ----------
    status : str
        SageMaker's EndpointStatus.
    config : str
        Name of the configuration in effect.
    reason : str
        Why it failed, if it did.
    variants : tuple of str
        Names of the variants that answer.
    instances : int
        How many all of them together have, or are about to have; 0 for a serverless endpoint.
    """

    status: str
    config: str
    reason: str
    variants: tuple[str, ...] = ()
    instances: int = 0

    @property
    def settled(self) -> bool:
        """Whether it can be updated or deleted now."""
        return self.status in _SETTLED

    @property
    def releasing(self) -> bool:
        """Whether a new model answers beside the one before it, or is shown its requests."""
        return self.config.endswith(_RELEASE)


def deployment_name(endpoint: str, version: int, run: str) -> str:
    """Name the model and the configuration of one deployment.

    Parameters
    ----------
    endpoint : str
        Name of the endpoint.
    version : int
        Of the model package.
    run : str
        Eight hexadecimal digits that tell two deployments of one version apart.

    Examples
    --------
    >>> deployment_name("headrace-bike", 3, "0a1b2c3d")
    'headrace-bike-v3-0a1b2c3d'
    """
    return f"{endpoint}-v{version}-{run}"


def release_name(deployment: str) -> str:
    """Name the configuration in which a deployment answers beside the one before it.

    Examples
    --------
    >>> release_name("headrace-bike-v3-0a1b2c3d")
    'headrace-bike-v3-0a1b2c3d-release'
    """
    return f"{deployment}{_RELEASE}"


class Endpoints:
    """Reads endpoints, and takes away what no longer serves."""

    def __init__(self, client: SageMakerClient) -> None:
        self._client = client

    def find(self, name: str) -> Endpoint | None:
        """Describe the endpoint, or return None if there is none."""
        try:
            answer = self._client.describe_endpoint(EndpointName=name)
        except ClientError as error:
            if _is_missing(error):
                return None
            raise
        variants = answer.get("ProductionVariants", [])
        return Endpoint(
            answer["EndpointStatus"],
            answer.get("EndpointConfigName", ""),
            answer.get("FailureReason", ""),
            tuple(variant["VariantName"] for variant in variants),
            sum(variant.get("DesiredInstanceCount", 0) for variant in variants),
        )

    def point_to(self, name: str, config: str) -> None:
        """Begin to move the endpoint to another configuration."""
        self._client.update_endpoint(EndpointName=name, EndpointConfigName=config)

    def resize(self, name: str, variant: str, instances: int) -> None:
        """Begin to change how many instances a variant has."""
        wanted: DesiredWeightAndCapacityTypeDef = {"VariantName": variant, "DesiredInstanceCount": instances}
        self._client.update_endpoint_weights_and_capacities(
            EndpointName=name, DesiredWeightsAndCapacities=[wanted]
        )

    def delete_step(self, name: str) -> bool:
        """Go one step towards the endpoint's deletion; return True once it is gone. Call it until then."""
        endpoint = self.find(name)
        if endpoint is None:
            return True
        if endpoint.settled:
            self._client.delete_endpoint(EndpointName=name)
        return False

    def delete_unused(self, endpoint: str, *, keep: frozenset[str]) -> list[str]:
        """Delete the configurations and models of `endpoint`'s deployments, but for those in `keep`.

        Returns
        -------
        list of str
            Names of the deployments that are gone.
        """
        gone = set()
        for name in self._deployments("list_endpoint_configs", "EndpointConfig", endpoint):
            if name not in keep:
                self._gone(self._client.delete_endpoint_config, EndpointConfigName=name)
                gone.add(name)
        for name in self._deployments("list_models", "Model", endpoint):
            if name not in keep:
                self._gone(self._client.delete_model, ModelName=name)
                gone.add(name)
        return sorted(gone)

    def delete_deployment(self, name: str) -> None:
        """Delete the configurations and the model of one deployment, as far as they exist."""
        for config in (name, release_name(name)):
            self._gone(self._client.delete_endpoint_config, EndpointConfigName=config)
        self._gone(self._client.delete_model, ModelName=name)

    def _deployments(self, operation: str, noun: str, endpoint: str) -> Iterator[str]:
        """List names in the forms of `deployment_name` and `release_name`: another pipeline's name may begin like this one's."""
        form = re.compile(rf"{re.escape(endpoint)}-v\d+-[0-9a-f]{{8}}(-release)?")
        paginator: Any = self._client.get_paginator(operation)  # type: ignore[call-overload]  # the name is a variable
        names = [
            item[f"{noun}Name"]
            for page in paginator.paginate(NameContains=f"{endpoint}-v")
            for item in page[f"{noun}s"]
        ]
        return (name for name in names if form.fullmatch(name))

    @staticmethod
    def _gone(delete: Any, **name: str) -> None:
        try:
            delete(**name)
        except ClientError as error:
            if not _is_missing(error):
                raise


def _is_missing(error: ClientError) -> bool:
    """SageMaker says by its text only that something does not exist."""
    return error.response["Error"]["Code"] in {
        "ValidationException",
        "ResourceNotFound",
    } and "ould not find" in str(error)
