"""Endpoints: fleets of model servers, exchanged without a gap, rolled back when the new one is not healthy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from local_cloud.sagemaker.alarm_states import alarm_states
from local_cloud.sagemaker.capacities import bring_into_force, desired, settled
from local_cloud.sagemaker.deployments import Guardrails, Step, guardrails
from local_cloud.sagemaker.errors import ApiError, JobError, invalid
from local_cloud.sagemaker.fleets import Fleet, Launcher
from local_cloud.sagemaker.progress import Progress
from local_cloud.sagemaker.records import Record, Records
from local_cloud.sagemaker.scalable_targets import NoTargets, ScalableTargets, refuse_losing
from local_cloud.sagemaker.surroundings import Surroundings
from local_cloud.sagemaker.traffic import Traffic
from local_cloud.sagemaker.variant_state import (
    PROPERTIES,
    capture_summary,
    configured_variants,
    replacing,
    retaining,
    summaries,
)

_EVENT = "SageMaker Endpoint State Change"
_DEPLOYMENT_EVENT = "SageMaker Endpoint Deployment State Change"
_BUSY = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
_RETAINED = frozenset({"DesiredWeight", "DesiredInstanceCount"})


class Endpoints:
    """The endpoints of this account."""

    def __init__(self, records: Records, launcher: Launcher, surroundings: Surroundings) -> None:
        self._records, self._launcher, self._around = records, launcher, surroundings
        self.scalable_targets: ScalableTargets = NoTargets()
        self.traffic = Traffic()
        self._settled: dict[str, threading.Event] = {}

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start an endpoint."""
        self._records.get("EndpointConfig", request["EndpointConfigName"])
        given = request.get("DeploymentConfig")
        more = {"LastDeploymentConfig": given} if given else {}
        record = self._records.add("Endpoint", request, EndpointStatus="Creating", **more)
        self._in_background(record, self._bring_up)
        return {"EndpointArn": record["EndpointArn"]}

    def update(self, request: dict[str, Any]) -> dict[str, Any]:
        """Exchange an endpoint's fleet for that of another configuration."""
        record = self._records.get("Endpoint", request["EndpointName"])
        config = self._records.get("EndpointConfig", request["EndpointConfigName"])
        self._refuse_unless_in_service(record)
        name = record["EndpointName"]
        refuse_losing(self.scalable_targets.variants(name), self.traffic.fleet(name).config, config)
        if record["EndpointConfigName"] == request["EndpointConfigName"]:
            raise invalid(f'Cannot update endpoint "{record["EndpointArn"]}" to its current configuration.')
        config = retaining(config, configured_variants(record), _properties_to_retain(request))
        given, last = request.get("DeploymentConfig"), record.get("LastDeploymentConfig")
        deployment = given or (last if request.get("RetainDeploymentConfig") else None)
        rails = self._guardrails(record, config, deployment) if deployment else None
        with self._records.lock:
            self._refuse_unless_in_service(record)  # another request may have been faster
            self._records.change(
                record, EndpointStatus="Updating", FailureReason=None, LastDeploymentConfig=given or last
            )
        self._in_background(record, partial(self._exchange, config=config, rails=rails))
        return {"EndpointArn": record["EndpointArn"]}

    def _guardrails(self, record: Record, config: Record, deployment: Record) -> Guardrails:
        fleet = self.traffic.fleet(record["EndpointName"])
        rails = guardrails(deployment, fleet.config["ProductionVariants"], config["ProductionVariants"])
        try:
            known = alarm_states(self._around, fleet.role, rails.alarms) if rails.alarms else {}
        except JobError as failure:
            raise invalid(str(failure)) from None
        if missing := sorted(set(rails.alarms) - set(known)):
            raise invalid(f"Could not find CloudWatch alarm(s) {', '.join(missing)}.")
        return rails

    def update_weights(self, request: dict[str, Any]) -> dict[str, Any]:
        """Change how requests are shared between the variants, and how many instances each of them has."""
        with self._records.lock:
            record = self._records.get("Endpoint", request["EndpointName"])
            self._refuse_unless_in_service(record)
            states = desired(
                record,
                request["DesiredWeightsAndCapacities"],
                asynchronous="AsyncInferenceConfig" in self.traffic.fleet(record["EndpointName"]).config,
            )
            self._records.change(
                record, EndpointStatus="Updating", FailureReason=None, **replacing(record, states)
            )
        self._in_background(record, self._change)
        return {"EndpointArn": record["EndpointArn"]}

    def resize(self, endpoint: str, variant: str, count: int) -> None:
        """Give a variant as many instances, as ``UpdateEndpointWeightsAndCapacities`` does: it is done later."""
        wanted = {"VariantName": variant, "DesiredInstanceCount": count}
        self.update_weights({"EndpointName": endpoint, "DesiredWeightsAndCapacities": [wanted]})

    def delete(self, request: dict[str, Any]) -> dict[str, Any]:
        """Stop an endpoint and forget it."""
        with self._records.lock:
            record = self._records.get("Endpoint", request["EndpointName"])
            self._refuse_if_busy(record, "delete")
            self._records.remove("Endpoint", record["EndpointName"])
            fleet = self.traffic.remove(record["EndpointName"])
        self.scalable_targets.forget(record["EndpointName"])
        if fleet:
            threading.Thread(target=fleet.drain, daemon=True).start()
        self._announce(record | {"EndpointStatus": "Deleting"})
        return {}

    def wait(self, name: str, timeout_s: float) -> bool:
        """Wait until what was asked of an endpoint is done; return whether it is."""
        return self._settled[name].wait(timeout_s)

    def exists(self, name: str) -> bool:
        """Tell whether there is an endpoint of this name, be it in service or not."""
        return name in self._records.tables["Endpoint"]

    @contextmanager
    def serving(self, name: str) -> Iterator[Fleet]:
        """Lend the fleet for one request; ``ValidationError``, in AWS's words, if there is none."""
        with self.traffic.serving(name) as fleet:
            if fleet is None:
                account = self._around.account
                raise ApiError("ValidationError", f"Endpoint {name} of account {account} not found.")
            yield fleet

    # --- the local cloud comes and goes

    def mark_down(self) -> None:
        """Show the endpoints of an earlier life as being created."""
        for record in self._records.tables["Endpoint"].values():
            if record["EndpointStatus"] != "Failed":
                record["EndpointStatus"] = "Creating"

    def restart_all(self) -> None:
        """Bring the endpoints of an earlier life back up, with the weights and sizes that they had."""
        for record in list(self._records.tables["Endpoint"].values()):
            if record["EndpointStatus"] == "Creating":
                self._in_background(record, self._bring_up)

    # --- how a fleet comes and goes

    def _bring_up(self, record: Record) -> None:
        try:
            config = self._records.get("EndpointConfig", record["EndpointConfigName"])
            config = retaining(config, configured_variants(record), PROPERTIES)
            shown = summaries(config, self._launcher.image)
            fleet = self._launch(record, config, self._progress(record, config, shown))
        except (ApiError, JobError) as failure:
            self._records.change(
                record, EndpointStatus="Failed", FailureReason=str(failure), PendingDeploymentSummary=None
            )
            return
        self._put_in_service(record, fleet, shown)

    def _exchange(self, record: Record, config: Record, rails: Guardrails | None) -> None:
        """Start the new fleet beside the old one, and keep the old one if the new one fails or an alarm rings."""
        old = self.traffic.fleet(record["EndpointName"])
        try:
            shown = summaries(config, self._launcher.image)
            progress = self._progress(record, config, shown, guarded=rails is not None)
            new = self._launch(record, config, progress)
            if rails:
                self._shift(record, new, rails, progress)
        except (ApiError, JobError) as failure:
            self._records.change(
                record, EndpointStatus="InService", FailureReason=str(failure), PendingDeploymentSummary=None
            )
            return
        self._put_in_service(record, new, shown)
        old.drain()

    def _shift(self, record: Record, new: Fleet, rails: Guardrails, progress: Progress) -> None:
        """Move requests to the new fleet step by step; if that fails, move them back."""
        name = record["EndpointName"]

        def take(step: Step) -> None:
            progress.activating(step)
            self.traffic.shift(name, new, step.share)
            progress.baking(step)

        def ringing(names: Sequence[str]) -> list[str]:
            states = alarm_states(self._around, new.role, names)
            return [alarm for alarm, state in states.items() if state == "ALARM"]

        try:
            rails.go_through(take, ringing, self._around.clock)
        except (ApiError, JobError):
            self.traffic.shift_back(name)
            new.drain()
            raise

    def _launch(self, record: Record, config: Record, progress: Progress) -> Fleet:
        progress.launching()
        return self._launcher.launch(record["EndpointName"], config)

    def _progress(self, record: Record, config: Record, shown: Record, *, guarded: bool = False) -> Progress:
        def tell(pending: Record) -> None:
            self._records.change(record, PendingDeploymentSummary=pending)
            if guarded:
                self._announce(record, _DEPLOYMENT_EVENT)

        return Progress(config["EndpointConfigName"], shown, tell)

    def _put_in_service(self, record: Record, fleet: Fleet, shown: Record) -> None:
        with self._records.lock:
            self.traffic.put(record["EndpointName"], fleet)
            self._records.change(
                record,
                EndpointStatus="InService",
                PendingDeploymentSummary=None,
                EndpointConfigName=fleet.config["EndpointConfigName"],
                **shown,
                **capture_summary(fleet.config),
                AsyncInferenceConfig=fleet.config.get("AsyncInferenceConfig"),
            )

    def _change(self, record: Record) -> None:
        """Bring desired weights and capacities into force; all of them, or none."""
        reason = None
        try:
            bring_into_force(self.traffic.fleet(record["EndpointName"]), configured_variants(record))
        except JobError as failure:
            reason = str(failure)
        states = settled(configured_variants(record), as_desired=reason is None)
        self._records.change(
            record, EndpointStatus="InService", FailureReason=reason, **replacing(record, states)
        )

    def _in_background(self, record: Record, work: Callable[[Record], None]) -> None:
        settled = self._settled[record["EndpointName"]] = threading.Event()

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

    def _refuse_unless_in_service(self, record: Record) -> None:
        self._refuse_if_busy(record, "update")
        if record["EndpointStatus"] != "InService":
            status = record["EndpointStatus"]
            raise invalid(f'Cannot update endpoint "{record["EndpointArn"]}" with status {status}.')

    def _refuse_if_busy(self, record: Record, verb: str) -> None:
        if record["EndpointStatus"] in _BUSY:
            status = record["EndpointStatus"]
            raise invalid(f'Cannot {verb} in-progress endpoint "{record["EndpointArn"]}" (status {status}).')

    def _announce(self, record: Record, event: str = _EVENT) -> None:
        detail = {key: value for key, value in record.items() if not key.startswith("_")}
        detail["EndpointStatus"] = str(record["EndpointStatus"]).replace("InService", "IN_SERVICE").upper()
        self._around.emit(event, detail, record["EndpointArn"])


def _properties_to_retain(request: dict[str, Any]) -> frozenset[str]:
    if not request.get("RetainAllVariantProperties"):
        return frozenset()
    excluded = {item["VariantPropertyType"] for item in request.get("ExcludeRetainedVariantProperties", [])}
    return _RETAINED - excluded
