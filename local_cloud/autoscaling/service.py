"""The operations of Application Auto Scaling on SageMaker's variants."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

from local_cloud.autoscaling.requests import DIMENSION, SCOPE, Record, check_limits, check_policy, variant_of
from local_cloud.autoscaling.scaler import Cloud, Scaler, State
from local_cloud.autoscaling.tracking_alarms import tracking_alarms, variant_dimensions
from local_cloud.sagemaker.errors import ApiError, invalid
from local_cloud.sagemaker.listing import page_of
from local_cloud.sagemaker.shapes import check_request, fit_answer, known_operation

ROLE = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
ROLE_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"
_SERVICE = "application-autoscaling"
_PAGE = 50
_RUNNING = {
    "DynamicScalingInSuspended": False,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}


def role_arn(account: str) -> str:
    """Return the ARN of the service-linked role under which endpoints are scaled."""
    return f"arn:aws:iam::{account}:role/aws-service-role/{ROLE_SERVICE}/{ROLE}"


class AutoScaling:
    """Takes operations by name.

    Parameters
    ----------
    cloud : Cloud
        Where the instances and the alarms are.
    clock : callable
        Seconds by which cooldowns pass.

    Attributes
    ----------
    scaler : Scaler
        What alarms call.
    """

    def __init__(self, cloud: Cloud, clock: Callable[[], float]) -> None:
        self._cloud, self._state = cloud, State()
        self.scaler = Scaler(self._state, cloud, clock)
        self._operations: dict[str, Callable[[Record], Record]] = {
            "RegisterScalableTarget": self._register,
            "DeregisterScalableTarget": self._deregister,
            "DescribeScalableTargets": self._describe_targets,
            "PutScalingPolicy": self._put_policy,
            "DeleteScalingPolicy": self._delete_policy,
            "DescribeScalingPolicies": self._describe_policies,
            "DescribeScalingActivities": self._describe_activities,
        }

    def call(self, operation: str, request: Record) -> Record:
        """Run one operation; ``ApiError`` is AWS's refusal."""
        if not known_operation(operation, _SERVICE):
            raise ApiError("UnknownOperationException", f"{operation} is not an operation of {_SERVICE}")
        check_request(operation, request, _SERVICE)
        handler = self._operations.get(operation)
        if handler is None:
            raise ApiError(
                "UnknownOperationException", f"{operation} is not available in the local cloud", 501
            )
        with self._state.lock:
            return fit_answer(operation, handler(request), _SERVICE)

    # --- scalable targets

    def variants(self, endpoint: str) -> list[str]:
        """Return the variants of an endpoint that are scalable targets."""
        prefix = f"endpoint/{endpoint}/variant/"
        return [name.removeprefix(prefix) for name in list(self._state.targets) if name.startswith(prefix)]

    def dimensions(self) -> list[list[dict[str, str]]]:
        """Return the metric dimensions of all scalable targets."""
        return [variant_dimensions(*variant_of(target)) for target in list(self._state.targets.values())]

    def forget(self, endpoint: str) -> None:
        """Deregister all variants of an endpoint that is deleted."""
        with self._state.lock:
            for variant in self.variants(endpoint):
                self._remove_target(f"endpoint/{endpoint}/variant/{variant}")

    def _register(self, request: Record) -> Record:
        name = request["ResourceId"]
        if self._cloud.instances(*variant_of(request)) is None:
            raise invalid(f"The resource {name} does not exist, or has no instances.")
        known = self._state.targets.get(name, {})
        least, most = (request.get(member, known.get(member)) for member in ("MinCapacity", "MaxCapacity"))
        check_limits(least, most)
        new = {
            **{member: request[member] for member in SCOPE},
            "RoleARN": role_arn(self._cloud.account),
            "CreationTime": time.time(),
            "ScalableTargetARN": f"{self._arn(_SERVICE)}:scalable-target/{uuid.uuid4().hex}",
        }
        state = {**known.get("SuspendedState", _RUNNING), **request.get("SuspendedState", {})}
        self._state.targets[name] = {
            **new,
            **known,
            "MinCapacity": least,
            "MaxCapacity": most,
            "SuspendedState": state,
        }
        return {"ScalableTargetARN": self._state.targets[name]["ScalableTargetARN"]}

    def _deregister(self, request: Record) -> Record:
        variant_of(request)
        self._target(request)
        self._remove_target(request["ResourceId"])
        return {}

    def _remove_target(self, name: str) -> None:
        del self._state.targets[name]
        self._state.changes.pop(name, None)
        for arn in [arn for arn, policy in self._state.policies.items() if policy["ResourceId"] == name]:
            self._remove_policy(arn)

    def _target(self, request: Record) -> Record:
        if request["ResourceId"] not in self._state.targets:
            raise ApiError("ObjectNotFoundException", f"No scalable target registered for {_scope(request)}")
        return self._state.targets[request["ResourceId"]]

    def _describe_targets(self, request: Record) -> Record:
        wanted = request.get("ResourceIds")
        rows = [target for name, target in self._state.targets.items() if not wanted or name in wanted]
        return _page(rows, request, "ScalableTargets")

    # --- policies

    def _put_policy(self, request: Record) -> Record:
        endpoint, variant = variant_of(request)
        self._target(request)
        known = self._policy(request)
        request = {"PolicyType": known["PolicyType"], **request} if known else request
        check_policy(request)
        place = f"resource/sagemaker/{request['ResourceId']}:policyName/{request['PolicyName']}"
        policy = {
            "PolicyARN": f"{self._arn('autoscaling')}:scalingPolicy:{uuid.uuid4()}:{place}",
            "CreationTime": time.time(),
            **(known or {}),
            **request,
            "Alarms": [],
        }
        if known:
            self._remove_policy(known["PolicyARN"])
        self._state.policies[policy["PolicyARN"]] = policy
        if policy["PolicyType"] == "TargetTrackingScaling":
            policy["Alarms"] = self._watch(policy, endpoint, variant)
        return {"PolicyARN": policy["PolicyARN"], "Alarms": policy["Alarms"]}

    def _watch(self, policy: Record, endpoint: str, variant: str) -> list[Record]:
        alarms = tracking_alarms(policy, endpoint, variant, (str(uuid.uuid4()), str(uuid.uuid4())))
        for alarm in alarms:
            self._cloud.put_alarm(alarm)
        names = [alarm["AlarmName"] for alarm in alarms]
        return [{"AlarmName": name, "AlarmARN": f"{self._arn('cloudwatch')}:alarm:{name}"} for name in names]

    def _policy(self, request: Record) -> Record | None:
        name = (request["ResourceId"], request["PolicyName"])
        return next(
            (p for p in self._state.policies.values() if (p["ResourceId"], p["PolicyName"]) == name), None
        )

    def _delete_policy(self, request: Record) -> Record:
        variant_of(request)
        policy = self._policy(request)
        if policy is None:
            scope = f"{_scope(request)}, policy name: {request['PolicyName']}"
            raise ApiError("ObjectNotFoundException", f"No scaling policy found for {scope}")
        self._remove_policy(policy["PolicyARN"])
        return {}

    def _remove_policy(self, arn: str) -> None:
        if alarms := self._state.policies.pop(arn)["Alarms"]:
            self._cloud.delete_alarms([alarm["AlarmName"] for alarm in alarms])

    def _describe_policies(self, request: Record) -> Record:
        names = request.get("PolicyNames")
        rows = [
            p for p in _about(self._state.policies.values(), request) if not names or p["PolicyName"] in names
        ]
        return _page(rows, request, "ScalingPolicies")

    # --- activities

    def _describe_activities(self, request: Record) -> Record:
        return _page(_about(self._state.activities, request), request, "ScalingActivities")

    # --- from life to life

    def dump(self) -> Record:
        """Return what is to survive a restart."""
        state = self._state
        return {"targets": state.targets, "policies": state.policies, "activities": state.activities}

    def load(self, state: Record) -> None:
        """Take over what an earlier life left."""
        self._state.targets |= state["targets"]
        self._state.policies |= state["policies"]
        self._state.activities += state["activities"]

    def _arn(self, service: str) -> str:
        return f"arn:aws:{service}:{self._cloud.region}:{self._cloud.account}"


def _about(rows: Any, request: Record) -> list[Record]:
    wanted = request.get("ResourceId")
    return [row for row in rows if wanted in (None, row["ResourceId"])]


def _page(rows: list[Record], request: Record, member: str) -> Record:
    if request["ServiceNamespace"] != "sagemaker" or request.get("ScalableDimension") not in (
        None,
        DIMENSION,
    ):
        rows = []
    return page_of(rows, {"MaxResults": _PAGE, **request}, member)


def _scope(request: Record) -> str:
    names = ("service namespace", "resource ID", "scalable dimension")
    return ", ".join(f"{name}: {request[member]}" for name, member in zip(names, SCOPE, strict=True))
