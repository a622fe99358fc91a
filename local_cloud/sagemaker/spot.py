"""Managed spot training: what it asks of a request, when instances are taken back, and what they cost.

References
----------
.. [1] SageMaker developer guide, "Managed Spot Training in Amazon SageMaker AI" and "Managed Spot Training Lifecycle".
.. [2] SageMaker API reference, "StoppingCondition".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_cloud.sagemaker.errors import invalid

AT_CHECKPOINT = "checkpoint"
"""The setting that takes instances back once they have stored a checkpoint."""
CAPACITY_S = 120
"""AWS's seconds until there are instances again."""
_PRICE = 0.3
"""Of a spot instance, as a share of an on-demand one: prices move, and may be a tenth."""
_INVALID = "Invalid MaxWaitTimeInSeconds. It "


def check_waiting(request: Mapping[str, Any]) -> None:
    """Refuse, in AWS's words, a waiting time that does not fit the kind of instances."""
    condition = request.get("StoppingCondition", {})
    wait, runtime = condition.get("MaxWaitTimeInSeconds"), condition.get("MaxRuntimeInSeconds", 0)
    if not request.get("EnableManagedSpotTraining"):
        if wait is not None:
            raise invalid(f"{_INVALID}is only supported when EnableManagedSpotTraining is set to true")
    elif wait is None or wait < runtime:
        raise invalid(f"{_INVALID}must be present and be greater than or equal to MaxRuntimeInSeconds")


def billed_s(trained_s: float, *, spot: bool) -> int:
    """Return ``BillableTimeInSeconds`` of so many seconds of training.

    Examples
    --------
    >>> billed_s(100, spot=False), billed_s(100, spot=True)
    (100, 30)
    """
    return round(trained_s * _PRICE) if spot else round(trained_s)


class Interruptions:
    """When the instances of one job are taken back.

    Parameters
    ----------
    when : str
        After so many seconds of each run, or ``checkpoint``; empty for never.
    times : int
        How often at most.

    Examples
    --------
    >>> once = Interruptions("2.5", 1)
    >>> once.due(2.0, 0), once.due(3.0, 0), once.due(3.0, 0)
    (False, True, False)
    """

    def __init__(self, when: str, times: int) -> None:
        self._when, self._left = when, times if when else 0

    def due(self, trained_s: float, checkpoints: int) -> bool:
        """Tell whether a run is interrupted now, having trained so long and stored so many files."""
        if not self._left:
            return False
        due = checkpoints > 0 if self._when == AT_CHECKPOINT else trained_s >= float(self._when)
        self._left -= due
        return due
