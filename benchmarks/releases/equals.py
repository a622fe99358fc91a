"""How often one of two equal models is picked, at any of 28 looks."""

from __future__ import annotations

import sys

import numpy as np

from benchmarks.releases.traffic import KINDS, SHARES, Kind, release

RUNS, LOOKS, REQUESTS = 1000, 28, 500


def measure() -> dict[str, object]:
    """Return the share of releases of equal models in which one of them is picked, by kind of loss and share."""
    picked, fixed = {}, {}
    for name, kind in KINDS.items():
        for share in SHARES:
            print(f"equal models, {name}, share {share} …", file=sys.stderr)
            key = f"{name}_{share:.0%}".rstrip("%")
            picked[key], fixed[key] = false_picks(kind, share, runs=RUNS)
    return {
        "false_picks": picked,
        "false_picks_max": max(picked.values()),
        "false_picks_by_a_test_at_each_look": fixed,
    }


def false_picks(kind: Kind, share: float, *, runs: int, looks: int = LOOKS) -> tuple[float, float]:
    """Return the share of releases in which a model is picked, and that in which a test made at each look would do so."""
    found = [
        release(
            kind,
            np.random.default_rng([seed, int(share * 100)]),
            share=share,
            better=0.0,
            looks=looks,
            requests=REQUESTS,
        )
        for seed in range(runs)
    ]
    return (
        sum(run.verdict != "open" for run in found) / runs,
        sum(run.fixed for run in found) / runs,
    )
