"""The arguments of the SageMaker calls of the deploy state machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headrace.config.pipeline import Pipeline
from infra.asynchronous import AsyncTopics, async_inference
from infra.deploy_flow import DeployCalls
from infra.instances import has_encrypted_disk
from infra.pipeline_tags import tag_list
from infra.placement import Placement
from infra.release_flow import ReleaseCalls


@dataclass(frozen=True)
class EndpointSettings:
    """What the calls are filled with.

    Parameters
    ----------
    pipeline : Pipeline
        Kind and size of the endpoint.
    endpoint_name : str
        Of the one endpoint of the pipeline.
    bucket : str
        Name of the artifacts bucket, for captured predictions.
    key_arn : str
        Encrypts image, volumes and captured predictions.
    model_role_arn : str
        Role of the containers.
    network_isolation : bool
        Whether the containers can do without a network.
    topics : AsyncTopics, optional
        Told of the answers of an asynchronous endpoint.
    network : Placement, optional
        Where the containers run, unless the endpoint is serverless.
    """

    pipeline: Pipeline
    endpoint_name: str
    bucket: str
    key_arn: str
    model_role_arn: str
    network_isolation: bool
    topics: AsyncTopics | None = None
    network: Placement | None = None


def deploy_calls(settings: EndpointSettings) -> DeployCalls:
    """Return the arguments of all calls."""
    tags = tag_list(settings.pipeline)
    endpoint = {"EndpointName": settings.endpoint_name, "EndpointConfigName": "{% $plan.name %}"}
    around = {**_encryption(settings), **_capture(settings), **_asynchronous(settings), "Tags": tags}
    return DeployCalls(
        create_model={
            "ModelName": "{% $plan.name %}",
            "ExecutionRoleArn": settings.model_role_arn,
            "PrimaryContainer": {
                "Image": "{% $plan.image %}",
                "ModelDataUrl": "{% $plan.model_data_url %}",
                "Environment": "{% $plan.environment %}",
            },
            **({"EnableNetworkIsolation": True} if _is_isolated(settings) else {}),
            **_placed(settings),
            "Tags": tags,
        },
        create_endpoint_config={
            "EndpointConfigName": "{% $plan.name %}",
            "ProductionVariants": [
                {
                    "VariantName": "{% $plan.variant %}",
                    "ModelName": "{% $plan.name %}",
                    **_size(settings.pipeline),
                }
            ],
            **around,
        },
        create_endpoint={**endpoint, "Tags": tags},
        update_endpoint=endpoint,
        release=_release(settings, around),
    )


def _release(settings: EndpointSettings, around: dict[str, Any]) -> ReleaseCalls:
    """Return the calls that have two models in one endpoint; the challenger begins without requests.

    `around` is what a configuration has beside its variants.
    """
    named = {"EndpointName": settings.endpoint_name}
    return ReleaseCalls(
        create_config={
            "EndpointConfigName": "{% $plan.release.config %}",
            **_two_variants(settings.pipeline),
            **around,
        },
        move={**named, "EndpointConfigName": "{% $plan.release.config %}"},
        shift={**named, "DesiredWeightsAndCapacities": _weights("{% 1 - $share %}", "{% $share %}")},
        withdraw={**named, "DesiredWeightsAndCapacities": _weights(1, 0)},
        promote={**named, "EndpointConfigName": "{% $plan.name %}"},
    )


def _two_variants(pipeline: Pipeline) -> dict[str, Any]:
    size = _size(pipeline)
    champion, challenger = (
        {
            "VariantName": f"{{% $plan.release.{role}.variant %}}",
            "ModelName": f"{{% $plan.release.{role}.name %}}",
            **size,
        }
        for role in ("champion", "challenger")
    )
    if pipeline.release.strategy == "shadow":
        # Its weight, as a share of the champion's, is the share of the requests that it gets a copy of.
        shadow = {**challenger, "InitialVariantWeight": "{% $plan.release.shares[0] %}"}
        return {"ProductionVariants": [champion], "ShadowProductionVariants": [shadow]}
    return {"ProductionVariants": [champion, {**challenger, "InitialVariantWeight": 0}]}


def _weights(champion: float | str, challenger: float | str) -> list[dict[str, Any]]:
    return [
        {"VariantName": "{% $plan.release.champion.variant %}", "DesiredWeight": champion},
        {"VariantName": "{% $plan.release.challenger.variant %}", "DesiredWeight": challenger},
    ]


def _is_isolated(settings: EndpointSettings) -> bool:
    """Tell whether the model runs without a network; SageMaker refuses that for serverless endpoints."""
    return settings.network_isolation and settings.pipeline.endpoint.kind != "serverless"


def _placed(settings: EndpointSettings) -> dict[str, Any]:
    """Return the model's subnets; SageMaker refuses them for serverless endpoints."""
    if settings.network is None or settings.pipeline.endpoint.kind == "serverless":
        return {}
    return settings.network.vpc_config


def _size(pipeline: Pipeline) -> dict[str, Any]:
    endpoint = pipeline.endpoint
    if endpoint.kind == "serverless":
        provisioned = endpoint.provisioned_concurrency
        return {
            "ServerlessConfig": {
                "MemorySizeInMB": endpoint.memory_mb,
                "MaxConcurrency": endpoint.max_concurrency,
                **({"ProvisionedConcurrency": provisioned} if provisioned else {}),
            }
        }
    return {
        "InstanceType": endpoint.instance,
        "InitialInstanceCount": "{% $plan.instances %}",
        "InitialVariantWeight": 1,
    }


def _encryption(settings: EndpointSettings) -> dict[str, Any]:
    endpoint = settings.pipeline.endpoint
    if endpoint.has_instances and has_encrypted_disk(endpoint.instance):
        return {}
    return {"KmsKeyId": settings.key_arn}


def _capture(settings: EndpointSettings) -> dict[str, Any]:
    """Have SageMaker capture; where it cannot, the container logs instead."""
    endpoint = settings.pipeline.endpoint
    if endpoint.logs_requests:
        return {}
    return {
        "DataCaptureConfig": {
            "EnableCapture": True,
            "InitialSamplingPercentage": max(1, round(100 * endpoint.capture_share)),
            "DestinationS3Uri": f"s3://{settings.bucket}/capture",
            "KmsKeyId": settings.key_arn,
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {
                "CsvContentTypes": ["text/csv"],
                "JsonContentTypes": ["application/json", "application/jsonlines"],
            },
        }
    }


def _asynchronous(settings: EndpointSettings) -> dict[str, Any]:
    endpoint = settings.pipeline.endpoint
    if endpoint.kind != "asynchronous":
        return {}
    config = async_inference(endpoint, settings.bucket, settings.key_arn, settings.topics)
    return {"AsyncInferenceConfig": config}
