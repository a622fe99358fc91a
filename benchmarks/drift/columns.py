"""Columns of many shapes, the same for the same seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.ml.column_schema import ColumnSchema

SHAPES = 5
LEVELS = (2, 5, 20, 50, 500)


def schema(numbers: int, categories: int) -> list[ColumnSchema]:
    """Return names and kinds of so many columns."""
    return [
        *(ColumnSchema(f"number_{place}", "number") for place in range(numbers)),
        *(ColumnSchema(f"category_{place}", "category") for place in range(categories)),
    ]


def numbers(place: int, rows: int, seed: int) -> np.ndarray[Any, Any]:
    """Return one numeric column: normal, lognormal, uniform, counts or mostly zeros, each in turn."""
    rng = np.random.default_rng([seed, place])
    made = (
        lambda: rng.normal(100, 3, rows),
        lambda: rng.lognormal(0, 1, rows),
        lambda: rng.random(rows),
        lambda: rng.poisson(5, rows).astype(np.float64),
        lambda: np.where(rng.random(rows) < 0.7, 0.0, rng.exponential(2, rows)),  # noqa: PLR2004
    )
    return made[place % SHAPES]()


def categories(place: int, rows: int, seed: int) -> np.ndarray[Any, Any]:
    """Return one column of 2 to 500 categories, the first the most frequent."""
    rng = np.random.default_rng([seed, 1000 + place])
    levels = LEVELS[place % len(LEVELS)]
    weights = 1.0 / np.arange(1, levels + 1)
    names = np.array([f"level {index}" for index in range(levels)], dtype=object)
    return names[rng.choice(levels, rows, p=weights / weights.sum())]


def window(numeric: int, categorical: int, rows: int, seed: int) -> dict[str, np.ndarray[Any, Any]]:
    """Return all columns of `schema`."""
    return {
        **{f"number_{place}": numbers(place, rows, seed) for place in range(numeric)},
        **{f"category_{place}": categories(place, rows, seed) for place in range(categorical)},
    }
