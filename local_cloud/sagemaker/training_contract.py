"""What a training container finds: files below ``/opt/ml``, and variables.

References
----------
.. [1] SageMaker developer guide, "How Amazon SageMaker AI Provides Training Information".
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from typing import Any

from local_cloud.sagemaker.containers import cpu_count
from local_cloud.sagemaker.hosts import Host
from local_cloud.sagemaker.records import Record
from local_cloud.sagemaker.transfer import download

_SHARDED, _REPLICATED = "ShardedByS3Key", "FullyReplicated"
_INTERFACE = "lo"


def lay_out(s3: Any, record: Record, hosts: Sequence[Host]) -> None:
    """Make the folders of every host anew, with its part of the inputs and its configuration."""
    for host in hosts:
        shutil.rmtree(host.base, ignore_errors=True)
        for folder in ("input/config", "input/data", "model", "output/data", "code"):
            (host.base / folder).mkdir(parents=True)
        channels = [channel for channel in record.get("InputDataConfig", []) if _gets(host, channel)]
        for channel in channels:
            _fetch(s3, channel, host, [other for other in hosts if _gets(other, channel)])
        _write_configuration(record, host, hosts, channels)


def environment(record: Record, host: Host, hosts: Sequence[Host]) -> dict[str, str]:
    """Return the variables of a host's container."""
    base = host.base
    channels = {
        f"SM_CHANNEL_{channel['ChannelName'].upper()}": str(base / "input" / "data" / channel["ChannelName"])
        for channel in record.get("InputDataConfig", [])
        if _gets(host, channel)
    }
    return {
        "SAGEMAKER_BASE_DIR": str(base),
        "TRAINING_JOB_NAME": record["TrainingJobName"],
        "TRAINING_JOB_ARN": record["TrainingJobArn"],
        "SM_MODEL_DIR": str(base / "model"),
        "SM_OUTPUT_DATA_DIR": str(base / "output" / "data"),
        "SM_INPUT_DIR": str(base / "input"),
        "SM_HPS": json.dumps(record.get("HyperParameters", {})),
        "SM_HOSTS": json.dumps([other.name for other in hosts]),
        "SM_CURRENT_HOST": host.name,
        "SM_CURRENT_INSTANCE_TYPE": host.instance_type,
        "SM_CURRENT_INSTANCE_GROUP": host.group,
        "SM_NETWORK_INTERFACE_NAME": _INTERFACE,
        "SM_NUM_CPUS": str(cpu_count()),
        "SM_NUM_GPUS": "0",
        "HEADRACE_LOCAL_HOST_ADDRESSES": json.dumps({other.name: other.address for other in hosts}),
        **channels,
        **record.get("Environment", {}),
    }


def _fetch(s3: Any, channel: dict[str, Any], host: Host, sharers: Sequence[Host]) -> None:
    source = channel["DataSource"]["S3DataSource"]
    sharded = _distribution(channel) == _SHARDED
    shard = (sharers.index(host), len(sharers)) if sharded else (0, 1)
    download(s3, source["S3Uri"], host.base / "input" / "data" / channel["ChannelName"], shard=shard)


def _gets(host: Host, channel: dict[str, Any]) -> bool:
    """Tell whether a channel is for the host's group."""
    groups = channel["DataSource"]["S3DataSource"].get("InstanceGroupNames")
    return not groups or host.group in groups


def _write_configuration(
    record: Record, host: Host, hosts: Sequence[Host], channels: Sequence[dict[str, Any]]
) -> None:
    config = host.base / "input" / "config"
    described = {channel["ChannelName"]: _channel(channel) for channel in channels}
    (config / "hyperparameters.json").write_text(json.dumps(record.get("HyperParameters", {})))
    (config / "inputdataconfig.json").write_text(json.dumps(described))
    (config / "resourceconfig.json").write_text(json.dumps(_resources(host, hosts)))


def _resources(host: Host, hosts: Sequence[Host]) -> dict[str, Any]:
    groups = dict.fromkeys((other.group, other.instance_type) for other in hosts)
    return {
        "current_host": host.name,
        "hosts": [other.name for other in hosts],
        "network_interface_name": _INTERFACE,
        "current_instance_type": host.instance_type,
        "current_group_name": host.group,
        "instance_groups": [
            {
                "instance_group_name": group,
                "instance_type": kind,
                "hosts": [other.name for other in hosts if other.group == group],
            }
            for group, kind in groups
        ],
    }


def _channel(channel: dict[str, Any]) -> dict[str, Any]:
    return {
        "TrainingInputMode": channel.get("InputMode", "File"),
        "S3DistributionType": _distribution(channel),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }


def _distribution(channel: dict[str, Any]) -> str:
    return str(channel["DataSource"]["S3DataSource"].get("S3DataDistributionType", _REPLICATED))
