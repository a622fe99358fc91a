"""When a tuning job is over before it has run all of its training jobs.

References
----------
.. [1] SageMaker developer guide, "Track and set completion criteria for your tuning job".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

_IMPROVEMENT = 0.01
_CONVERGED_AFTER = 10


def not_improving(objectives: Iterable[float | None], maximize: bool) -> int:
    """Return how many of the latest trials did not improve the objective by a hundredth or more.

    Examples
    --------
    >>> not_improving([0.5, 0.9, 0.901, None, 0.4], maximize=True)
    3
    """
    sign, best, idle = 1 if maximize else -1, -math.inf, 0
    for objective in objectives:
        value = -math.inf if objective is None or math.isnan(objective) else sign * objective
        if value > best and (math.isinf(best) or value - best >= _IMPROVEMENT * abs(best)):
            best, idle = value, 0
        else:
            idle += 1
    return idle


def converged(objectives: list[float | None], maximize: bool) -> bool:
    """Tell whether a search has come to its end: ten trials, and a third of all, without an improvement.

    AWS does not say how it finds out; a lack of improvements of a hundredth is what it finds.
    """
    return not_improving(objectives, maximize) >= max(_CONVERGED_AFTER, len(objectives) // 3)


def fulfilled(criteria: Mapping[str, Any], objectives: list[float | None], maximize: bool) -> bool:
    """Tell whether one of the ``TuningJobCompletionCriteria`` is met by the objectives, in order."""
    target = criteria.get("TargetObjectiveMetricValue")
    if target is not None and any(_reaches(objective, target, maximize) for objective in objectives):
        return True
    idle = criteria.get("BestObjectiveNotImproving", {}).get("MaxNumberOfTrainingJobsNotImproving")
    if idle is not None and not_improving(objectives, maximize) >= idle:
        return True
    completes = criteria.get("ConvergenceDetected", {}).get("CompleteOnConvergence") == "Enabled"
    return completes and converged(objectives, maximize)


def _reaches(objective: float | None, target: float, maximize: bool) -> bool:
    if objective is None:
        return False
    return objective >= target if maximize else objective <= target
