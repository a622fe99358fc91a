"""What an endpoint shows of its variants, and which of it an update keeps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from local_cloud.sagemaker.records import Record

# A property of a variant, where an endpoint shows it, and where a configuration has it.
_PROPERTIES = {
    "DesiredWeight": ("CurrentWeight", "InitialVariantWeight"),
    "DesiredInstanceCount": ("CurrentInstanceCount", "InitialInstanceCount"),
    "DesiredServerlessConfig": ("CurrentServerlessConfig", "ServerlessConfig"),
}
PROPERTIES = frozenset(_PROPERTIES)
_LISTS = ("ProductionVariants", "ShadowProductionVariants")


def configured_variants(config: Record) -> list[Record]:
    """Return all variants of a configuration, or all that an endpoint shows: the shadow variant is the last."""
    return [variant for name in _LISTS for variant in config.get(name, [])]


def replacing(shown: Record, states: Iterable[Record]) -> Record:
    """Return the members of an endpoint that show its variants, with these states of them."""
    by_name = {state["VariantName"]: state for state in states}
    return {name: [by_name[old["VariantName"]] for old in shown[name]] for name in _LISTS if name in shown}


def retaining(config: Record, shown: Iterable[Record], properties: Iterable[str]) -> Record:
    """Return the configuration with these properties of its variants as an endpoint shows them now.

    Parameters
    ----------
    config : Record
        As it was created.
    shown : iterable of Record
        The endpoint's variants.
    properties : iterable of str
        Among `PROPERTIES`.

    Examples
    --------
    >>> config = {"ProductionVariants": [{"VariantName": "a", "InitialInstanceCount": 1, "InitialVariantWeight": 1.0}]}
    >>> shown = [{"VariantName": "a", "CurrentInstanceCount": 3, "CurrentWeight": 0.5}]
    >>> retaining(config, shown, ["DesiredInstanceCount"])["ProductionVariants"]
    [{'VariantName': 'a', 'InitialInstanceCount': 3, 'InitialVariantWeight': 1.0}]
    """
    pairs = [_PROPERTIES[name] for name in sorted(properties)]
    states = {state["VariantName"]: state for state in shown}
    lists = {
        name: [
            {**variant, **_retained(variant, states.get(variant["VariantName"], {}), pairs)}
            for variant in config[name]
        ]
        for name in _LISTS
        if name in config
    }
    return {**config, **lists}


def _retained(variant: Record, state: Record, pairs: Iterable[tuple[str, str]]) -> Record:
    if ("ServerlessConfig" in variant) != ("CurrentServerlessConfig" in state):
        pairs = [pair for pair in pairs if pair == _PROPERTIES["DesiredWeight"]]
    return {configured: state[current] for current, configured in pairs if current in state}


def summary(variant: Record, image: str) -> Record:
    """Return what ``DescribeEndpoint`` shows of a variant that is as its configuration says."""
    weight, count = variant.get("InitialVariantWeight", 1.0), variant.get("InitialInstanceCount", 0)
    shown: Record = {
        "VariantName": variant["VariantName"],
        "DeployedImages": [{"SpecifiedImage": image, "ResolutionTime": time.time()}],
        "CurrentWeight": weight,
        "DesiredWeight": weight,
        "CurrentInstanceCount": count,
        "DesiredInstanceCount": count,
    }
    if serverless := variant.get("ServerlessConfig"):
        shown["CurrentServerlessConfig"] = serverless
    return shown | ({"RoutingConfig": variant["RoutingConfig"]} if "RoutingConfig" in variant else {})


def summaries(config: Record, image_of: Callable[[str], str]) -> Record:
    """Return the members of ``DescribeEndpoint`` that show all variants; None for those it has not."""
    return {
        name: [summary(variant, image_of(variant["ModelName"])) for variant in config[name]]
        if name in config
        else None
        for name in _LISTS
    }


def capture_summary(config: Record) -> dict[str, Any]:
    """Return what ``DescribeEndpoint`` shows of data capture."""
    capture = config.get("DataCaptureConfig")
    if not capture:
        return {"DataCaptureConfig": None}
    return {
        "DataCaptureConfig": {
            "EnableCapture": capture.get("EnableCapture", False),
            "CaptureStatus": "Started" if capture.get("EnableCapture") else "Stopped",
            "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
            "DestinationS3Uri": capture["DestinationS3Uri"],
            "KmsKeyId": capture.get("KmsKeyId", ""),
        }
    }
