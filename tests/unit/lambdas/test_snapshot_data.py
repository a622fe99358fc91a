import io
import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.aws.curated import SnapshotStore
from headrace.aws.large_snapshots import SnapshotOutcome
from headrace.config.pipeline import Pipeline
from headrace.ml.contract import ColumnSchema, Contract
from headrace.ml.snapshot_rows import SnapshotError
from lambdas.snapshot_data import parts, snapshot
from lambdas.snapshot_data.snapshot import Ports, describe_snapshot
from tests.unit.lambdas.snapshots import CONTRACT, PIPELINE, Bucket, deal, rows, take


@pytest.fixture
def pipeline():
    return PIPELINE


def test_every_row_is_in_exactly_one_part(pipeline):
    snapshot = deal([rows(0, 500), rows(500, 1000)], pipeline)

    ids = [part.column("instant").to_pylist() for part in snapshot.parts.values()]
    assert sorted(int(i) for part in ids for i in part) == list(range(1000))


def test_the_order_of_arrival_does_not_matter(pipeline):
    one = deal([rows(0, 500), rows(500, 1000)], pipeline)
    other = deal([rows(500, 1000), rows(0, 500)], pipeline)

    assert one.content_hash == other.content_hash
    assert all(one.parts[name].equals(other.parts[name]) for name in one.parts)


def test_the_newest_row_of_an_id_wins(pipeline):
    snapshot = deal([rows(0, 500, cnt=1.0), rows(100, 101, cnt=9.0)], pipeline)

    united = pa.concat_tables(snapshot.parts.values()).to_pylist()
    assert [row["cnt"] for row in united if row["instant"] == "100"] == [9.0]
    assert snapshot.replaced == 1


def test_a_row_keeps_its_part_when_others_arrive(pipeline):
    before = deal([rows(0, 500)], pipeline).parts["test"].column("instant").to_pylist()
    after = deal([rows(0, 500), rows(500, 2000)], pipeline).parts["test"].column("instant").to_pylist()

    assert set(before) <= set(after)


def test_another_split_is_another_snapshot(pipeline):
    reseeded = pipeline.model_copy(update={"split": pipeline.split.model_copy(update={"seed": 8})})

    assert deal([rows(0, 500)], pipeline).content_hash != deal([rows(0, 500)], reseeded).content_hash


def test_columns_stand_in_the_order_of_the_contract(pipeline):
    shuffled = rows(0, 500).select(["cnt", "temp", "instant", "dteday", "casual", "holiday", "season"])

    snapshot = deal([shuffled], pipeline)

    assert snapshot.parts["train"].column_names == [column.name for column in CONTRACT.columns]


def test_a_column_that_a_file_lacks_leaves_the_rows_of_the_others_where_they_were(pipeline):
    lacking = rows(500, 600).drop_columns(["holiday"])
    nameless = pipeline.model_copy(update={"id": None})

    before = deal([rows(0, 500)], nameless).parts["test"].column("instant").to_pylist()
    after = deal([rows(0, 500), lacking], nameless).parts["test"].column("instant").to_pylist()

    assert set(before) <= set(after)


def test_too_few_rows_for_a_test_part_are_refused(pipeline):
    with pytest.raises(SnapshotError, match="test"):
        deal([rows(0, 1)], pipeline)


def test_no_rows_are_refused(pipeline):
    with pytest.raises(SnapshotError, match="no rows"):
        deal([], pipeline)


def test_columns_get_the_names_back_that_they_have_in_the_files():
    contract = Contract(
        "regression", (ColumnSchema("Day Mins", "number"), ColumnSchema("Coût", "number", "target"))
    )
    curated = pa.table(
        {"cout": [float(n) for n in range(100)], "day_mins": [float(n % 7) for n in range(100)]}
    )
    pipeline = Pipeline(name="calls", problem="regression", target="Coût")

    train = parts.deal([curated], pipeline, contract).parts["train"]

    assert train.column_names == ["Day Mins", "Coût"]
    assert all(row["Day Mins"] == row["Coût"] % 7 for row in train.to_pylist())


def test_a_column_that_no_file_has_is_named(pipeline):
    with pytest.raises(SnapshotError, match="holiday, temp"):
        deal([rows(0, 500).drop_columns(["temp", "holiday"])], pipeline)


def test_a_snapshot_is_written_below_its_hash_with_its_sources(pipeline):
    answer, bucket = take(pipeline, [[rows(0, 300)], [rows(300, 400), rows(400, 500)]])

    prefix = f"snapshots/{answer['content_hash'][:16]}"
    manifest = json.loads(bucket[f"{prefix}/manifest.json"])
    assert answer["train_uri"] == f"s3://artifacts/{prefix}/train/"
    assert [source["key"] for source in manifest["files"]] == ["incoming/0.csv", "incoming/1.csv"]
    assert manifest["files"][1]["curated"][1]["version_id"] == "v"
    assert sum(part["rows"] for part in manifest["parts"].values()) == 500
    assert (answer["rows_seen"], answer["upto"]) == (500, "2026-01-02")


def test_the_same_rows_are_the_same_bytes_in_the_same_place(pipeline):
    _, one = take(pipeline, [[rows(0, 300)], [rows(300, 500)]])
    _, other = take(pipeline, [[rows(300, 500)], [rows(0, 300)]])

    same = [key for key in one if "manifest" not in key]
    assert {key: one[key] for key in same} == {key: other[key] for key in same}


