"""A file that is cleaned in parts gives the rows, the refusals and the numbers that it gives as a whole."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.ml.clean_file import clean_file
from headrace.ml.column_rules import ColumnRules
from headrace.ml.contract import Fields, infer_contract
from headrace.ml.declared_steps import DeclaredStep
from headrace.ml.files.options import ReadOptions
from headrace.ml.files.small import head_of
from headrace.ml.files.split_parquet import footer_place
from headrace.ml.files.table_file import open_table
from headrace.ml.observation import Observer
from tests.unit.headrace.ml.hard_rows import hard_csv, hard_table
from tests.unit.headrace.ml.split_reading import by_number, cleaned_in_parts

BIKES = Path(__file__).parents[4] / "demo" / "data" / "bike_sharing" / "hour.csv"
FIELDS = Fields("regression", "cnt", id="id")


def as_a_whole(path, folder, options, fields):
    table = open_table(path, folder, options)
    contract = infer_contract(head_of(table), fields)
    observer = Observer(contract, thorough=True)
    cleaned = clean_file(table, contract, folder, observer)
    refused = by_number(pd.read_csv(cleaned.rejected, dtype=str)) if cleaned.rejected else None
    return contract, pq.read_table(cleaned.good).to_pandas(), refused, observer


def assert_same(path, tmp_path, fields, ranges, least):
    options = ReadOptions()
    for name in ("whole", "split"):
        (tmp_path / name).mkdir()
    contract, good, refused, observer = as_a_whole(path, tmp_path / "whole", options, fields)

    data = path.read_bytes()
    # Small row groups have a footer that is as long as they are.
    size = footer_place(data[-8:], len(data)).start if path.suffix == ".parquet" else len(data)
    found = cleaned_in_parts(path, tmp_path / "split", options, contract, -(-size // ranges))

    pd.testing.assert_frame_equal(found[0], good)
    pd.testing.assert_frame_equal(found[1], refused)
    assert found[2] >= least
    assert (found[3].rows, found[3].observed()) == (observer.rows, observer.observed())


@pytest.mark.parametrize("ranges", [1, 3, 7, 50])
def test_a_csv_file_cut_into_ranges_gives_what_it_gives_as_a_whole(tmp_path, ranges):
    path = tmp_path / "rows.csv"
    path.write_text(hard_csv())

    assert_same(path, tmp_path, FIELDS, ranges, least=min(ranges, 40))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252"])
def test_marks_and_western_encodings_survive_the_cut(tmp_path, encoding):
    path = tmp_path / "rows.csv"
    path.write_bytes(hard_csv().replace("\n", "\r\n").encode(encoding))

    assert_same(path, tmp_path, FIELDS, 7, least=7)


def test_json_lines_cut_into_ranges_give_what_they_give_as_a_whole(tmp_path):
    lines = [json.dumps({"id": n % 90, "text": f"a\n{n}", "temp": n / 7, "cnt": n}) for n in range(100)]
    lines[40:40] = ["[1, 2]", '{"id": 7', "", json.dumps({"id": 1000, "temp": "warm", "cnt": 1})]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(lines))

    assert_same(path, tmp_path, FIELDS, 7, least=7)


@pytest.mark.parametrize("parts", [2, 3, 7])
@pytest.mark.parametrize(
    "settings",
    [
        {"compression": "gzip", "data_page_version": "2.0"},
        {"use_dictionary": False},
        {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}},
    ],
    ids=["dictionaries", "plain", "by beginnings"],
)
def test_parquet_cut_by_row_groups_gives_what_it_gives_as_a_whole(tmp_path, parts, settings):
    path = tmp_path / "rows.parquet"
    pq.write_table(hard_table(), path, row_group_size=10, **settings)

    assert_same(path, tmp_path, FIELDS, parts, least=parts - 1)


def test_categories_in_parquet_give_what_they_give_as_a_whole(tmp_path):
    table = hard_table()
    text = table["text"].dictionary_encode()
    path = tmp_path / "rows.parquet"
    pq.write_table(table.set_column(1, "text", text), path, row_group_size=50)

    assert_same(path, tmp_path, FIELDS, 7, least=5)


def test_typed_columns_and_empty_row_groups_give_what_they_give_as_a_whole(tmp_path):
    rows = range(200)
    table = pa.table(
        {
            "id": [n % 150 for n in rows],
            "temp": [None if n % 9 == 0 else float("inf") if n % 31 == 0 else n / 7 for n in rows],
            "at": pa.array([n * 10**6 for n in rows], pa.timestamp("us")),
            "cnt": [None if n % 40 == 0 else n for n in rows],
        }
    )
    path = tmp_path / "rows.parquet"
    with pq.ParquetWriter(path, table.schema) as writer:
        for start in range(0, 200, 20):
            writer.write_table(table.slice(start, 20))
            writer.write_table(table.slice(0, 0))

    assert_same(path, tmp_path, FIELDS, 7, least=4)


def test_real_rows_with_repeated_ids_give_what_they_give_as_a_whole(tmp_path):
    lines = BIKES.read_text().splitlines(keepends=True)
    path = tmp_path / "hour.csv"
    path.write_text("".join([*lines[:3000], *lines[50:60], "broken,row\n", *lines[3000:4000]]))

    assert_same(path, tmp_path, Fields("regression", "cnt", id="instant", time="dteday"), 7, least=7)


def test_steps_filters_and_equal_rows_give_what_they_give_as_a_whole(tmp_path):
    steps = (
        DeclaredStep("normalise_text", ("text",), {"case": "upper"}),
        DeclaredStep("drop_rows", ("temp",), {"op": ">", "value": 12}),
    )
    lines = [f"{n % 30},hey {n % 30},{n % 15}" for n in range(200)]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["cnt,text,temp", *lines]) + "\n")
    fields = Fields("regression", "cnt", columns={"text": "category"}, steps=steps, refuse_equal_rows=True)

    assert_same(path, tmp_path, fields, 7, least=7)


def test_ids_equal_rows_and_unique_columns_are_told_apart_as_a_whole(tmp_path):
    lines = [f"{n % 90},{'' if n % 7 == 0 else n % 110},{n % 5}" for n in range(200)]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["id,serial,cnt", *lines]) + "\n")
    fields = Fields(
        "regression", "cnt", id="id", rules={"serial": ColumnRules(unique=True)}, refuse_equal_rows=True
    )

    assert_same(path, tmp_path, fields, 7, least=7)
