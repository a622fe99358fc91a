"""Processing jobs: inputs from S3, a command, outputs to S3.

References
----------
.. [1] SageMaker developer guide, "How Amazon SageMaker Processing Runs Your Processing Container Image".
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from local_cloud.sagemaker.containers import cpu_count, stream_suffix
from local_cloud.sagemaker.errors import JobError
from local_cloud.sagemaker.jobs import Jobs, Run, now
from local_cloud.sagemaker.records import Record
from local_cloud.sagemaker.transfer import download, upload_folder

_DAY_S = 86400
_ML = "/opt/ml"


class ProcessingJobs(Jobs):
    """Runs processing jobs."""

    noun = "ProcessingJob"
    log_group = "/aws/sagemaker/ProcessingJobs"
    event = "SageMaker Processing Job State Change"

    def ended(self, record: Record, status: str) -> None:
        """Note the time."""
        record["ProcessingEndTime"] = now()

    def run(self, run: Run) -> None:
        """Fetch the inputs, run the command, and store the outputs."""
        record = run.record
        image = self._images.find(record["AppSpecification"]["ImageUri"])
        base = run.folder / "opt" / "ml"
        s3 = run.session.client("s3")
        for item in record.get("ProcessingInputs", []):
            download(s3, item["S3Input"]["S3Uri"], _here(item["S3Input"]["LocalPath"], base))
        outputs = record.get("ProcessingOutputConfig", {}).get("Outputs", [])
        for item in outputs:
            _here(item["S3Output"]["LocalPath"], base).mkdir(parents=True, exist_ok=True)
        _write_configuration(record, base)
        record["ProcessingStartTime"] = now()
        app = record["AppSpecification"]
        command = app.get("ContainerEntrypoint") or list(image.entrypoint)
        arguments = [_local(argument, base) for argument in [*command, *app.get("ContainerArguments", [])]]
        code = self.execute(
            run,
            arguments,
            {**image.process_environment(), **run.session.environment(), **_environment(record, base)},
            cwd=image.cwd,
            limit_s=record.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DAY_S),
            stream=f"{record['ProcessingJobName']}/algo-1-{stream_suffix()}",
        )
        if code is None:
            run.stop.set()
        elif code and not run.stop.is_set():
            record["ExitMessage"] = _last_words(base, run)[:1024]
            raise JobError(f"AlgorithmError: See job logs for more information, exit code: {code}")
        self._store(outputs, record, s3, base)

    def _store(self, outputs: list[dict[str, Any]], record: Record, s3: Any, base: Path) -> None:
        key = record.get("ProcessingOutputConfig", {}).get("KmsKeyId")
        for item in outputs:
            upload_folder(s3, _here(item["S3Output"]["LocalPath"], base), item["S3Output"]["S3Uri"], key)


def _local(text: str, base: Path) -> str:
    return str(base) + text[len(_ML) :] if text.startswith(f"{_ML}/") else text


def _here(path: str, base: Path) -> Path:
    return Path(_local(path, base))


def _write_configuration(record: Record, base: Path) -> None:
    config = base / "config"
    config.mkdir(parents=True, exist_ok=True)
    (base / "output").mkdir(parents=True, exist_ok=True)
    (config / "processingjobconfig.json").write_text(json.dumps(record, default=str))
    hosts = {"current_host": "algo-1", "hosts": ["algo-1"]}
    (config / "resourceconfig.json").write_text(json.dumps(hosts))


def _environment(record: Record, base: Path) -> dict[str, str]:
    return {
        "SAGEMAKER_BASE_DIR": str(base),
        "PROCESSING_JOB_NAME": record["ProcessingJobName"],
        "PROCESSING_JOB_ARN": record["ProcessingJobArn"],
        "SM_NUM_CPUS": str(cpu_count()),
        **record.get("Environment", {}),
    }


def _last_words(base: Path, run: Run) -> str:
    message = base / "output" / "message"
    if message.exists():
        return message.read_text(errors="replace").strip()
    return "\n".join(run.container.lines[-20:]) if run.container else ""
