import itertools
import json

import numpy as np
import pandas as pd
import pytest

from headrace.ml.column_schema import ColumnSchema
from headrace.ml.profile import Profile, merge_profiles, profile_frame
from headrace.ml.profile_bins import quantile_edges
from headrace.ml.profile_grid import Grid
from headrace.ml.profile_levels import MAX_LEVELS, distinct_count

SCHEMA = [
    ColumnSchema("temp", "number"),
    ColumnSchema("rain", "number"),
    ColumnSchema("season", "category"),
    ColumnSchema("holiday", "boolean"),
    ColumnSchema("at", "datetime"),
]


def rows(n, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "temp": rng.normal(10, 3, n),
            "rain": np.where(rng.random(n) < 0.7, 0.0, rng.exponential(2, n)),
            "season": rng.choice(["winter", "spring", "fall"], n, p=[0.5, 0.3, 0.2]),
            "holiday": rng.random(n) < 0.05,
            "at": pd.date_range("2011-01-01", periods=n, freq="h"),
        }
    )
    return frame.mask(rng.random(frame.shape) < 0.02)


def pieces(frame, count):
    bounds = np.linspace(0, len(frame), count + 1).astype(int)
    return [frame.iloc[start:end] for start, end in itertools.pairwise(bounds)]


def exact(profile):
    """Return all that does not depend on the order or the grouping of the rows."""
    return [
        (
            column.name,
            column.rows,
            column.missing,
            column.levels,
            column.edges.tolist(),
            column.counts.tolist(),
            column.minimum,
            column.maximum,
            column.whole,
            column.hashes,
        )
        for column in profile.columns
    ]


REFERENCE = profile_frame(rows(5000), SCHEMA, predictions=list(rows(2000)["season"]), scores=[0.5, 0.9])
WINDOW = rows(3001, seed=1)
ANSWERS = list(rows(3001, seed=2)["season"])
SCORES = np.random.default_rng(3).random(3001)


def window(part=slice(None)):
    return profile_frame(WINDOW[part], SCHEMA, predictions=ANSWERS[part], scores=SCORES[part], like=REFERENCE)


PARTS = [window(slice(start, start + 400)) for start in range(0, 3001, 400)]


def test_merged_parts_are_the_whole_to_the_last_count():
    whole, merged = window(), merge_profiles(PARTS)

    assert exact(merged) == exact(whole)
    assert merged.rows == 3001
    for one, other in zip(merged.columns, whole.columns, strict=True):
        figures = [0.0 if value is None else value for value in (one.mean, one.sd, other.mean, other.sd)]
        assert figures[:2] == pytest.approx(figures[2:], rel=1e-12)


def test_grouping_and_order_do_not_matter():
    a, b, c = PARTS[:3]

    left, right = merge_profiles([merge_profiles([a, b]), c]), merge_profiles([a, merge_profiles([b, c])])

    assert exact(left) == exact(right) == exact(merge_profiles([c, a, b]))


def test_an_empty_part_changes_nothing():
    empty = profile_frame(WINDOW[:0], SCHEMA, predictions=[], scores=[], like=REFERENCE)

    assert exact(merge_profiles([empty, PARTS[0], empty])) == exact(PARTS[0])


def test_parts_with_bins_of_their_own_are_cut_again():
    frame = rows(20_000, seed=4)
    merged = merge_profiles([profile_frame(part, SCHEMA[:2]) for part in pieces(frame, 13)])

    for column in merged.features:
        values = np.sort(frame[column.name].dropna().to_numpy())
        known = np.cumsum(column.counts)[:-1] / column.present
        real = np.searchsorted(values, column.edges, side="right") / len(values)
        assert np.max(np.abs(known - real)) < 1 / 256
        assert column.counts.sum() == column.present == len(values)
        assert len(column.edges) <= 520


def test_a_frequent_value_stays_a_jump_after_merging():
    merged = merge_profiles([profile_frame(rows(500, seed), SCHEMA[1:2]) for seed in range(8)]).features[0]
    zeros = sum((rows(500, seed)["rain"] == 0).sum() for seed in range(8))

    assert merged.counts[np.searchsorted(merged.edges, 0.0)] == zeros


def test_levels_of_parts_without_a_reference_come_together():
    schema = SCHEMA[2:3]
    merged = merge_profiles(
        [profile_frame({"season": list(seasons)}, schema) for seasons in (["fall"], ["spring", "fall"], [])]
    )

    assert merged.features[0].levels == ("fall", "spring")
    assert merged.features[0].counts.tolist() == [2, 1, 0]


