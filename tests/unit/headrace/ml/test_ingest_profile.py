import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.ml.column_schema import ColumnSchema
from headrace.ml.contract import Contract
from headrace.ml.drift import compare
from headrace.ml.ingest_profile import MOST_ROWS, profile_curated, profile_parts
from headrace.ml.profile import merge_profiles, profile_frame
from headrace.ml.profile_like import profile_like

FEATURES = [
    ColumnSchema("Temp (°C)", "number", stored_as="temp"),
    ColumnSchema("season", "category"),
    ColumnSchema("holiday", "boolean"),
    ColumnSchema("note", "text"),
]
CONTRACT = Contract(
    "regression",
    (
        ColumnSchema("id", "category", "id"),
        *FEATURES,
        ColumnSchema("at", "datetime", "time"),
        ColumnSchema("cnt", "number", "target"),
    ),
)


def rows(n, seed=0, temp=10.0, seasons=("winter", "spring")):
    rng = np.random.default_rng(seed)
    return {
        "id": [str(number) for number in range(n)],
        "temp": rng.normal(temp, 3, n),
        "season": rng.choice(seasons, n),
        "holiday": rng.random(n) < 0.2,
        "note": rng.choice(["sunny", "rain and wind", None], n),
        "at": np.datetime64("2026-01-01", "us") + np.arange(n).astype("timedelta64[h]"),
        "cnt": rng.poisson(100, n).astype(float),
    }


def curated(folder, columns, group_rows=2**16):
    path = folder / "good.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=group_rows)
    return profile_curated(path, CONTRACT)


def learnt(n=2000, seed=9):
    return profile_frame({**rows(n, seed), "Temp (°C)": rows(n, seed)["temp"]}, FEATURES)


def test_features_target_and_time_are_profiled_under_their_names_in_the_contract(tmp_path):
    columns = rows(500)

    profile = curated(tmp_path, columns)

    names = [column.name for column in profile.features]
    assert names == ["Temp (°C)", "season", "holiday", "note", "at", "cnt"]
    assert profile.rows == 500
    assert profile.features[0].mean == pytest.approx(columns["temp"].mean())
    assert sorted(profile.features[2].levels) == ["false", "true"]
    assert profile.features[3].missing == sum(note is None for note in columns["note"].tolist())


def test_of_many_rows_some_are_profiled_from_all_over_the_file(tmp_path):
    n = 8 * (MOST_ROWS // 10)
    columns = {**rows(n), "cnt": np.arange(n, dtype=float)}

    profile = curated(tmp_path, columns, group_rows=MOST_ROWS // 10)

    target = profile.features[-1]
    assert MOST_ROWS // 4 <= profile.rows <= MOST_ROWS
    assert (target.minimum, target.maximum) == (0.0, pytest.approx(n, rel=0.001))
    assert target.mean == pytest.approx(n / 2, rel=0.1)


def test_accepted_files_are_compared_with_what_was_learnt_without_their_rows(tmp_path):
    def files(**changes):
        return merge_profiles([curated(tmp_path, rows(400, seed, **changes)) for seed in range(5)])

    reference = learnt()

    same = compare(reference, profile_like(files(), reference))
    warmer = compare(reference, profile_like(files(temp=13.0), reference))
    summer = compare(reference, profile_like(files(seasons=("winter", "summer")), reference))

    assert (same.verdict, same.rows) == ("no drift", 2000)
    assert [feature.name for feature in warmer.features if feature.drifted] == ["Temp (°C)"]
    assert [feature.name for feature in summer.features if feature.drifted] == ["season"]


def test_a_profile_in_the_bins_of_a_reference_is_off_by_less_than_a_bin():
    reference, window = learnt(), rows(3000, seed=3, temp=11.0)
    columns = {**window, "Temp (°C)": window["temp"]}

    own, exact = profile_frame(columns, FEATURES), profile_frame(columns, FEATURES, like=reference)

    for one, other in zip(profile_like(own, reference).features, exact.features, strict=True):
        assert one.present == other.present == one.counts.sum()
        assert np.max(np.abs(np.cumsum(one.counts) - np.cumsum(other.counts))) <= 3000 / 256


def test_columns_of_another_kind_and_unknown_ones_are_left_out():
    reference = learnt(100)
    other = profile_frame(
        {"season": [1.0], "wind": [2.0]}, [ColumnSchema(name, "number") for name in ("season", "wind")]
    )

    assert profile_like(other, reference).features == ()


def test_of_a_file_in_many_parts_four_are_read(tmp_path):
    opened = []

    def open_part(name):
        opened.append(name)
        pq.write_table(pa.table(rows(50, seed=len(opened))), tmp_path / "part.parquet")
        return (tmp_path / "part.parquet").open("rb")

    profile = profile_parts([f"part {number}" for number in range(10)], CONTRACT, open_part)

    assert opened == ["part 0", "part 3", "part 6", "part 9"]
    assert (profile.rows, profile.features[0].present) == (200, 200)
