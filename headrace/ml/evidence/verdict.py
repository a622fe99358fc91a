"""Says in a sentence whether a model has learnt too little, too much, or what there is to learn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from headrace.ml.arrays import Floats, Labels
from headrace.ml.contract import Problem
from headrace.ml.metrics import LOWER_IS_BETTER, Predictions, measure_one

State = Literal["underfit", "overfit", "sound", "unknown"]

LARGEST_LOSS = 1 / 3
"""Which share of what a model gains on its training rows, beyond a model that knows no features, may be lost on others."""

_STILL_GROWING = 0.1


@dataclass(frozen=True)
class Measured:
    """A metric of one part.

    Parameters
    ----------
    value : float
        In the metric's unit.
    low, high : float
        The middle 95 % over resampled rows.
    """

    value: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Half of the interval's width."""
        return (self.high - self.low) / 2


@dataclass(frozen=True)
class Rival:
    """What another estimator is worth on the same validation rows.

    Parameters
    ----------
    name : str
        ``linear``, or ``hist_gradient_boosting``.
    simpler : bool
        Whether it can learn less than the model, or more.
    better, low, high : float
        By how much it is better than the model, in the metric's unit, and the 95 % interval over resampled rows.
    """

    name: str
    simpler: bool
    better: float
    low: float
    high: float

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "name": self.name,
            "simpler": self.simpler,
            "better": self.better,
            "low": self.low,
            "high": self.high,
        }


@dataclass(frozen=True)
class Evidence:
    """All that a verdict rests on.

    Parameters
    ----------
    metric : str
        The decisive one.
    train, test : Measured
        On rows that were learnt, and on rows that were not.
    baseline : float
        On the test rows, of the best model that knows no features.
    curve : sequence of (int, float)
        Training rows, and the metric on the validation rows of a model of so many.
    rivals : sequence of Rival
        Other estimators.
    """

    metric: str
    train: Measured
    test: Measured
    baseline: float
    curve: Sequence[tuple[int, float]] = ()
    rivals: Sequence[Rival] = ()

    def gain(self, value: float, than: float) -> float:
        """Return by how much a value is better than another."""
        return than - value if self.metric in LOWER_IS_BETTER else value - than


@dataclass(frozen=True)
class Verdict:
    """What was found, and what to do."""

    state: State
    sentence: str

    def as_dict(self) -> dict[str, str]:
        """Return it as JSON has it."""
        return {"state": self.state, "sentence": self.sentence}


def judge(evidence: Evidence) -> Verdict:
    """Judge a model by its gaps.

    In this order: no better on the test rows than a model without features, beyond luck, is underfit. Losing more than a third
    of what is gained on the training rows, beyond luck, is overfit, as is a simpler estimator that does surely better. A richer
    estimator that does surely better is underfit. Anything else is sound. Luck is the 95 % interval over resampled rows; of a
    gap between independent parts, the root of the sum of both squares.

    Examples
    --------
    >>> learnt, unseen = Measured(0.99, 0.985, 0.995), Measured(0.71, 0.68, 0.74)
    >>> print(judge(Evidence("roc_auc", learnt, unseen, baseline=0.5)).sentence)
    overfit: roc_auc 0.71 on unseen rows and 0.99 on its training rows, so that 57 % of what it gains over a model without features (0.5) is lost; more rows, fewer or shallower trees, or stronger penalties help
    """
    test, train, metric = evidence.test, evidence.train, evidence.metric
    if not all(map(math.isfinite, (test.value, train.value, evidence.baseline, test.half, train.half))):
        return Verdict("unknown", f"unknown: {metric} has no value on one of the parts")
    seen = f"{metric} {test.value:.4g} on unseen rows and {train.value:.4g} on its training rows"
    blind = f"a model without features ({evidence.baseline:.4g})"
    gained, kept = (evidence.gain(part.value, evidence.baseline) for part in (train, test))
    if kept <= test.half:
        by_heart = gained > train.half and gained > 2 * max(kept, 0.0)
        learnt = ", which it has learnt by heart" if by_heart else ""
        return Verdict(
            "underfit",
            f"underfit: no better than {blind}, beyond luck: {seen}{learnt}; there is no signal in these features for it: add "
            "others, or rows",
        )
    gap, luck = evidence.gain(train.value, test.value), math.hypot(train.half, test.half)
    lost = gap / gained if gained > 0 else 0.0
    if gap > luck and lost > LARGEST_LOSS:
        return Verdict(
            "overfit",
            f"overfit: {seen}, so that {lost:.0%} of what it gains over {blind} is lost; more rows, fewer or shallower trees, or "
            "stronger penalties help".replace("%", " %"),
        )
    return _by_rivals(evidence, seen) or _sound(evidence, seen, gap, luck)


def _by_rivals(evidence: Evidence, seen: str) -> Verdict | None:
    sure = [rival for rival in evidence.rivals if rival.low > 0]
    if not sure:
        return None
    best = max(sure, key=lambda rival: rival.better)
    by = f"{best.name} is {best.better:.4g} better on the validation rows (95 %: {best.low:.3g} to {best.high:.3g})"
    if best.simpler:
        return Verdict("overfit", f"overfit: {seen}; the simpler {by}: take that, or a smaller model")
    return Verdict("underfit", f"underfit: {seen}; the richer {by}: take that, or add features")


def _sound(evidence: Evidence, seen: str, gap: float, luck: float) -> Verdict:
    within = (
        "within luck" if gap <= luck else f"less than {LARGEST_LOSS:.0%} of what it gains".replace("%", " %")
    )
    more = "; more rows would still help" if _still_growing(evidence) else ""
    return Verdict("sound", f"sound: {seen}, a gap of {gap:.3g}, {within}{more}")


def _still_growing(evidence: Evidence) -> bool:
    """Tell whether the last doubling of the rows has brought a tenth of all that is gained, and more than luck."""
    if len(evidence.curve) < 2:  # noqa: PLR2004
        return False
    (_, before), (_, last) = evidence.curve[-2:]
    brought = evidence.gain(last, before)
    return brought > max(_STILL_GROWING * evidence.gain(last, evidence.baseline), evidence.test.half)


def constant_answer(problem: Problem, target: Floats | Labels) -> float | dict[str, float]:
    """Return what a model without features answers: the mean of the target, or the shares of its labels, sorted.

    Examples
    --------
    >>> constant_answer("binary", np.array(["no", "yes", "no", "no"]))
    {'no': 0.75, 'yes': 0.25}
    """
    if problem == "regression":
        return float(np.mean(np.asarray(target, dtype=np.float64)))
    labels, counts = np.unique(np.asarray(target, dtype=str), return_counts=True)
    return {str(label): float(count / len(target)) for label, count in zip(labels, counts, strict=True)}


def baseline_value(
    problem: Problem, metric: str, truth: Floats | Labels, constant: float | Mapping[str, float]
) -> float:
    """Return what a constant answer is worth.

    Parameters
    ----------
    problem, metric : str
        What is measured.
    truth : ndarray of shape (n_rows,)
        Targets.
    constant : float or mapping
        As `constant_answer` returns it.

    Examples
    --------
    >>> baseline_value("regression", "mae", np.array([1.0, 3.0]), 2.0)
    1.0
    """
    if isinstance(constant, Mapping):
        shares = np.tile(np.array(list(constant.values())), (len(truth), 1))
        return measure_one(problem, metric, Predictions(truth, shares, tuple(constant)))
    return measure_one(problem, metric, Predictions(truth, np.full(len(truth), float(constant))))
