"""Rules on SageMaker's endpoints, models and the definitions of Model Monitor's jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infra.instances import has_encrypted_disk
from security.checks.deployed import Call
from security.checks.rules.rule import of_calls

_PLANNED = "{% $plan.instances %}"
_SURVIVING = 2
_DEFINITIONS = tuple(
    f"Create{name}JobDefinition"
    for name in ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
)


@of_calls("CreateEndpointConfig")
def endpoints_survive_the_loss_of_an_instance(call: Call) -> Iterator[str]:
    """Begin endpoints that have instances with two of them (SageMaker.4)."""
    for variant in _variants(call):
        count = variant.get("InitialInstanceCount")
        count = call.instances if count == _PLANNED else count
        if "ServerlessConfig" not in variant and (not isinstance(count, int) or count < _SURVIVING):
            yield f"{variant.get('VariantName')} begins with {count} instances"


@of_calls("CreateEndpointConfig")
def endpoints_have_the_key(call: Call) -> Iterator[str]:
    """Encrypt volumes of endpoints with a key, unless the hardware of all their instances encrypts its own."""
    instances = [str(variant.get("InstanceType", "")) for variant in _variants(call)]
    if not call.at("KmsKeyId") and not (instances and all(map(has_encrypted_disk, instances))):
        yield "KmsKeyId is missing"


@of_calls("CreateEndpointConfig")
def captured_requests_have_the_key(call: Call) -> Iterator[str]:
    """Encrypt captured requests with a key."""
    if call.at("DataCaptureConfig") and not call.at("DataCaptureConfig", "KmsKeyId"):
        yield "DataCaptureConfig.KmsKeyId is missing"


@of_calls("CreateEndpointConfig")
def asynchronous_answers_have_the_key(call: Call) -> Iterator[str]:
    """Encrypt answers of asynchronous endpoints with a key."""
    if call.at("AsyncInferenceConfig") and not call.at("AsyncInferenceConfig", "OutputConfig", "KmsKeyId"):
        yield "AsyncInferenceConfig.OutputConfig.KmsKeyId is missing"


@of_calls("CreateModel")
def images_come_through_the_network(call: Call) -> Iterator[str]:
    """Pull the image of a model's container from a registry in the network (SageMaker.16)."""
    mode = call.at("PrimaryContainer", "ImageConfig", "RepositoryAccessMode")
    if call.at("PrimaryContainer") and mode != "Vpc":
        yield f"PrimaryContainer.ImageConfig.RepositoryAccessMode is {mode}"


@of_calls("CreateModel")
def images_of_several_come_through_the_network(call: Call) -> Iterator[str]:
    """Pull the images of a model of several containers from a registry in the network (SageMaker.19)."""
    for container in call.at("Containers") or []:
        if container.get("ImageConfig", {}).get("RepositoryAccessMode") != "Vpc":
            yield f"{container.get('Image')} comes from elsewhere"


@of_calls(*_DEFINITIONS)
def monitoring_jobs_encrypt_traffic(call: Call) -> Iterator[str]:
    """Encrypt what instances of Model Monitor's jobs tell each other (SageMaker.9, .10, .13 and .15)."""
    if call.at("NetworkConfig", "EnableInterContainerTrafficEncryption") is not True:
        yield "NetworkConfig.EnableInterContainerTrafficEncryption is not true"


@of_calls(*_DEFINITIONS)
def monitoring_jobs_are_isolated(call: Call) -> Iterator[str]:
    """Run Model Monitor's jobs without a network (SageMaker.11, .12, .14 and .25)."""
    if call.at("NetworkConfig", "EnableNetworkIsolation") is not True:
        yield "NetworkConfig.EnableNetworkIsolation is not true"


@of_calls("CreateMonitoringSchedule")
def schedules_encrypt_traffic(call: Call) -> Iterator[str]:
    """Encrypt what instances of scheduled monitoring jobs tell each other (SageMaker.22)."""
    if _of_schedule(call).get("EnableInterContainerTrafficEncryption") is not True:
        yield "EnableInterContainerTrafficEncryption is not true"


@of_calls("CreateMonitoringSchedule")
def schedules_are_isolated(call: Call) -> Iterator[str]:
    """Run scheduled monitoring jobs without a network (SageMaker.20)."""
    if _of_schedule(call).get("EnableNetworkIsolation") is not True:
        yield "EnableNetworkIsolation is not true"


def _of_schedule(call: Call) -> Mapping[str, Any]:
    found = call.at("MonitoringScheduleConfig", "MonitoringJobDefinition", "NetworkConfig")
    return found if isinstance(found, Mapping) else {}


def _variants(call: Call) -> list[Mapping[str, Any]]:
    return [*(call.at("ProductionVariants") or []), *(call.at("ShadowProductionVariants") or [])]
