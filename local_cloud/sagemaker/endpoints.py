"""Endpoints: fleets of model servers, exchanged without a gap, rolled back when the new one is not healthy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from local_cloud.sagemaker.errors import JobError, invalid
from local_cloud.sagemaker.images import ImageStore
from local_cloud.sagemaker.records import Record, Records
from local_cloud.sagemaker.servers import ModelServer
from local_cloud.sagemaker.slots import Slots
from local_cloud.sagemaker.surroundings import Surroundings
from local_cloud.sagemaker.transfer import require_object

_EVENT = "SageMaker Endpoint State Change"
_DRAIN_S = 60.0
_BUSY = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")


@dataclass
class Fleet:
    """The servers of one endpoint, by variant."""

    config: Record
    servers: dict[str, ModelServer]
    slots: dict[str, Slots]
    role: str
    requests: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def count(self, more: int) -> None:
        """Note that a request begins (1) or has ended (-1)."""
        with self.changed:
            self.requests += more
            self.changed.notify_all()

    def stop(self) -> None:
        """End all servers, once the requests that they work on are answered."""
        with self.changed:
            self.changed.wait_for(lambda: self.requests == 0, _DRAIN_S)
        for server in self.servers.values():
            server.stop()


class Endpoints:
    """Models, endpoint configurations and endpoints."""

    def __init__(self, records: Records, images: ImageStore, surroundings: Surroundings) -> None:
        self._records, self._images, self._around = records, images, surroundings
        self.fleets: dict[str, Fleet] = {}
        self.settled: dict[str, threading.Event] = {}

    # --- models and configurations

    def create_model(self, request: dict[str, Any]) -> dict[str, Any]:
        """Store a model, whose role and data must be there."""
        session = self._around.role_session(request["ExecutionRoleArn"])
        for container in self._containers(request):
            if url := container.get("ModelDataUrl"):
                require_object(session.client("s3"), url)
        record = self._records.add("Model", request)
        return {"ModelArn": record["ModelArn"]}

    def _containers(self, model: Record) -> list[Record]:
        """Return a model's containers; one that names a package is that package's."""
        given = [model["PrimaryContainer"]] if "PrimaryContainer" in model else model.get("Containers", [])
        return [
            {
                **self._records.get("ModelPackage", name)["InferenceSpecification"]["Containers"][0],
                **container,
            }
            if (name := container.get("ModelPackageName"))
            else container
            for container in given
        ]

    def create_config(self, request: dict[str, Any]) -> dict[str, Any]:
        """Store a configuration, whose models must exist."""
        for variant in request["ProductionVariants"]:
            self._records.get("Model", variant["ModelName"])
            if ("ServerlessConfig" in variant) == ("InstanceType" in variant):
                raise invalid("Exactly one of ServerlessConfig and InstanceType must be given for a variant.")
        if "DataCaptureConfig" in request and any(
            "ServerlessConfig" in v for v in request["ProductionVariants"]
        ):
            raise invalid("DataCaptureConfig is not supported for serverless endpoints.")
        record = self._records.add("EndpointConfig", request)
        return {"EndpointConfigArn": record["EndpointConfigArn"]}

    # --- endpoints

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start an endpoint."""
        self._records.get("EndpointConfig", request["EndpointConfigName"])
        record = self._records.add("Endpoint", request, EndpointStatus="Creating")
        self._in_background(record, self._bring_up)
        return {"EndpointArn": record["EndpointArn"]}

    def update(self, request: dict[str, Any]) -> dict[str, Any]:
        """Exchange an endpoint's fleet for that of another configuration."""
        with self._records.lock:
            record = self._records.get("Endpoint", request["EndpointName"])
            self._records.get("EndpointConfig", request["EndpointConfigName"])
            self._refuse_if_busy(record, "update")
            if record["EndpointConfigName"] == request["EndpointConfigName"]:
                raise invalid(
                    f'Cannot update endpoint "{record["EndpointArn"]}" to its current configuration.'
                )
            record["_previous"] = record["EndpointConfigName"]
            record.pop("FailureReason", None)
            name = request["EndpointConfigName"]
            self._records.change(record, EndpointStatus="Updating", EndpointConfigName=name)
        self._in_background(record, self._exchange)
        return {"EndpointArn": record["EndpointArn"]}

    def update_weights(self, request: dict[str, Any]) -> dict[str, Any]:
        """Change how traffic is shared between variants."""
        record = self._records.get("Endpoint", request["EndpointName"])
        self._refuse_if_busy(record, "update")
        wanted = {item["VariantName"]: item for item in request["DesiredWeightsAndCapacities"]}
        variants = {variant["VariantName"]: variant for variant in record["ProductionVariants"]}
        if unknown := set(wanted) - set(variants):
            raise invalid(f"Variant(s) {', '.join(sorted(unknown))} not found in {record['EndpointArn']}.")
        for name, item in wanted.items():
            if "DesiredWeight" in item:
                variants[name]["CurrentWeight"] = variants[name]["DesiredWeight"] = item["DesiredWeight"]
            if "DesiredInstanceCount" in item:
                count = item["DesiredInstanceCount"]
                variants[name]["CurrentInstanceCount"] = variants[name]["DesiredInstanceCount"] = count
        self._records.change(record)
        return {"EndpointArn": record["EndpointArn"]}

    def delete(self, request: dict[str, Any]) -> dict[str, Any]:
        """Stop an endpoint and forget it."""
        with self._records.lock:
            record = self._records.get("Endpoint", request["EndpointName"])
            self._refuse_if_busy(record, "delete")
            self._records.remove("Endpoint", record["EndpointName"])
            fleet = self.fleets.pop(record["EndpointName"], None)
        if fleet:
            threading.Thread(target=fleet.stop, daemon=True).start()
        self._announce(record | {"EndpointStatus": "Deleting"})
        return {}

    def mark_down(self) -> None:
        """Show the endpoints of an earlier life as being created."""
        for record in self._records.tables["Endpoint"].values():
            if record["EndpointStatus"] != "Failed":
                record["EndpointStatus"] = "Creating"

    @contextmanager
    def serving(self, name: str) -> Iterator[Fleet | None]:
        """Lend the fleet of an endpoint, which is not stopped meanwhile; None if there is none."""
        with self._records.lock:
            fleet = self.fleets.get(name)
            if fleet:
                fleet.count(1)
        try:
            yield fleet
        finally:
            if fleet:
                fleet.count(-1)

    def restart_all(self) -> None:
        """Bring the endpoints of an earlier life back up."""
        for record in list(self._records.tables["Endpoint"].values()):
            if record["EndpointStatus"] == "Creating":
                self._in_background(record, self._bring_up)

    def stop_all(self) -> None:
        """End all servers."""
        for fleet in self.fleets.values():
            fleet.requests = 0
            fleet.stop()

    # --- how a fleet comes and goes

    def _bring_up(self, record: Record) -> None:
        try:
            self._put_in_service(record, self._start(record))
        except JobError as failure:
            self._records.change(record, EndpointStatus="Failed", FailureReason=str(failure))

    def _exchange(self, record: Record) -> None:
        """Start the new fleet beside the old one; keep the old one if the new one is not healthy."""
        previous = record.pop("_previous")
        try:
            fleet = self._start(record)
        except JobError as failure:
            self._records.change(
                record, EndpointStatus="InService", EndpointConfigName=previous, FailureReason=str(failure)
            )
            return
        old = self.fleets.get(record["EndpointName"])
        self._put_in_service(record, fleet)
        if old:
            old.stop()

    def _start(self, record: Record) -> Fleet:
        config = self._records.get("EndpointConfig", record["EndpointConfigName"])
        group = f"/aws/sagemaker/Endpoints/{record['EndpointName']}"
        servers: dict[str, ModelServer] = {}
        try:
            for variant in config["ProductionVariants"]:
                name = variant["VariantName"]
                model = self._records.get("Model", variant["ModelName"])
                servers[name] = ModelServer(
                    {**model, "Containers": self._containers(model)},
                    self._images,
                    self._around,
                    (group, name),
                )
        except JobError:
            for server in servers.values():
                server.stop()
            raise
        return Fleet(dict(config), servers, _slots(config), model["ExecutionRoleArn"])

    def _put_in_service(self, record: Record, fleet: Fleet) -> None:
        with self._records.lock:
            self.fleets[record["EndpointName"]] = fleet
            self._records.change(
                record,
                EndpointStatus="InService",
                ProductionVariants=[_summary(variant) for variant in fleet.config["ProductionVariants"]],
                **_capture_summary(fleet.config),
            )

    def _in_background(self, record: Record, work: Any) -> None:
        settled = self.settled[record["EndpointName"]] = threading.Event()

        def run() -> None:
            try:
                work(record)
            except Exception as error:
                self._records.change(
                    record, EndpointStatus="Failed", FailureReason=f"InternalServerError: {error}"
                )
            finally:
                settled.set()
                self._announce(record)

        self._announce(record)
        threading.Thread(target=run, daemon=True).start()

    def _refuse_if_busy(self, record: Record, verb: str) -> None:
        if record["EndpointStatus"] in _BUSY:
            status = record["EndpointStatus"]
            raise invalid(f'Cannot {verb} in-progress endpoint "{record["EndpointArn"]}" (status {status}).')

    def _announce(self, record: Record) -> None:
        detail = {key: value for key, value in record.items() if not key.startswith("_")}
        detail["EndpointStatus"] = str(record["EndpointStatus"]).replace("InService", "IN_SERVICE").upper()
        self._around.emit(_EVENT, detail, record["EndpointArn"])


