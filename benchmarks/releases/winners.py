"""How often a planted winner is found within two weeks, and how soon."""

from __future__ import annotations

import sys

import numpy as np

from benchmarks.releases.traffic import KINDS, SHARES, Kind, release

RUNS, DAYS = 200, 14
PLANTED = {
    "mistakes": (5_000, 0.10),
    "rare_mistakes": (20_000, 0.20),
    "rare_brier": (20_000, 0.20),
    "absolute_errors": (5_000, 0.05),
    "heavy_tails": (5_000, 0.10),
    "users": (5_000, 0.10),
}
"""Labelled requests a day, and by which share the challenger loses less."""


def measure() -> dict[str, object]:
    """Return by kind and share how many of the releases find the winner, their median number of days, and wrong picks."""
    power: dict[str, float] = {}
    days: dict[str, float | None] = {}
    wrong = 0
    for name, (requests, better) in PLANTED.items():
        for share in SHARES:
            print(f"a winner by {better:.0%}, {name}, share {share} …", file=sys.stderr)
            key = f"{name}_{share:.0%}".rstrip("%")
            power[key], days[key], worse = found(KINDS[name], share, requests, better)
            wrong += worse
    return {"power": power, "days_to_decide": days, "winners_withdrawn": wrong}


def found(kind: Kind, share: float, requests: int, better: float) -> tuple[float, float | None, int]:
    """Return how many of the releases find the winner, the median days that takes, and how many withdraw it."""
    runs = [
        release(
            kind, np.random.default_rng([seed, 7]), share=share, better=better, looks=DAYS, requests=requests
        )
        for seed in range(RUNS)
    ]
    won = [run.looks for run in runs if run.verdict == "better"]
    return (
        len(won) / RUNS,
        float(np.median(won)) if won else None,
        sum(run.verdict == "worse" for run in runs),
    )
