"""Rows that are dealt label by label, or as a column says: by Spark as by the function."""

import json

import pyarrow as pa
import pytest

from headrace.config.pipeline import Pipeline
from headrace.ml.contract import ColumnSchema, Contract
from headrace.ml.parts import PARTS
from headrace.ml.snapshot_rows import SnapshotError
from tests.unit.glue_jobs import test_snapshot_data as twins

CONTRACT = Contract(
    "binary",
    (
        ColumnSchema("n", "category", "id"),
        ColumnSchema("part", "category", "part", PARTS),
        ColumnSchema("x", "number"),
        ColumnSchema("y", "category", "target"),
    ),
)


def table(first, last, part=lambda n: PARTS[n % 3]):
    numbers = range(first, last)
    return pa.table(
        {
            "n": [str(n) for n in numbers],
            "part": [part(n) for n in numbers],
            "x": [float(n % 13) for n in numbers],
            "y": ["rare" if n % 40 == 0 else "often" for n in numbers],
        }
    )


FILES = (table(0, 900), table(900, 1400), table(800, 900), table(1400, 2000))
SPLITS = [{"by": "stratified"}, {"by": "column", "column": "part"}]


@pytest.fixture(autouse=True)
def contract(monkeypatch):
    monkeypatch.setattr(twins, "CONTRACT", CONTRACT)
    monkeypatch.setattr("lambdas.snapshot_data.snapshot._BYTES_OF_A_CELL", 140)


def pipeline(split, **blocks):
    return Pipeline(name="labels", problem="binary", target="y", id="n", split=split, **blocks)


def manifest_of(answer, written):
    return json.loads(written[f"snapshots/{answer['content_hash'][:16]}/manifest.json"])


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("with_champion", [True, False])
def test_spark_deals_as_the_function_does(split, with_champion):
    dealt = pipeline(split)
    first = manifest_of(*twins.taken(dealt, True, files=FILES[:2])) if with_champion else None

    here, ours = twins.taken(dealt, True, first, FILES)
    there, theirs = twins.taken(dealt, False, first, FILES)

    prefix = f"snapshots/{here['content_hash'][:16]}"
    assert there == here
    assert manifest_of(there, theirs)["rule"] == manifest_of(here, ours)["rule"]
    for part in PARTS:
        found, expected = (twins.rows_below(each, f"{prefix}/{part}/") for each in (theirs, ours))
        assert found.equals(expected), part


def test_a_row_keeps_its_part_when_more_rows_of_its_label_come():
    dealt = pipeline({"by": "stratified"})
    first, then = twins.taken(dealt, True, files=FILES[:1])
    second, now = twins.taken(dealt, True, manifest_of(first, then), FILES)

    for part in PARTS:
        before = twins.rows_below(then, f"snapshots/{first['content_hash'][:16]}/{part}/")["n"].to_pylist()
        after = twins.rows_below(now, f"snapshots/{second['content_hash'][:16]}/{part}/")["n"].to_pylist()
        assert set(before) <= set(after), part


def test_the_parts_are_those_that_the_column_says():
    answer, written = twins.taken(pipeline(SPLITS[1]), True, files=FILES)

    for part in PARTS:
        rows = twins.rows_below(written, f"snapshots/{answer['content_hash'][:16]}/{part}/")
        assert set(rows["part"].to_pylist()) == {part}


@pytest.mark.parametrize("here", [True, False])
def test_a_part_that_there_is_not_is_refused_with_what_to_do(here):
    files = (*FILES, table(2000, 2050, lambda n: "holdout"))

    with pytest.raises(
        SnapshotError, match=r"split\.column 'part' has 1 value besides train, validation and test: correct"
    ):
        twins.taken(pipeline(SPLITS[1]), here, files=files)
