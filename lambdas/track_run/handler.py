"""Write a training that has ended down in MLflow. A server that is absent, slow or down costs the training nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import boto3

from headrace.aws.artifacts import Artifacts
from headrace.aws.logs import function_logger
from headrace.aws.mlflow_server import MlflowServer, TrackingError
from headrace.config.bundle import bundled_pipeline
from headrace.ml.privacy.redaction import redact_errors
from lambdas.track_run.run import BATCH, Run, run_of

logger = function_logger()

_KEPT = ("report.html", "evaluation.json", "provenance.json", "model_card.json")
_KEPT_BY_SERVER = "mlflow-artifacts:"


class Documents(Protocol):
    """What this function needs from storage."""

    def load(self, key: str) -> dict[str, Any] | None:
        """Return the JSON document at `key`, or None if there is none."""
        ...

    def read(self, key: str) -> bytes | None:
        """Return the object at `key`, or None if there is none."""
        ...


class Server(Protocol):
    """What this function needs from MLflow."""

    def find(self, what: str, **query: str) -> dict[str, Any] | None:
        """Ask for something that may not be there."""
        ...

    def post(self, what: str, **document: Any) -> dict[str, Any]:
        """Tell the server something."""
        ...

    def put_artifact(self, path: str, body: bytes) -> None:
        """Store an artefact with the server."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside of this function, and the pipeline's name and bucket."""

    pipeline: str
    bucket: str
    documents: Documents
    server: Server


@cache
def _deps() -> Ports:
    pipeline, bucket = bundled_pipeline(), os.environ["ARTIFACTS_BUCKET"]
    assert pipeline.tracking
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    server = MlflowServer.at(pipeline.tracking.mlflow, boto3.Session(), endpoint)
    return Ports(pipeline.name, bucket, Artifacts(boto3.client("s3"), bucket), server)


def track_run(event: Mapping[str, Any], ports: Ports, now: datetime) -> dict[str, Any]:
    """Write the training of ``event["detail"]`` down, once however often it is called; say whether that was possible."""
    detail = event["detail"]
    if not detail.get("run"):
        return {"tracked": False, "why": "the training ended before it had a name"}
    key = f"evaluations/{detail['run']}/"
    provenance = ports.documents.load(f"{key}provenance.json") or {}
    evaluation = ports.documents.load(f"{key}evaluation.json") or {}
    run = run_of(detail, provenance, evaluation, f"s3://{ports.bucket}/{key}", now)
    try:
        run_id = _written(run, key, provenance, ports)
    except TrackingError as error:
        logger.warning("the run is not in MLflow", extra={"run": run.name, "why": str(error)})
        return {"tracked": False, "why": str(error)}
    logger.info("the run is in MLflow", extra={"run": run.name, "run_id": run_id})
    return {"tracked": True, "run_id": run_id}


def _written(run: Run, key: str, provenance: Mapping[str, Any], ports: Ports) -> str:
    """Write a run down, or find that it is, by its name; what an earlier call has begun is done again from the start."""
    server, experiment = ports.server, _experiment(ports)
    found = server.post(
        "runs/search",
        experiment_ids=[experiment],
        filter=f"tags.`headrace.run` = '{run.name}'",
        max_results=1,
    )
    info = next((each["info"] for each in found.get("runs", [])), None)
    if info is not None and info["status"] == run.status:
        return str(info["run_id"])
    if info is None:
        first = [{"key": "headrace.run", "value": run.name}]
        made = server.post(
            "runs/create",
            experiment_id=experiment,
            run_name=run.name,
            start_time=run.started_ms,
            tags=first,
        )
        info = made["run"]["info"]
    run_id = str(info["run_id"])
    _log(run_id, run, server)
    _keep(str(info.get("artifact_uri", "")), key, ports)
    _register(run_id, run, provenance, ports)
    # Last: a run that was finished is a run that is whole.
    server.post("runs/update", run_id=run_id, status=run.status, end_time=run.ended_ms)
    return run_id


def _experiment(ports: Ports) -> str:
    name = f"headrace-{ports.pipeline}"
    found = ports.server.find("experiments/get-by-name", experiment_name=name)
    if found:
        return str(found["experiment"]["experiment_id"])
    return str(ports.server.post("experiments/create", name=name)["experiment_id"])


def _log(run_id: str, run: Run, server: Server) -> None:
    metrics = [
        {"key": name, "value": value, "timestamp": run.ended_ms, "step": 0}
        for name, value in run.metrics.items()
    ]
    server.post("runs/log-batch", run_id=run_id, metrics=metrics)
    for what, values in (("params", run.params), ("tags", run.tags)):
        pairs = [{"key": name, "value": value} for name, value in values.items()]
        for start in range(0, len(pairs), BATCH):
            server.post("runs/log-batch", run_id=run_id, **{what: pairs[start : start + BATCH]})


def _keep(artifact_uri: str, key: str, ports: Ports) -> None:
    """Store report and documents with a server that keeps artefacts itself; elsewhere tags say where they are."""
    if not artifact_uri.startswith(_KEPT_BY_SERVER):
        return
    folder = artifact_uri.removeprefix(_KEPT_BY_SERVER).strip("/")
    for name in _KEPT:
        if (body := ports.documents.read(f"{key}{name}")) is not None:
            ports.server.put_artifact(f"{folder}/{name}", body)


def _register(run_id: str, run: Run, provenance: Mapping[str, Any], ports: Ports) -> None:
    """Register the model of a training that registered one; its file stays where it is."""
    model = (provenance.get("model") or {}).get("object")
    package = run.tags.get("headrace.model_package_arn")
    if not package or not model:
        return
    name = f"headrace-{ports.pipeline}"
    if ports.server.find("registered-models/get", name=name) is None:
        ports.server.post("registered-models/create", name=name)
    ports.server.post(
        "model-versions/create",
        name=name,
        source=model["uri"],
        run_id=run_id,
        description=f"v{package.rsplit('/', 1)[-1]} of {package}",
    )


@redact_errors
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda entry point: wire the real dependencies, then delegate."""
    return track_run(event, _deps(), datetime.now(UTC))
