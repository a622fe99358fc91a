"""Rules on SageMaker's jobs and models, whoever starts them: what Security Hub demands of job definitions, and what it leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from infra.instances import has_encrypted_disk
from security.checks.deployed import Call
from security.checks.rules.rule import of_calls

_Path = tuple[str, ...]


@dataclass(frozen=True)
class _Shape:
    """Where a call says something; None where it has no such argument."""

    isolation: _Path | None
    traffic: _Path | None
    volume: _Path | None
    instance: _Path | None
    output: _Path | None
    network: _Path | None
    runtime: _Path | None


_TRAINING = _Shape(
    isolation=("EnableNetworkIsolation",),
    traffic=("EnableInterContainerTrafficEncryption",),
    volume=("ResourceConfig", "VolumeKmsKeyId"),
    instance=("ResourceConfig", "InstanceType"),
    output=("OutputDataConfig", "KmsKeyId"),
    network=("VpcConfig",),
    runtime=("StoppingCondition", "MaxRuntimeInSeconds"),
)


def _below(name: str, shape: _Shape) -> _Shape:
    return _Shape(**{field: (name, *path) for field, path in vars(shape).items()})


_SHAPES = {
    "CreateTrainingJob": _TRAINING,
    "CreateHyperParameterTuningJob": _below("TrainingJobDefinition", _TRAINING),
    "CreateProcessingJob": _Shape(
        isolation=("NetworkConfig", "EnableNetworkIsolation"),
        traffic=("NetworkConfig", "EnableInterContainerTrafficEncryption"),
        volume=("ProcessingResources", "ClusterConfig", "VolumeKmsKeyId"),
        instance=("ProcessingResources", "ClusterConfig", "InstanceType"),
        output=("ProcessingOutputConfig", "KmsKeyId"),
        network=("NetworkConfig", "VpcConfig"),
        runtime=("StoppingCondition", "MaxRuntimeInSeconds"),
    ),
    # Its containers are those of a model, which says whether they are isolated and where; its end is the state's.
    "CreateTransformJob": _Shape(
        isolation=None,
        traffic=None,
        volume=("TransformResources", "VolumeKmsKeyId"),
        instance=("TransformResources", "InstanceType"),
        output=("TransformOutput", "KmsKeyId"),
        network=None,
        runtime=None,
    ),
    "CreateModel": _Shape(
        isolation=("EnableNetworkIsolation",),
        traffic=None,
        volume=None,
        instance=None,
        output=None,
        network=("VpcConfig",),
        runtime=None,
    ),
}
_jobs = of_calls(*_SHAPES)


@_jobs
def jobs_are_isolated(call: Call) -> Iterator[str]:
    """Run containers of jobs and models without a network (SageMaker.5, and what .11, .12, .14, .20 and .25 mean)."""
    path = _SHAPES[call.operation].isolation
    if path and call.at(*path) is not True:
        yield f"{'.'.join(path)} is {call.at(*path)}"


@_jobs
def traffic_between_containers_is_encrypted(call: Call) -> Iterator[str]:
    """Encrypt what instances of one job tell each other (what SageMaker.9, .10, .13, .15 and .22 mean)."""
    path = _SHAPES[call.operation].traffic
    if path and call.at(*path) is not True:
        yield f"{'.'.join(path)} is {call.at(*path)}"


@_jobs
def volumes_have_the_key(call: Call) -> Iterator[str]:
    """Encrypt disks of jobs with a key, unless the hardware of the instance encrypts its own."""
    shape = _SHAPES[call.operation]
    if not shape.volume or not shape.instance:
        return
    instance = str(call.at(*shape.instance))
    if not call.at(*shape.volume) and not has_encrypted_disk(instance):
        yield f"{'.'.join(shape.volume)} is missing for {instance}"


@_jobs
def outputs_have_the_key(call: Call) -> Iterator[str]:
    """Encrypt what jobs write with a key."""
    path = _SHAPES[call.operation].output
    if path and not call.at(*path):
        yield f"{'.'.join(path)} is missing"


@_jobs
def jobs_end(call: Call) -> Iterator[str]:
    """Give jobs a longest time."""
    path = _SHAPES[call.operation].runtime
    if path and not call.at(*path):
        yield f"{'.'.join(path)} is missing"


@_jobs
def jobs_are_in_the_network(call: Call) -> Iterator[str]:
    """Put jobs and models into the pipeline's network, where it has one of its own."""
    path = _SHAPES[call.operation].network
    if path and call.private and not (call.at(*path, "Subnets") and call.at(*path, "SecurityGroupIds")):
        yield f"{'.'.join(path)} names no subnets and security groups"
