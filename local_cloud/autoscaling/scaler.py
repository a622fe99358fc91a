"""What happens when an alarm calls a scaling policy."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from local_cloud.autoscaling.decisions import NO_CHANGE, Change, Direction, Limits, decide, stepped, tracked
from local_cloud.autoscaling.requests import SCOPE, Record, variant_of
from local_cloud.sagemaker.errors import ApiError

_COOLDOWN_S = 300
_MOST_ACTIVITIES = 500


class Cloud(Protocol):
    """What scaling needs of the cloud around it."""

    account: str
    region: str

    def instances(self, endpoint: str, variant: str) -> int | None:
        """Return how many instances a variant is to have; None if there is no such variant on instances."""
        ...

    def resize(self, endpoint: str, variant: str, count: int) -> None:
        """Begin to change that; ``ApiError`` while the endpoint cannot be changed."""
        ...

    def put_alarm(self, request: Record) -> None:
        """Make an alarm."""
        ...

    def delete_alarms(self, names: list[str]) -> None:
        """Delete alarms."""
        ...


@dataclass
class State:
    """What is registered, and what has been done.

    Parameters
    ----------
    targets : dict of str to Record
        Scalable targets, by resource id.
    policies : dict of str to Record
        By ARN.
    activities : list of Record
        The newest first.
    changes : dict of str to Change
        The last one of each target.
    """

    targets: dict[str, Record] = field(default_factory=dict)
    policies: dict[str, Record] = field(default_factory=dict)
    activities: list[Record] = field(default_factory=list)
    changes: dict[str, Change] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)


class Scaler:
    """Changes the number of instances as policies say."""

    def __init__(self, state: State, cloud: Cloud, clock: Callable[[], float]) -> None:
        self._state, self._cloud, self._clock = state, cloud, clock

    def invoke(self, policy_arn: str, alarm: str, metric: float, threshold: float) -> None:
        """Do what a policy says about a metric that has crossed the threshold of an alarm."""
        with self._state.lock:
            policy = self._state.policies.get(policy_arn)
            if policy is None:
                return
            name = policy["ResourceId"]
            target, (endpoint, variant) = self._state.targets[name], variant_of(policy)
            current = self._cloud.instances(endpoint, variant)
            if current is None:
                return
            wanted = decide(
                _rule(policy, metric, threshold),
                current,
                Limits(target["MinCapacity"], target["MaxCapacity"]),
                self._state.changes.get(name, NO_CHANGE),
                self._clock(),
            )
            if wanted != current and not _is_suspended(target, current, wanted):
                self._change(policy, alarm, current, wanted)

    def _change(self, policy: Record, alarm: str, current: int, wanted: int) -> None:
        target = self._state.targets[policy["ResourceId"]]
        cause = f"monitor alarm {alarm} in state ALARM triggered policy {policy['PolicyName']}"
        try:
            self._cloud.resize(*variant_of(target), wanted)
        except ApiError as refused:
            if "in-progress" not in str(refused):  # else it is being changed now: the alarm calls again
                self._note(
                    target,
                    wanted,
                    cause,
                    "Failed",
                    f"Failed to set desired instance count to {wanted}. {refused}",
                )
            return
        direction: Direction = "out" if wanted > current else "in"
        until = self._clock() + _cooldown_s(policy, direction)
        self._state.changes[policy["ResourceId"]] = Change(direction, current, until)
        done = f"Successfully set desired instance count to {wanted}. Change successfully fulfilled by sagemaker."
        self._note(target, wanted, cause, "Successful", done)

    def _note(self, target: Record, wanted: int, cause: str, code: str, message: str) -> None:
        now = time.time()
        activity = {
            **{member: target[member] for member in SCOPE},
            "ActivityId": str(uuid.uuid4()),
            "Description": f"Setting desired instance count to {wanted}.",
            "Cause": cause,
            "StartTime": now,
            "EndTime": now,
            "StatusCode": code,
            "StatusMessage": message,
        }
        self._state.activities.insert(0, activity)
        del self._state.activities[_MOST_ACTIVITIES:]


def _rule(policy: Record, metric: float, threshold: float) -> Callable[[int], int]:
    if policy["PolicyType"] == "StepScaling":
        steps = policy["StepScalingPolicyConfiguration"]
        return lambda current: stepped(current, metric - threshold, steps)
    target = policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"]
    return lambda current: tracked(current, metric, target)


def _cooldown_s(policy: Record, direction: Direction) -> float:
    if policy["PolicyType"] == "StepScaling":
        return float(policy["StepScalingPolicyConfiguration"].get("Cooldown", _COOLDOWN_S))
    member = "ScaleOutCooldown" if direction == "out" else "ScaleInCooldown"
    return float(policy["TargetTrackingScalingPolicyConfiguration"].get(member, _COOLDOWN_S))


def _is_suspended(target: Record, current: int, wanted: int) -> bool:
    state = target["SuspendedState"]
    return bool(state["DynamicScalingOutSuspended" if wanted > current else "DynamicScalingInSuspended"])
