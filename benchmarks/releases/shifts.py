"""The rule on prediction shift: how often it withdraws a canary or a linear release of an equal model, and a shifted one."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np

from headrace.ml.arrays import Floats
from headrace.ml.profile import profile_frame
from headrace.ml.release.shift import Stratum, answers_of, find_shift, profile_answers, with_stratum

RUNS, REQUESTS = 300, 800
LINEAR = (0.25, 0.5, 0.75, 1.0)
LIMITS = (0.04, 0.25, 1.0)
"""In standard deviations; the first is as low as the drift check's, the last is the default."""

_TRAINED = np.random.default_rng(0).normal(0.0, 1.0, 5000)
_BINS = answers_of(profile_frame({}, [], predictions=_TRAINED))

Answers = Callable[[np.random.Generator, int, float], Floats]


def independent(rng: np.random.Generator, requests: int, hour: float) -> Floats:
    """One row in each request; what is asked moves with the hour."""
    return rng.normal(hour, 1.0, requests)


def alike(rng: np.random.Generator, requests: int, hour: float) -> Floats:
    """Five rows in each request that are much alike."""
    return (rng.normal(hour, 1.0, (requests, 1)) + rng.normal(0, 0.2, (requests, 5))).ravel()


KINDS: dict[str, Answers] = {"independent": independent, "alike": alike}


def measure() -> dict[str, object]:
    """Return the share of releases that are withdrawn: of equal models by limit, and of shifted ones."""
    print("prediction shift …", file=sys.stderr)
    false = {
        f"{name}_{limit:g}": share_withdrawn(answers, moved=0.0, limit=limit, runs=RUNS)
        for name, answers in KINDS.items()
        for limit in LIMITS
    }
    found = {
        f"{moved:g}": share_withdrawn(independent, moved=moved, limit=1.0, runs=100)
        for moved in (0.5, 1.5, 2.0)
    }
    return {
        "false_withdrawals": false,
        "false_withdrawals_max": max(false.values()),
        "shifted_withdrawn": found,
    }


def share_withdrawn(answers: Answers, *, moved: float, limit: float, runs: int) -> float:
    """Return the share of linear releases that are withdrawn at one of their looks."""
    return sum(_is_withdrawn(answers, moved, limit, seed) for seed in range(runs)) / runs


def _is_withdrawn(answers: Answers, moved: float, limit: float, seed: int) -> bool:
    rng, strata = np.random.default_rng([seed, 3]), tuple[Stratum, ...]()
    for step, share in enumerate(LINEAR):
        hour = rng.normal(0.0, 1.0)
        new = int(rng.binomial(REQUESTS, share))
        profiles = [
            profile_answers(_BINS, answers(rng, requests, hour) + by, []) if requests else None
            for requests, by in ((REQUESTS - new, 0.0), (new, moved))
        ]
        strata = with_stratum(strata, str(step))
        strata = (*strata[:-1], strata[-1].add(*profiles))
        if find_shift(strata, limit=limit, looks=len(LINEAR)).verdict == "shift":
            return True
    return False
