"""Rows of every kind of column, few enough to learn in milliseconds."""

import numpy as np

from headrace.ml.column_schema import ColumnSchema
from sagemaker_jobs.parts import Part

SCHEMA = (
    ColumnSchema("temp", "number"),
    ColumnSchema("season", "category"),
    ColumnSchema("wind", "number"),
    ColumnSchema("holiday", "boolean"),
    ColumnSchema("at", "datetime"),
    ColumnSchema("road", "category"),
    ColumnSchema("nothing", "number"),
    ColumnSchema("never", "datetime"),
    ColumnSchema("no_word", "category"),
)

EMPTY = ("nothing", "never", "no_word")


def part(problem="regression", rows=240, seed=0):
    """Return rows with gaps; three columns have no value at all, and one has more categories than are told apart."""
    rng = np.random.default_rng(seed)
    temp, wind, holiday = rng.normal(10, 5, rows), rng.gamma(2, 3, rows), (rng.random(rows) < 0.2) * 1.0
    season = rng.choice(np.array(["winter", "spring", "fall", "été"], dtype=object), rows)
    road = np.array([f"road {number}" for number in rng.integers(0, 320, rows)], dtype=object)
    at = np.datetime64("1999-11-28T22:15", "us") + np.arange(rows) * np.timedelta64(7, "h")
    rides = 10 * temp + 40 * (season == "spring") - 60 * holiday + rng.normal(0, 5, rows)
    labels = {
        "binary": np.where(rides > 100, "yes", "no"),
        "multiclass": np.select([rides < 50, rides < 150], ["low", "middle"], "high"),
        "regression": rides,
    }
    temp[rng.random(rows) < 0.1] = np.nan
    holiday[rng.random(rows) < 0.1] = np.nan
    season[rng.random(rows) < 0.1] = None
    at[rng.random(rows) < 0.1] = np.datetime64("NaT")
    columns = {
        "temp": temp,
        "season": season,
        "wind": wind,
        "holiday": holiday,
        "at": at,
        "road": road,
        "nothing": np.full(rows, np.nan),
        "never": np.full(rows, np.datetime64("NaT"), dtype="datetime64[us]"),
        "no_word": np.full(rows, None, dtype=object),
    }
    return Part(columns, labels[problem])
