"""Training jobs: ``docker run IMAGE train`` without Docker, once for each instance.

References
----------
.. [1] SageMaker developer guide, "How Amazon SageMaker AI Runs Your Training Image".
.. [2] SageMaker developer guide, "Managed Spot Training Lifecycle".
.. [3] SageMaker developer guide, "How Amazon SageMaker AI Processes Training Output".
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from local_cloud.sagemaker.checkpoints import Checkpoints
from local_cloud.sagemaker.containers import Container, stream_suffix
from local_cloud.sagemaker.errors import JobError
from local_cloud.sagemaker.hosts import Cluster, Host, gather, hosts_of
from local_cloud.sagemaker.images import Image
from local_cloud.sagemaker.job_metrics import metric_values
from local_cloud.sagemaker.jobs import Jobs, Run, now
from local_cloud.sagemaker.records import Record
from local_cloud.sagemaker.spot import CAPACITY_S, Interruptions, billed_s, check_waiting
from local_cloud.sagemaker.training_contract import environment, lay_out
from local_cloud.sagemaker.transfer import upload_archive

_DAY_S = 86400
_SLICES = 20
_UNDER_WAY = ("Starting", "Downloading", "Training", "Interrupted", "Uploading")
_RUNTIME, _WAIT = "MaxRuntimeExceeded", "MaxWaitTimeExceeded"
_MESSAGES = {
    "Starting": "Starting the training job",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Interrupted": "Training job interrupted: the spot instances were taken back",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Stopped": "Training job stopped",
    _RUNTIME: "Training job runtime exceeded MaxRuntimeInSeconds provided",
    _WAIT: "Training job wait time exceeded MaxWaitTimeInSeconds provided",
    "Failed": "Training job failed",
}


@dataclass
class _Work:
    """What a job's runs share: there are several if spot instances are taken back.

    Parameters
    ----------
    begun : float
        When it was created, by the monotonic clock.
    trained_s : float
        How long its containers have run in earlier runs.
    """

    image: Image
    s3: Any
    hosts: list[Host]
    checkpoints: Checkpoints
    interruptions: Interruptions
    retries: int
    begun: float
    trained_s: float = 0.0


class TrainingJobs(Jobs):
    """Runs training jobs."""

    noun = "TrainingJob"
    log_group = "/aws/sagemaker/TrainingJobs"
    event = "SageMaker Training Job State Change"

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a job."""
        check_waiting(request)
        return super().create(request)

    def began(self, record: Record) -> None:
        """Open the history of secondary statuses."""
        record["SecondaryStatusTransitions"] = []
        self._move(record, "Starting")

    def ended(self, record: Record, status: str) -> None:
        """Close the history."""
        if record["SecondaryStatus"] not in (_RUNTIME, _WAIT):
            self._move(record, status)
        end = record["SecondaryStatusTransitions"][-1]["EndTime"] = record["TrainingEndTime"] = now()
        trained_s = end - record.get("TrainingStartTime", end)
        record["TrainingTimeInSeconds"] = round(trained_s)
        record["BillableTimeInSeconds"] = billed_s(
            trained_s - record.get("_waited_s", 0.0), spot=record.get("EnableManagedSpotTraining", False)
        )

    def run(self, run: Run) -> None:
        """Fetch the inputs, train, and store the model; begin again as often as instances are taken back."""
        work = self._work(run)
        while not self._runs_to_its_end(run, work):
            if run.stop.is_set():
                return
            self._move(run.record, "Starting")
        self._publish_metrics(run)
        if run.record["SecondaryStatus"] not in (_RUNTIME, _WAIT):
            self._move(run.record, "Uploading")
        self._store_model(run, work)

    def _work(self, run: Run) -> _Work:
        record, s3 = run.record, run.session.client("s3")
        hosts = hosts_of(record["ResourceConfig"], run.folder, self._around.hosts)
        spot = record.get("EnableManagedSpotTraining", False)
        return _Work(
            image=self._images.find(record["AlgorithmSpecification"]["TrainingImage"]),
            s3=s3,
            hosts=hosts,
            checkpoints=Checkpoints(s3, record.get("CheckpointConfig"), hosts),
            interruptions=Interruptions(
                self._around.spot_interruption if spot else "", self._around.spot_interruptions
            ),
            retries=record.get("RetryStrategy", {}).get("MaximumRetryAttempts", 0),
            begun=time.monotonic(),
        )

    def _runs_to_its_end(self, run: Run, work: _Work) -> bool:
        """Train; tell whether that came to an end, and not to an interruption or an error of ours that may be retried."""
        begun = time.monotonic()
        try:
            lay_out(work.s3, self._moved(run.record, "Downloading"), work.hosts)
            work.checkpoints.restore()
            ended = self._train(run, work)
        except JobError:
            raise
        except Exception:
            if not work.retries:
                raise
            work.retries -= 1
            return False
        finally:
            work.trained_s += time.monotonic() - begun
        if not ended:
            self._move(run.record, "Interrupted")
            self._await_capacity(run, work)
        return ended

    def _train(self, run: Run, work: _Work) -> bool:
        """Run the containers; return False if spot instances were taken back from them."""
        record = self._moved(run.record, "Training")
        record.setdefault("TrainingStartTime", now())
        run.works = cluster = Cluster()
        limit_s, exceeded = self._limit(record, work)
        begun, taken_back = time.monotonic(), False

        def interrupted() -> bool:
            nonlocal taken_back
            work.checkpoints.store()
            taken_back = work.interruptions.due(time.monotonic() - begun, work.checkpoints.stored)
            return taken_back

        try:
            for host in work.hosts:
                cluster.add(host.name, self._container(run, work, host))
            if run.stop.is_set():
                cluster.stop()
            ended = cluster.wait(limit_s, interrupted)
        finally:
            cluster.stop()
        work.checkpoints.store(now=True)
        if taken_back and not run.stop.is_set():
            return False
        if not ended:
            self._move(record, exceeded)
            run.stop.set()
        elif (failed := cluster.failed) and not run.stop.is_set():
            raise JobError(_failure(work, failed, cluster.containers[failed]))
        return True

    def _limit(self, record: Record, work: _Work) -> tuple[float, str]:
        """Return for how many seconds the containers may run now, and the status of what takes longer."""
        condition = record.get("StoppingCondition", {})
        runtime = condition.get("MaxRuntimeInSeconds", _DAY_S) - work.trained_s
        wait = condition.get("MaxWaitTimeInSeconds", float("inf")) - (time.monotonic() - work.begun)
        return (runtime, _RUNTIME) if runtime <= wait else (wait, _WAIT)

    def _await_capacity(self, run: Run, work: _Work) -> None:
        """Wait until there are instances again, or somebody asks the job to stop."""
        begun = time.monotonic()
        for _ in range(_SLICES):
            if not run.stop.is_set():
                self._around.clock.wait(CAPACITY_S / _SLICES)
        run.record["_waited_s"] = run.record.get("_waited_s", 0.0) + time.monotonic() - begun

    def _container(self, run: Run, work: _Work, host: Host) -> Container:
        image, stream = work.image, f"{run.record['TrainingJobName']}/{host.name}-{stream_suffix()}"
        return Container(
            [*image.entrypoint, "train"],
            cwd=image.cwd,
            environment={
                **image.process_environment(),
                **run.session.environment(),
                **environment(run.record, host, work.hosts),
            },
            write=lambda lines: self._log(run, stream, lines),
        )

    def _store_model(self, run: Run, work: _Work) -> None:
        record, output = run.record, run.record["OutputDataConfig"]
        prefix = f"{output['S3OutputPath'].rstrip('/')}/{record['TrainingJobName']}/output"
        key, model = output.get("KmsKeyId"), gather(work.hosts, "model")
        record["ModelArtifacts"] = {
            "S3ModelArtifacts": upload_archive(work.s3, model, f"{prefix}/model.tar.gz", key)
        }
        data = gather(work.hosts, "output/data")
        if any(data.iterdir()):
            upload_archive(work.s3, data, f"{prefix}/output.tar.gz", key)

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

    def _moved(self, record: Record, status: str) -> Record:
        self._move(record, status)
        return record


def _failure(work: _Work, name: str, container: Container) -> str:
    [host] = [host for host in work.hosts if host.name == name]
    file = host.base / "output" / "failure"
    written = file.read_text(errors="replace").strip() if file.exists() else ""
    return (
        f"AlgorithmError: {written or chr(10).join(container.lines[-20:])}, exit code: {container.exit_code}"
    )
