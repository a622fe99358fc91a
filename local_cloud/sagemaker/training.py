"""Training jobs: ``docker run IMAGE train`` without Docker.

References
----------
.. [1] SageMaker developer guide, "How Amazon SageMaker AI Runs Your Training Image".
.. [2] SageMaker developer guide, "How Amazon SageMaker AI Provides Training Information".
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from local_cloud.sagemaker.containers import cpu_count, stream_suffix
from local_cloud.sagemaker.errors import JobError
from local_cloud.sagemaker.job_metrics import metric_values
from local_cloud.sagemaker.jobs import Jobs, Run, now
from local_cloud.sagemaker.records import Record
from local_cloud.sagemaker.transfer import download, upload_archive

_DAY_S = 86400
_HOST = "algo-1"
_UNDER_WAY = ("Starting", "Downloading", "Training", "Uploading")
_MESSAGES = {
    "Starting": "Starting the training job",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "Failed": "Training job failed",
}


class TrainingJobs(Jobs):
    """Runs training jobs."""

    noun = "TrainingJob"
    log_group = "/aws/sagemaker/TrainingJobs"
    event = "SageMaker Training Job State Change"

    def began(self, record: Record) -> None:
        """Open the history of secondary statuses."""
        record["SecondaryStatusTransitions"] = []
        self._move(record, "Starting")

    def ended(self, record: Record, status: str) -> None:
        """Close the history."""
        if record["SecondaryStatus"] != "MaxRuntimeExceeded":
            self._move(record, status)
        record["SecondaryStatusTransitions"][-1]["EndTime"] = record["TrainingEndTime"] = now()
        record["BillableTimeInSeconds"] = record["TrainingTimeInSeconds"] = round(
            record["TrainingEndTime"] - record.get("TrainingStartTime", record["TrainingEndTime"])
        )

    def run(self, run: Run) -> None:
        """Fetch the inputs, train, and store the model."""
        record, name = run.record, run.record["TrainingJobName"]
        image = self._images.find(record["AlgorithmSpecification"]["TrainingImage"])
        base = run.folder / "opt" / "ml"
        s3 = run.session.client("s3")
        self._move(record, "Downloading")
        for channel in record.get("InputDataConfig", []):
            source = channel["DataSource"]["S3DataSource"]["S3Uri"]
            download(s3, source, base / "input" / "data" / channel["ChannelName"])
        _write_training_information(record, base)
        self._move(record, "Training")
        record["TrainingStartTime"] = now()
        code = self.execute(
            run,
            [*image.entrypoint, "train"],
            {**image.process_environment(), **run.session.environment(), **_environment(record, base)},
            cwd=image.cwd,
            limit_s=record.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DAY_S),
            stream=f"{name}/{_HOST}-{stream_suffix()}",
        )
        self._publish_metrics(run)
        if code is None:
            self._move(record, "MaxRuntimeExceeded")
            run.stop.set()
        elif code and not run.stop.is_set():
            raise JobError(f"AlgorithmError: {_reason(base, run)}, exit code: {code}")
        if record["SecondaryStatus"] != "MaxRuntimeExceeded":
            self._move(record, "Uploading")
        self._store_model(run, s3, base)

    def _store_model(self, run: Run, s3: Any, base: Path) -> None:
        record, output = run.record, run.record["OutputDataConfig"]
        prefix = f"{output['S3OutputPath'].rstrip('/')}/{record['TrainingJobName']}/output"
        key = output.get("KmsKeyId")
        record["ModelArtifacts"] = {
            "S3ModelArtifacts": upload_archive(s3, base / "model", f"{prefix}/model.tar.gz", key)
        }
        if any((base / "output" / "data").iterdir()):
            upload_archive(s3, base / "output" / "data", f"{prefix}/output.tar.gz", key)

    def _publish_metrics(self, run: Run) -> None:
        """Read the metrics out of the log, as the definitions say."""
        definitions = run.record["AlgorithmSpecification"].get("MetricDefinitions", [])
        found = {
            definition["Name"]: metric_values(run.lines, definition["Regex"]) for definition in definitions
        }
        values = {name: numbers[-1] for name, numbers in found.items() if numbers}
        run.record["FinalMetricDataList"] = [
            {"MetricName": name, "Value": value, "Timestamp": now()} for name, value in values.items()
        ]
        dimensions = [{"Name": "TrainingJobName", "Value": run.record["TrainingJobName"]}]
        if values:
            data = [
                {"MetricName": name, "Value": value, "Timestamp": now(), "Dimensions": dimensions}
                for name, value in values.items()
            ]
            self._around.put_metrics(self.log_group, data)

    def _move(self, record: Record, status: str) -> None:
        history = record["SecondaryStatusTransitions"]
        if history:
            history[-1]["EndTime"] = now()
        history.append({"Status": status, "StartTime": now(), "StatusMessage": _MESSAGES[status]})
        self._records.change(record, SecondaryStatus=status)
        if status in _UNDER_WAY:
            self.announce(record)


def _write_training_information(record: Record, base: Path) -> None:
    for folder in ("input/config", "input/data", "model", "output/data", "code", "checkpoints"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    config = base / "input" / "config"
    channels = {channel["ChannelName"]: _channel(channel) for channel in record.get("InputDataConfig", [])}
    hosts = {
        "current_host": _HOST,
        "hosts": [_HOST],
        "network_interface_name": "lo",
        "current_instance_type": record["ResourceConfig"].get("InstanceType"),
        "current_group_name": "homogeneousCluster",
        "instance_groups": [
            {
                "instance_group_name": "homogeneousCluster",
                "instance_type": record["ResourceConfig"].get("InstanceType"),
                "hosts": [_HOST],
            }
        ],
    }
    (config / "hyperparameters.json").write_text(json.dumps(record.get("HyperParameters", {})))
    (config / "inputdataconfig.json").write_text(json.dumps(channels))
    (config / "resourceconfig.json").write_text(json.dumps(hosts))


def _channel(channel: dict[str, Any]) -> dict[str, Any]:
    return {
        "TrainingInputMode": channel.get("InputMode", "File"),
        "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
            "S3DataDistributionType", "FullyReplicated"
        ),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }


def _environment(record: Record, base: Path) -> dict[str, str]:
    channels = {
        f"SM_CHANNEL_{channel['ChannelName'].upper()}": str(base / "input" / "data" / channel["ChannelName"])
        for channel in record.get("InputDataConfig", [])
    }
    return {
        "SAGEMAKER_BASE_DIR": str(base),
        "TRAINING_JOB_NAME": record["TrainingJobName"],
        "TRAINING_JOB_ARN": record["TrainingJobArn"],
        "SM_MODEL_DIR": str(base / "model"),
        "SM_OUTPUT_DATA_DIR": str(base / "output" / "data"),
        "SM_INPUT_DIR": str(base / "input"),
        "SM_HPS": json.dumps(record.get("HyperParameters", {})),
        "SM_HOSTS": json.dumps([_HOST]),
        "SM_CURRENT_HOST": _HOST,
        "SM_NUM_CPUS": str(cpu_count()),
        "SM_NUM_GPUS": "0",
        **channels,
        **record.get("Environment", {}),
    }


def _reason(base: Path, run: Run) -> str:
    failure = base / "output" / "failure"
    if failure.exists():
        return failure.read_text(errors="replace").strip()
    return "\n".join(run.container.lines[-20:]) if run.container else "no output"
