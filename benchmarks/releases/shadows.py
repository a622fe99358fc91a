"""Shadows: how often one of two equal models is called better or worse, and how many labels a difference takes."""

from __future__ import annotations

import sys

import numpy as np

from headrace.ml.arrays import Floats
from headrace.ml.release.shadow import Pairs

RUNS, LOOKS, REQUESTS = 1000, 20, 200
_WRONG, _OTHERWISE = 0.2, 0.05


def measure() -> dict[str, object]:
    """Return the share of shadows of equal models with a verdict, and the median of labels that a winner takes."""
    print("shadows …", file=sys.stderr)
    equal = [_looks(np.random.default_rng([seed, 1]), 0.0) for seed in range(RUNS)]
    better = [_looks(np.random.default_rng([seed, 2]), 0.1) for seed in range(200)]
    found = [requests for verdict, requests in better if verdict == "better"]
    return {
        "shadow_false_picks": sum(verdict != "open" for verdict, _ in equal) / RUNS,
        "shadow_power": len(found) / len(better),
        "shadow_labels_to_decide": float(np.median(found)) if found else None,
    }


def _looks(rng: np.random.Generator, better: float) -> tuple[str, int]:
    """Return the first verdict, and how many labelled requests it took: models are wrong on much the same rows."""
    pairs = Pairs(bounded=True)
    for look in range(1, LOOKS + 1):
        champion, challenger = _losses(rng, better)
        pairs = pairs.add(champion, challenger)
        verdict = pairs.judge(0.05).verdict
        if verdict != "open":
            return verdict, look * REQUESTS
    return "open", LOOKS * REQUESTS


def _losses(rng: np.random.Generator, better: float) -> tuple[Floats, Floats]:
    hard = rng.random(REQUESTS) < _WRONG
    spared = rng.random(REQUESTS) < _OTHERWISE + better
    strikes = ~hard & (rng.random(REQUESTS) < _OTHERWISE * _WRONG / (1.0 - _WRONG))
    return hard.astype(np.float64), ((hard & ~spared) | strikes).astype(np.float64)
