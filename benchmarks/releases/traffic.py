"""Losses of two models on requests that chance shares between them, of several kinds, and what looks at them decide."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from headrace.ml.arrays import Flags, Floats
from headrace.ml.release.sequential import Split

Rng = np.random.Generator
Losses = Callable[[Rng, Flags, float], Floats]
"""Of requests, given which of them the challenger answers and how much less it loses, as a share of the champion's loss."""

ERROR = 0.05


@dataclass(frozen=True)
class Kind:
    """One kind of loss.

    Parameters
    ----------
    losses : callable
        Draws them.
    bounded : bool
        Whether they are at most 1 by themselves.
    """

    losses: Losses
    bounded: bool = True


def mistakes(rng: Rng, new: Flags, better: float) -> Floats:
    """Two answers of ten are wrong."""
    return (rng.random(len(new)) < 0.2 * np.where(new, 1 - better, 1)).astype(np.float64)


def rare_mistakes(rng: Rng, new: Flags, better: float) -> Floats:
    """Two answers of a hundred are wrong."""
    return (rng.random(len(new)) < 0.02 * np.where(new, 1 - better, 1)).astype(np.float64)


def rare_brier(rng: Rng, new: Flags, better: float) -> Floats:
    """Squared errors of probabilities; two rows of a hundred are positive."""
    chance = rng.beta(0.2, 9.8, len(new))
    positive = rng.random(len(new)) < chance
    return np.square(positive - chance) * np.where(new, 1 - better, 1)


def absolute_errors(rng: Rng, new: Flags, better: float) -> Floats:
    """Of a regression with normal errors."""
    return np.abs(rng.normal(0, 1, len(new))) * np.where(new, 1 - better, 1)


def heavy_tails(rng: Rng, new: Flags, better: float) -> Floats:
    """Squared errors that have no mean: Student's law with two degrees of freedom."""
    errors = rng.standard_t(2, len(new)) * np.sqrt(np.where(new, 1 - better, 1))
    return np.square(errors)


def users(rng: Rng, new: Flags, better: float) -> Floats:
    """Twenty requests of each user; half of what makes them wrong is the user."""
    count = -(-len(new) // 20)
    hard = np.repeat(rng.beta(0.4, 1.6, count), 20)[: len(new)]
    return (rng.random(len(new)) < hard * np.where(new, 1 - better, 1)).astype(np.float64)


KINDS = {
    "mistakes": Kind(mistakes),
    "rare_mistakes": Kind(rare_mistakes),
    "rare_brier": Kind(rare_brier),
    "absolute_errors": Kind(absolute_errors, bounded=False),
    "heavy_tails": Kind(heavy_tails, bounded=False),
    "users": Kind(users),
}
SHARES = (0.5, 0.1)


@dataclass(frozen=True)
class Run:
    """One A/B release.

    Parameters
    ----------
    verdict : str
        The first that is not ``open``, or that.
    looks : int
        How many it took.
    fixed : bool
        Whether a test of two means at 5 %, made at each look as if it were the only one, ever found a difference.
    """

    verdict: str
    looks: int
    fixed: bool


def release(kind: Kind, rng: Rng, *, share: float, better: float, looks: int, requests: int) -> Run:
    """Simulate one release with so many labelled requests between two looks."""
    new = rng.random(looks * requests) < share
    losses = kind.losses(rng, new, better)
    split, fixed = Split(share, kind.bounded), False
    for look, (start, end) in enumerate(pairwise(range(0, len(new) + 1, requests)), 1):
        part, theirs = losses[start:end], new[start:end]
        split = split.add(part[~theirs], part[theirs])
        fixed = fixed or _differ(losses[:end], new[:end])
        verdict = split.verdict(ERROR)
        if verdict != "open":
            return Run(verdict, look, fixed)
    return Run("open", looks, fixed)


def _differ(losses: Floats, new: Flags) -> bool:
    """Tell whether a z-test of two means finds a difference at 5 %."""
    means: Sequence[float] = [float(part.mean()) for part in (losses[~new], losses[new])]
    errors = [float(part.var() / len(part)) for part in (losses[~new], losses[new])]
    return abs(means[0] - means[1]) > 1.96 * math.sqrt(sum(errors))
