"""Whether quality has dropped: by more than is tolerated, and by more than luck explains."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from headrace.ml.metrics import LOWER_IS_BETTER

Verdict = Literal["drop", "no drop", "not enough labels", "not enough data"]

SHARE_TOLERATED = 0.1
"""Of what the model is better than the best constant answer; tolerated unless the pipeline file says otherwise."""

SIGNIFICANT_P = 0.001
"""A drop counts if luck alone gives it less than once in 1,000 windows."""

SIGNIFICANT_Z = 3.090232306167813
"""The same in standard deviations."""

_ALMOST = 0.99


@dataclass(frozen=True)
class Comparison:
    """Quality of a window against that of the reference.

    Parameters
    ----------
    metric : str
        Name.
    reference, value : float
        In the metric's unit.
    drop : float
        How much worse the window is, in the metric's unit; negative where it is better.
    tolerated : float
        The smallest drop that counts, in the metric's unit.
    sd : float
        Standard deviation of the drop, in the metric's unit.
    p_value : float
        Probability of so large a drop by luck, one-sided, times the number of drops that are looked for together.
    ratio : float
        The drop in units of what is tolerated; below 1 as long as it is not significant, so 1 or more is an alarm.
    dropped : bool
        Whether the drop is at least what is tolerated, and significant.
    """

    metric: str
    reference: float
    value: float
    drop: float
    tolerated: float
    sd: float
    p_value: float
    ratio: float
    dropped: bool

    @property
    def verdict(self) -> Verdict:
        """In words."""
        return "drop" if self.dropped else "no drop"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self) | {"verdict": self.verdict}


def compare_quality(
    metric: str, reference: float, value: float, *, sd: float, tolerated: float, tests: int = 1
) -> Comparison:
    """Compare a window with the reference.

    Parameters
    ----------
    metric : str
        Tells which way is better.
    reference, value : float
        In the metric's unit.
    sd : float
        Standard deviation of their difference, in the metric's unit.
    tolerated : float
        The smallest drop that counts, above 0, in the metric's unit.
    tests : int
        How many drops are looked for together.

    Examples
    --------
    >>> compare_quality("roc_auc", 0.90, 0.84, sd=0.01, tolerated=0.04).dropped
    True
    >>> unsure = compare_quality("roc_auc", 0.90, 0.84, sd=0.03, tolerated=0.04)
    >>> unsure.dropped, unsure.ratio
    (False, 0.99)
    """
    drop = value - reference if metric in LOWER_IS_BETTER else reference - value
    z = drop / sd if sd > 0 else math.copysign(math.inf, drop) if drop else 0.0
    p_value = min(1.0, tests * 0.5 * math.erfc(z / math.sqrt(2)))
    significant = p_value < SIGNIFICANT_P
    ratio = drop / tolerated
    return Comparison(
        metric,
        reference,
        value,
        drop,
        tolerated,
        sd,
        p_value,
        ratio=ratio if significant else min(ratio, _ALMOST),
        dropped=significant and ratio >= 1,
    )


def tolerated_drop(metric: str, level: float, constant: float | None, declared: float | None) -> float:
    """Return the smallest drop that counts, in the metric's unit.

    As declared, or else a tenth of what the model is better than the best constant answer; of a model that is no better,
    a tenth of the level itself.

    Examples
    --------
    >>> round(tolerated_drop("roc_auc", 0.9, 0.5, None), 3)
    0.04
    >>> tolerated_drop("rmse", 40.0, 180.0, 5.0)
    5.0
    """
    if declared is not None:
        return declared
    if constant is not None:
        better = constant - level if metric in LOWER_IS_BETTER else level - constant
        if better > 0:
            return SHARE_TOLERATED * better
    return SHARE_TOLERATED * abs(level) or SHARE_TOLERATED
