"""Twenty columns of many shapes, and what is done to six of them when something drifts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from headrace.ml.column_schema import ColumnSchema

Rng = np.random.Generator
Cells = np.ndarray[Any, Any]
Frame = dict[str, Cells]


def _zipf(levels: int, power: float) -> np.ndarray[Any, Any]:
    weights = np.arange(1, levels + 1, dtype=float) ** -power
    shares: np.ndarray[Any, Any] = weights / weights.sum()
    return shares


NUMBERS: dict[str, Callable[[Rng, int], np.ndarray[Any, Any]]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "normal_too": lambda rng, n: rng.normal(size=n),
    "lognormal": lambda rng, n: rng.lognormal(size=n),
    "lognormal_too": lambda rng, n: rng.lognormal(size=n),
    "heavy_tails": lambda rng, n: rng.standard_t(3, n),
    "cauchy": lambda rng, n: rng.standard_cauchy(n),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "uniform": lambda rng, n: rng.random(n),
    "u_shaped": lambda rng, n: rng.beta(0.5, 0.5, n),
    "two_humps": lambda rng, n: rng.normal(size=n) + rng.choice([-3.0, 3.0], n),
    "counts": lambda rng, n: rng.poisson(4, n).astype(float),
    "rare_counts": lambda rng, n: rng.poisson(0.3, n).astype(float),
    "mostly_zero": lambda rng, n: rng.binomial(1, 0.3, n) * rng.exponential(2.0, n),
    "rounded": lambda rng, n: np.round(rng.normal(size=n), 1),
}
LEVELS: dict[str, np.ndarray[Any, Any]] = {
    "five": np.full(5, 0.2),
    "five_too": np.full(5, 0.2),
    "two": np.array([0.6, 0.4]),
    "rare_flag": np.array([0.98, 0.02]),
    "twelve": _zipf(12, 1.0),
    "fifty": _zipf(50, 1.5),
}
SCHEMA = [ColumnSchema(name, "number") for name in NUMBERS] + [
    ColumnSchema(name, "category") for name in LEVELS
]

LOGNORMAL_SD = float(np.sqrt((np.e - 1) * np.e))
SHIFTS = {
    "normal": "n.10",
    "normal_too": "n.25",
    "lognormal": "l.10",
    "lognormal_too": "l.25",
    "five": "c.05",
    "five_too": "c.10",
}
"""The columns that drift, and the names of their drifts: mean + 0.10 and 0.25 standard deviations, 5 and 10 points of mass."""


def draw(rng: Rng, rows: int) -> Frame:
    """Return rows without drift."""
    frame: Frame = {name: make(rng, rows) for name, make in NUMBERS.items()}
    for name, shares in LEVELS.items():
        names = np.array([f"level {index}" for index in range(len(shares))], dtype=object)
        frame[name] = names[rng.choice(len(shares), rows, p=shares)]
    return frame


def drifted(rng: Rng, frame: Frame) -> Frame:
    """Return the rows with all six drifts, one in each of six columns."""
    return frame | {
        "normal": frame["normal"] + 0.10,
        "normal_too": frame["normal_too"] + 0.25,
        "lognormal": frame["lognormal"] + 0.10 * LOGNORMAL_SD,
        "lognormal_too": frame["lognormal_too"] + 0.25 * LOGNORMAL_SD,
        "five": _moved(rng, frame["five"], 0.05),
        "five_too": _moved(rng, frame["five_too"], 0.10),
    }


def _moved(rng: Rng, levels: np.ndarray[Any, Any], share: float) -> np.ndarray[Any, Any]:
    """Move so many rows from one of the five levels to another."""
    moves = (levels == "level 0") & (rng.random(len(levels)) < share / 0.2)
    return np.where(moves, "level 1", levels)