def test_a_column_that_came_later_is_profiled_by_the_parts_that_have_it():
    old, new = profile_frame(rows(10), SCHEMA[:1]), profile_frame(rows(20), SCHEMA[:2])

    merged = merge_profiles([old, new])

    assert [(column.name, column.rows) for column in merged.features] == [("temp", 30), ("rain", 20)]


def test_a_column_of_two_kinds_is_named():
    number = profile_frame({"temp": [1.0]}, [ColumnSchema("temp", "number")])
    category = profile_frame({"temp": ["1"]}, [ColumnSchema("temp", "category")])

    with pytest.raises(ValueError, match="'temp' is a number in one profile and a category in another"):
        merge_profiles([number, category])
    with pytest.raises(ValueError, match="no profile"):
        merge_profiles([])


HOSTILE = {
    "all missing": [None] * 50,
    "constant": [7.0] * 50,
    "infinite": [1.0, np.inf, -np.inf, None] * 20,
    "huge integers": [10**400, 10**300, -(10**300), 3] * 20,
    "largest": [1.7e308, -1.7e308] * 30,
    "smallest": [5e-324, -5e-324, 0.0] * 30,
    "one row": [1.0],
    "empty": [],
}


@pytest.mark.parametrize("cells", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("like", [None, REFERENCE], ids=["alone", "like a reference"])
def test_hostile_numbers_are_profiled_and_merged(cells, like):
    cells = np.array(cells, dtype=object)
    halves = [profile_frame({"temp": part}, SCHEMA[:1], like=like) for part in (cells[::2], cells[1::2])]

    merged = merge_profiles([*halves, profile_frame({"temp": cells}, SCHEMA[:1], like=like)])

    column = merged.features[0]
    json.dumps(merged.as_dict(), allow_nan=False)
    assert column.rows == 2 * len(cells)
    assert column.counts.sum() == column.present
    assert np.all(column.counts >= 0)


def test_texts_of_any_script_are_levels():
    cells = ["Zürich", "東京", "\ud800", "", "nan", "🜁"] * 3

    column = profile_frame({"season": cells}, SCHEMA[2:3]).features[0]

    assert set(column.levels) == set(cells)


def test_very_many_levels_take_little_room():
    cells = [str(number) for number in range(200_000)]

    column = profile_frame({"season": cells}, SCHEMA[2:3]).features[0]

    assert len(column.levels) == MAX_LEVELS
    assert column.counts.sum() == 200_000
    assert distinct_count(column.hashes) == pytest.approx(200_000, rel=0.2)
    assert len(json.dumps(column.as_dict())) < 20_000


def test_a_profile_survives_its_journey_as_json():
    again = Profile.from_dict(json.loads(json.dumps(REFERENCE.as_dict())))

    assert again.as_dict() == REFERENCE.as_dict()
    assert exact(merge_profiles([again, REFERENCE])) == exact(merge_profiles([REFERENCE, REFERENCE]))


def test_a_profile_of_the_first_format_can_be_read():
    old = {
        "name": "temp",
        "kind": "number",
        "rows": 2,
        "missing": 0,
        "edges": [1.0],
        "levels": [],
        "counts": [1, 1],
        "mean": 1.5,
        "sd": 0.5,
        "inflation": 1.0,
        "missing_inflation": 1.0,
    }

    profile = Profile.from_dict({"format": 1, "rows": 2, "features": [old], "prediction": None})

    assert (profile.features[0].present, profile.score) == (2, None)


NUMBERS = np.random.default_rng(5)
SHAPES = {
    "normal": NUMBERS.normal(1e6, 1, 9000),
    "heavy tails": NUMBERS.standard_cauchy(9000),
    "whole": NUMBERS.integers(0, 60, 9000).astype(float),
    "mostly zero": np.where(NUMBERS.random(9000) < 0.9, 0.0, NUMBERS.exponential(2, 9000)),
    "next to each other": 1.0 + NUMBERS.integers(0, 300, 9000) * 2.0**-52,
    "largest and smallest": NUMBERS.choice([1.7e308, -1.7e308, 5e-324, 0.0], 9000),
}


@pytest.mark.parametrize("numbers", SHAPES.values(), ids=SHAPES)
def test_the_grid_finds_the_bins_that_a_search_finds(numbers):
    edges = quantile_edges(numbers[:500])

    bins = Grid(edges).bins(numbers)

    assert np.array_equal(bins, np.searchsorted(edges, numbers, side="left"))