def test_a_job_finds_parquet_and_what_it_needs_to_know(pipeline):
    answer, bucket = take(pipeline, [[rows(0, 500)]])

    prefix = f"snapshots/{answer['content_hash'][:16]}"
    spec = json.loads(bucket[f"{prefix}/spec/spec.json"])
    train = pq.read_table(io.BytesIO(bucket[f"{prefix}/train/part-00000.parquet"]))
    assert Pipeline.model_validate(spec["pipeline"]) == pipeline
    assert spec["schema"] == [
        {"name": "temp", "kind": "number"},
        {"name": "season", "kind": "category"},
        {"name": "holiday", "kind": "boolean"},
    ]
    assert (spec["content_hash"], spec["code_version"]) == (answer["content_hash"], "code1")
    assert train.num_rows == answer["rows"]["train"]


def test_a_part_of_many_rows_is_written_as_several_files(pipeline, monkeypatch):
    monkeypatch.setattr(snapshot, "_ROWS_OF_A_FILE", 100)
    whole, _ = take(pipeline, [[rows(0, 500)]])

    answer, bucket = take(pipeline, [[rows(0, 500)]])

    prefix = f"snapshots/{answer['content_hash'][:16]}"
    manifest = json.loads(bucket[f"{prefix}/manifest.json"])
    files = manifest["parts"]["train"]["files"]
    read = [pq.read_table(io.BytesIO(bucket[f"{prefix}/train/{file['name']}"])).num_rows for file in files]
    assert [file["name"] for file in files[:2]] == ["part-00000.parquet", "part-00001.parquet"]
    assert [file["rows"] for file in files] == read
    assert max(read) == 100
    assert sum(read) == answer["rows"]["train"] == whole["rows"]["train"]


def test_more_rows_than_memory_holds_are_refused_before_they_are_read(pipeline):
    # 1 MB by 70 bytes and 7 columns: 2,139 rows
    with pytest.raises(SnapshotError, match="more than the 2,139 of 7 columns"):
        take(pipeline, [[rows(0, 2200)]], memory_mb=1)


def test_parts_are_compressed_with_what_the_layer_of_the_functions_has(pipeline):
    answer, bucket = take(pipeline, [[rows(0, 500)]])

    train = bucket[f"snapshots/{answer['content_hash'][:16]}/train/part-00000.parquet"]
    group = pq.ParquetFile(io.BytesIO(train)).metadata.row_group(0)
    assert {group.column(index).compression for index in range(group.num_columns)} == {"SNAPPY"}


def test_a_dropped_file_without_a_good_row_is_in_the_manifest_too(pipeline):
    answer, _ = take(pipeline, [[rows(0, 500)], []])

    assert answer["upto"] == "2026-01-02"


def test_rows_of_two_versions_of_the_contract_are_united(pipeline):
    columns = [column for column in CONTRACT.columns if column.name != "temp"]
    widened = ColumnSchema("temp", "category", stored_as="temp_category", formerly=(("temp", "number"),))
    wind = ColumnSchema("wind", "number", came_later=True)
    contract = replace(CONTRACT, columns=(*columns, widened, wind), version=3)
    older = rows(0, 300)
    newer = rows(300, 500).drop_columns(["temp"])
    newer = newer.append_column("temp_category", pa.array(["warm"] * 200))
    newer = newer.append_column("wind", pa.array([0.5] * 200))

    united = pa.concat_tables(parts.deal([older, newer], pipeline, contract).parts.values()).to_pylist()

    by_id = {row["instant"]: row for row in united}
    assert len(by_id) == 500
    assert (by_id["20"]["temp"], by_id["21"]["temp"], by_id["400"]["temp"]) == ("2", "2.1", "warm")
    assert (by_id["20"]["wind"], by_id["400"]["wind"]) == (None, 0.5)


def test_a_version_that_only_says_more_makes_no_other_snapshot(pipeline):
    noted = replace(CONTRACT, version=2, changes=("a note",), observed={"temp": {"missing": 0}})

    one, other = (parts.deal([rows(0, 500)], pipeline, contract) for contract in (CONTRACT, noted))

    assert one.content_hash == other.content_hash


class Shared:
    """The folder that the function shares with the Spark job."""

    uri = "s3://artifacts/snapshots/orders/run-1/"

    def __init__(self):
        self.written, self.found = None, None

    def write_order(self, order):
        self.written = order

    def order(self):
        return self.written

    def outcome(self):
        return self.found


def test_what_does_not_fit_is_left_to_spark_and_described_when_it_is_done(pipeline):
    here, bucket = take(pipeline, [[rows(0, 2200)]])
    manifest = json.loads(bucket[here["manifest_uri"].removeprefix("s3://artifacts/")])
    shared = Shared()

    answer, _ = take(pipeline, [[rows(0, 2200)]], memory_mb=1, folder=shared)
    sources = tuple(manifest["files"][0]["curated"])
    shared.found = SnapshotOutcome(here["content_hash"], manifest["parts"], 0, sources)
    ports = Ports(None, None, None, SnapshotStore(written := Bucket(), "artifacts"), 1, lambda run: shared)
    described = describe_snapshot("run-1", pipeline, "code1", ports)

    assert answer == {"large": True, "folder": shared.uri}
    assert described == here
    assert written == {key: body for key, body in bucket.items() if "/spec/" in key or "manifest" in key}


def test_a_snapshot_that_spark_refuses_is_refused(pipeline):
    shared = Shared()
    shared.found = SnapshotOutcome(refused="10 rows leave the part test empty")
    ports = Ports(None, None, None, None, 1, lambda run: shared)

    with pytest.raises(SnapshotError, match="leave the part test empty"):
        describe_snapshot("run-1", pipeline, "code1", ports)
