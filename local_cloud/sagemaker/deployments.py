"""Deployment guardrails: how requests move from the old fleet (blue) to the new one (green), and when they move back.

References
----------
.. [1] SageMaker API reference, "DeploymentConfig", "TrafficRoutingConfig" and "CapacitySize".
.. [2] SageMaker developer guide, "Deployment guardrails for updating models in production", with "Exclusions" and
       "Auto-Rollback Configuration and Monitoring".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from local_cloud.clock import Clock
from local_cloud.sagemaker.errors import JobError, invalid
from local_cloud.sagemaker.records import Record

_POLL_S = 15.0  # of AWS's seconds; AWS evaluates alarms of less than a minute every ten
_SIZES = {"CANARY": ("CanarySize", 0), "LINEAR": ("LinearStepSize", 10)}
_LARGEST_PERCENT = 50
_TIMEOUT_S = 28_800


@dataclass(frozen=True)
class Step:
    """One move of requests to the new fleet, and the baking that follows.

    Parameters
    ----------
    share : float
        Of the requests that the new fleet gets from now on, in (0, 1].
    capacity : str
        How AWS calls that share of the fleet: ``canary``, ``partial`` or ``full``.
    wait : str
        Member of the deployment's configuration that says how long it bakes.
    wait_s : float
        Of AWS's seconds.
    """

    share: float
    capacity: str
    wait: str
    wait_s: float

    def instances(self, count: int) -> int:
        """Return how many of a variant's instances take part."""
        return math.ceil(self.share * count)


@dataclass(frozen=True)
class Guardrails:
    """What a deployment goes through.

    Parameters
    ----------
    steps : sequence of Step
        In their order; the last one moves all requests.
    alarms : sequence of str
        Names of the alarms that end it.
    timeout_s : float
        Of AWS's seconds.
    """

    steps: Sequence[Step]
    alarms: Sequence[str]
    timeout_s: float

    def go_through(
        self, take: Callable[[Step], None], ringing: Callable[[Sequence[str]], list[str]], clock: Clock
    ) -> None:
        """Take every step and bake after it.

        Parameters
        ----------
        take : callable
            Moves the requests.
        ringing : callable
            Returns which of these alarms are in the state ``ALARM``.
        clock : Clock
            By which is waited.

        Raises
        ------
        JobError
            As soon as an alarm goes off or the time is up: the requests are to move back.
        """
        deadline = clock.now() + self.timeout_s
        self._look(ringing, clock, deadline)
        for step in self.steps:
            take(step)
            end = clock.now() + step.wait_s
            while (left := end - clock.now()) > 0:
                clock.wait(min(left, _POLL_S))
                self._look(ringing, clock, deadline)

    def _look(self, ringing: Callable[[Sequence[str]], list[str]], clock: Clock, deadline: float) -> None:
        if self.alarms and (names := ringing(self.alarms)):
            raise JobError(f"The deployment was rolled back: {', '.join(names)} went into ALARM state.")
        if clock.now() > deadline:
            raise JobError(
                f"The deployment was rolled back: it took longer than {self.timeout_s:.0f} seconds."
            )


def guardrails(deployment: Record, old: Iterable[Record], new: Sequence[Record]) -> Guardrails:
    """Return what a ``DeploymentConfig`` means for an update from these variants to those.

    Raises
    ------
    ApiError
        ``ValidationException``, if it contradicts itself, or does not fit the variants.

    Examples
    --------
    >>> routing = {"Type": "CANARY", "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 25},
    ...            "WaitIntervalInSeconds": 600}
    >>> policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 300}
    >>> variants = [{"VariantName": "a", "InitialInstanceCount": 4}]
    >>> [(step.share, step.wait_s) for step in guardrails({"BlueGreenUpdatePolicy": policy}, variants, variants).steps]
    [(0.25, 600), (1.0, 300)]
    """
    _check_variants([variant["VariantName"] for variant in old], new)
    if "RollingUpdatePolicy" in deployment:
        raise invalid("RollingUpdatePolicy is not available in the local cloud: use BlueGreenUpdatePolicy.")
    policy = deployment.get("BlueGreenUpdatePolicy", {})
    steps = _steps(policy, [variant["InitialInstanceCount"] for variant in new])
    timeout_s = policy.get("MaximumExecutionTimeoutInSeconds", _TIMEOUT_S)
    if timeout_s <= sum(step.wait_s for step in steps):
        raise invalid(
            "MaximumExecutionTimeoutInSeconds must be larger than the total waiting time specified in "
            "TerminationWaitInSeconds and WaitIntervalInSeconds."
        )
    alarms = deployment.get("AutoRollbackConfiguration", {}).get("Alarms", [])
    return Guardrails(steps, [alarm["AlarmName"] for alarm in alarms], timeout_s)


def _check_variants(old: Sequence[str], new: Sequence[Record]) -> None:
    if any("ServerlessConfig" in variant for variant in new):
        raise invalid("DeploymentConfig is not supported for serverless endpoints.")
    names = [variant["VariantName"] for variant in new]
    if set(old) != set(names):
        raise invalid(
            "With a DeploymentConfig, the new endpoint configuration must have the same variant names as the old "
            f"one ({', '.join(sorted(old))}), and it has {', '.join(sorted(names))}."
        )


def _steps(policy: Record, counts: Sequence[int]) -> list[Step]:
    routing = policy.get("TrafficRoutingConfiguration", {"Type": "ALL_AT_ONCE"})
    last = Step(1.0, "full", "TerminationWaitInSeconds", policy.get("TerminationWaitInSeconds", 0))
    if routing["Type"] == "ALL_AT_ONCE":
        return [last]
    share, wait_s = _first_share(routing, counts), routing["WaitIntervalInSeconds"]
    if routing["Type"] == "CANARY":
        return [Step(share, "canary", "WaitIntervalInSeconds", wait_s), last]
    moves = math.ceil(round(1 / share, 6))
    return [
        *(Step(i * share, "partial", "WaitIntervalInSeconds", wait_s) for i in range(1, moves)),
        last,
    ]


def _first_share(routing: Record, counts: Sequence[int]) -> float:
    """Return the share of requests that the first step moves."""
    member, smallest = _SIZES[routing["Type"]]
    if member not in routing:
        raise invalid(f"{member} is required for traffic routing of type {routing['Type']}.")
    size = routing[member]
    fewest = min(counts)
    percent = size["Value"] if size["Type"] == "CAPACITY_PERCENT" else 100 * size["Value"] / fewest
    if not smallest <= percent <= _LARGEST_PERCENT:
        raise invalid(
            f"{member} must be {f'from {smallest} to' if smallest else 'at most'} {_LARGEST_PERCENT} percent of the "
            f"variant's total instance count ({fewest})."
        )
    return float(percent / 100)