def _slots(config: Record) -> dict[str, Slots]:
    return {
        variant["VariantName"]: Slots(variant["ServerlessConfig"]["MaxConcurrency"])
        for variant in config["ProductionVariants"]
        if "ServerlessConfig" in variant
    }


def _summary(variant: dict[str, Any]) -> dict[str, Any]:
    weight, count = variant.get("InitialVariantWeight", 1.0), variant.get("InitialInstanceCount", 0)
    summary = {
        "VariantName": variant["VariantName"],
        "CurrentWeight": weight,
        "DesiredWeight": weight,
        "CurrentInstanceCount": count,
        "DesiredInstanceCount": count,
    }
    serverless = variant.get("ServerlessConfig")
    return summary | ({"CurrentServerlessConfig": serverless} if serverless else {})


def _capture_summary(config: Record) -> dict[str, Any]:
    capture = config.get("DataCaptureConfig")
    if not capture:
        return {}
    return {
        "DataCaptureConfig": {
            "EnableCapture": capture.get("EnableCapture", False),
            "CaptureStatus": "Started" if capture.get("EnableCapture") else "Stopped",
            "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
            "DestinationS3Uri": capture["DestinationS3Uri"],
            "KmsKeyId": capture.get("KmsKeyId", ""),
        }
    }
