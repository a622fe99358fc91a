"""Endpoint configurations: which variants an endpoint runs, and what SageMaker refuses of them.

References
----------
.. [1] SageMaker API reference, "CreateEndpointConfig" and "ProductionVariant".
.. [2] SageMaker developer guide, "Deploy models with Amazon SageMaker Serverless Inference", "Feature exclusions".
.. [3] SageMaker developer guide, "Create a shadow test", "Prerequisites".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from local_cloud.sagemaker.errors import invalid
from local_cloud.sagemaker.models import Models
from local_cloud.sagemaker.records import Record, Records
from local_cloud.sagemaker.variant_state import configured_variants

_MEMORY_STEP_MB = 1024
_WITH_SHADOW = 2


class EndpointConfigs:
    """The configurations of this account."""

    def __init__(self, records: Records, models: Models) -> None:
        self._records, self._models = records, models

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """Store a configuration, whose models must exist and be fit for it."""
        variants = configured_variants(request)
        check_variants(request["ProductionVariants"], request.get("ShadowProductionVariants", []))
        if "AsyncInferenceConfig" in request:
            _check_asynchronous(request["ProductionVariants"], request.get("ShadowProductionVariants", []))
        for variant in variants:
            model = self._models.deployable(variant["ModelName"])
            if "ServerlessConfig" in variant or "ShadowProductionVariants" in request:
                _check_single_container(model)
            if "ServerlessConfig" in variant:
                _check_serverless_model(model)
        if "DataCaptureConfig" in request and any("ServerlessConfig" in variant for variant in variants):
            raise invalid("DataCaptureConfig is not supported for serverless endpoints.")
        record = self._records.add("EndpointConfig", request)
        return {"EndpointConfigArn": record["EndpointConfigArn"]}


def check_variants(production: list[Record], shadows: list[Record]) -> None:
    """Refuse variants that cannot be behind one endpoint.

    Raises
    ------
    ApiError
        ``ValidationException``, for the first rule that is broken.
    """
    variants = [*production, *shadows]
    serverless = any("ServerlessConfig" in variant for variant in variants)
    refuse_duplicates(variant["VariantName"] for variant in variants)
    for variant in variants:
        _check_size(variant)
    if shadows and serverless:
        raise invalid("Shadow variants are not supported for serverless endpoints.")
    if shadows and len(variants) > _WITH_SHADOW:
        raise invalid("With ShadowProductionVariants there is one production variant and one shadow variant.")
    if len(variants) > 1 and serverless:
        raise invalid("A serverless endpoint supports only one production variant.")
    check_weights(variant.get("InitialVariantWeight", 1.0) for variant in production)


def check_weights(weights: Iterable[float]) -> None:
    """Refuse weights of production variants with which none of them would get a request."""
    if not sum(weights):
        raise invalid("At least one production variant must have a weight above 0.")


def check_concurrency(config: Record) -> None:
    """Refuse a serverless configuration with more provisioned concurrency than concurrency."""
    if config.get("ProvisionedConcurrency", 0) > config["MaxConcurrency"]:
        raise invalid("ProvisionedConcurrency must be less than or equal to MaxConcurrency.")


def refuse_duplicates(names: Iterable[str]) -> None:
    """Refuse a list of variants in which a name is twice."""
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise invalid(f"Variant names must be unique, and {', '.join(twice)} is given more than once.")


def _check_asynchronous(production: list[Record], shadows: list[Record]) -> None:
    if shadows:
        raise invalid("Shadow variants are not supported for asynchronous endpoints.")
    if len(production) > 1:
        raise invalid("An asynchronous endpoint supports only one production variant.")
    if "ServerlessConfig" in production[0]:
        raise invalid("AsyncInferenceConfig is not supported for serverless endpoints.")


def _check_size(variant: Record) -> None:
    name = variant["VariantName"]
    if not variant.get("ModelName"):
        raise invalid(f"Variant {name} must have a ModelName.")
    if ("ServerlessConfig" in variant) == ("InstanceType" in variant):
        raise invalid("Exactly one of ServerlessConfig and InstanceType must be given for a variant.")
    if serverless := variant.get("ServerlessConfig"):
        check_concurrency(serverless)
        if serverless["MemorySizeInMB"] % _MEMORY_STEP_MB:
            raise invalid("MemorySizeInMB must be one of 1024, 2048, 3072, 4096, 5120, 6144.")
    elif not variant.get("InitialInstanceCount"):
        raise invalid(f"Variant {name} must have an InitialInstanceCount.")


def _check_serverless_model(model: Record) -> None:
    if model.get("EnableNetworkIsolation") or model.get("VpcConfig"):
        raise invalid("Serverless endpoints support neither network isolation nor a VPC configuration.")


def _check_single_container(model: Record) -> None:
    if len(model["Containers"]) > 1:
        raise invalid("Serverless endpoints and endpoints with a shadow variant support only one container.")
