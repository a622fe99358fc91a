"""What happens to one file, with everything outside it in memory."""

import csv
import gzip
import hashlib
import io
import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.aws.dropped_files import DroppedFile
from headrace.config.pipeline import Pipeline
from lambdas.ingest_file.handler import Settings
from lambdas.ingest_file.ingest import Ports, ingest

GOOD = b"x,y\n" + b"".join(b"%d.5,%d\n" % (n, n * n) for n in range(10))
PIPELINE = {"name": "bike", "problem": "regression", "target": "y"}


class World:
    """Files, contract, catalogue, ledger and event bus."""

    def __init__(self, **fields):
        self.pipeline = Pipeline.model_validate({**PIPELINE, **fields})
        self.contract = None
        self.large_files, self.orders = (self if self.pipeline.large_data else None), []
        self.reads, self.kept, self.rejected, self.frames, self.records, self.events = 0, [], [], [], [], []
        self.profiles = {}

    def take(self, data, size=None, key="incoming/a.csv"):
        """Take one file in, and return its record."""
        self.data = data
        file = DroppedFile("data", key, "v1", size or len(data), "2026-01-31T12:00:00Z")
        with tempfile.TemporaryDirectory() as scratch:
            ports = Ports(self, self, self, self, self, self, self.large_files)
            return ingest(file, self.pipeline, ports, Path(scratch))

    def fetch(self, file, path):
        self.reads += 1
        path.write_bytes(self.data)
        return hashlib.sha256(self.data).hexdigest()

    def keep_rows(self, file, rejected, records, reason):
        self.rejected.append((list(csv.DictReader(io.StringIO(rejected.read_text()))), dict(reason)))

    def keep_whole(self, file, reason, *, copy=True):
        self.kept.append(dict(reason))

    def load(self):
        return self.contract

    def offer(self, contract):
        if (self.contract.version if self.contract else 0) == contract.version - 1:
            self.contract = contract
        return self.contract

    def store(self, rows, *, source, day):
        self.frames.append((pq.read_table(rows), source, day))
        return f"s3://data/curated/{day}/{source}"

    def keep(self, profile, *, source, day):
        self.profiles[source, day] = profile

    def record(self, file):
        self.records.append(file)

    def put(self, detail_type, detail):
        self.events.append((detail_type, detail))

    def hand_over(self, order):
        self.orders.append(order)


def parquet(table):
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def flipped(data, place):
    """Return the bytes with twenty of them damaged."""
    return data[:place] + bytes(255 ^ byte for byte in data[place : place + 20]) + data[place + 20 :]


def test_a_good_file_is_stored_written_down_and_announced_in_this_order():
    world = World()

    record = world.take(GOOD)

    ((frame, source, day),) = world.frames
    assert (frame.num_rows, source, day) == (10, "incoming/a.csv#v1", "2026-01-31")
    assert world.records == [record]
    assert record.curated_paths == ("s3://data/curated/2026-01-31/incoming/a.csv#v1",)
    assert world.events == [
        (
            "DataAccepted",
            {"bucket": "data", "key": "incoming/a.csv", "version_id": "v1", "rows": 10, "quarantined": 0},
        )
    ]


def test_a_file_that_is_too_large_is_not_even_read():
    world = World(ingest={"max_file_mb": 1})

    record = world.take(GOOD, size=2**20 + 1)

    assert (world.reads, record.refused, record.sha256) == (0, "too_large", "")
    assert world.kept[0]["code"] == "too_large"


def test_a_file_that_is_large_is_handed_over_and_leaves_no_trace_here():
    world = World(ingest={"max_file_mb": 1}, large_data={"max_gb": 1})

    assert world.take(GOOD, size=2**20 + 1) is None

    (order,) = world.orders
    assert (order.file.key, order.options.max_mb, order.contract) == ("incoming/a.csv", 1024, None)
    assert world.reads == 0
    assert world.kept == world.records == world.events == []


def test_a_small_archive_of_a_large_file_is_handed_over_too():
    world = World(ingest={"max_file_mb": 1}, large_data={"max_gb": 1})

    assert world.take(gzip.compress(GOOD + b"1,2\n" * 300_000)) is None

    assert len(world.orders) == 1


def test_a_file_beyond_every_limit_goes_to_quarantine():
    world = World(ingest={"max_file_mb": 1}, large_data={"max_gb": 1})

    assert world.take(GOOD, size=2**30 + 1).refused == "too_large"
    assert world.orders == []


def test_the_contract_is_made_by_the_first_good_file_and_kept():
    world = World()
    world.take(b"x,y\n1,no\n2,numbers\n")
    assert world.contract is None

    world.take(GOOD)
    first = world.contract
    world.take(b"x,z,y\n1,2,3\n")

    assert [column.name for column in first.columns] == ["x", "y"]
    assert world.contract is first


def test_a_quicker_file_makes_the_contract_for_this_one_too():
    world = World()
    World.take(other := World(), b"x,y\n1,2\n2,3\n")
    answers = [None, other.contract]
    world.load = lambda: answers.pop(0)
    world.offer = lambda _: other.contract

    record = world.take(b"x,extra,y\n1,5,2\n2,5,3\n")

    assert record.rows == 2
    assert world.frames[0][0].column_names == ["x", "y"]


def test_a_file_whose_rows_are_all_bad_leaves_no_rows_and_no_event():
    world = World(ingest={"max_bad_row_share": 1.0})
    world.take(GOOD)
    world.events.clear()
    world.frames.clear()

    record = world.take(b"x,y\n1,\n2,\n")

    assert (record.rows, record.quarantined, record.refused) == (0, 2, None)
    assert (world.frames, world.events) == ([], [])
    assert world.rejected[0][1]["accepted"] == 0


@pytest.mark.parametrize("name", ["row", "reason", "bad_column", "text"])
def test_columns_may_be_called_as_those_of_the_quarantine_are(name):
    world = World()
    header = f"{name},x,y\n".encode()
    world.take(header + b"a,1,1\nb,2,2\n")

    record = world.take(header + b"a,1,1\nb,warm,2\nc,3,3\nd\n")

    assert (record.rows, record.quarantined) == (2, 2)
    wrong, broken = world.rejected[0][0]
    assert wrong[name] == "b"
    assert "d" in broken.values()


def test_a_column_may_be_called_as_the_partition_is():
    world = World()

    world.take(b"ingest_date,y\n1.5,2\n2.5,3\n")

    assert world.frames[0][0].column_names == ["ingest_date_2", "y"]


def test_a_file_without_the_column_that_keeps_rows_together_is_refused():
    world = World(split={"by": "group", "group": "station"})

    assert world.take(GOOD).refused == "contract"
    assert "'station'" in world.kept[0]["why"]


@pytest.mark.parametrize("place", [12, 60, 300])
def test_a_damaged_archive_is_refused_and_not_tried_again(place):
    packed = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * n % 977) for n in range(5000)))

    assert World().take(flipped(packed, place)).refused == "broken_archive"


@pytest.mark.parametrize("place", [5, 100, 30_000, -300])
def test_damaged_parquet_is_refused_and_not_tried_again(place):
    data = parquet(pa.table({"x": list(range(5000)), "y": [str(n) for n in range(5000)]}))

    assert World().take(flipped(data, place % len(data))).refused == "damaged"


@pytest.mark.parametrize(
    ("names", "reason", "why"),
    [
        (["y", "y"], "duplicate_column", "names 'y' twice"),
        (["", "y"], "unnamed_column", "column 1 has no name"),
    ],
)
def test_columns_of_parquet_need_names_of_their_own(names, reason, why):
    world = World()

    assert world.take(parquet(pa.table([[1], [2]], names=names))).refused == reason
    assert why in world.kept[0]["why"]


def test_small_parquet_that_unpacks_to_more_than_allowed_is_refused():
    data = parquet(pa.table({"x": pa.nulls(2_000_000, pa.float64()), "y": pa.nulls(2_000_000, pa.float64())}))

    assert World(ingest={"max_file_mb": 1}).take(data).refused == "too_large"
    assert len(data) < 2**20


def test_no_reason_repeats_what_stands_in_the_file():
    world, secret = World(), "Hildegard4711"
    world.take(GOOD)
    for data in (
        f"x,y\n{secret},1\n1,{secret}\n2,2\n3,3\n",
        f"x,y\n1,{secret}\n",
        f'x,y\n"{secret},1\n',
        f"<html>{secret}",
    ):
        world.take(data.encode())

    assert len(world.kept) >= 3
    assert secret not in json.dumps([world.kept, [reason for _, reason in world.rejected]])


def test_a_function_that_lacks_a_variable_says_which():
    with pytest.raises(KeyError, match="DATA_BUCKET"):
        Settings.from_environ({})


def rows(header, *cells, copies=10):
    return (header + "\n" + "".join(f"{line}\n" for line in cells * copies)).encode()


def test_a_label_that_came_with_a_later_file_joins_the_others():
    world = World(problem="multiclass")
    world.take(rows("x,y", "1,red", "2,blue"))

    record = world.take(rows("x,y", "1,red", "2,green"))

    assert (record.rows, record.contract_version) == (20, 2)
    assert world.contract.labels == ("blue", "green", "red")
    assert world.contract.changes == ("1 new label of 'y'",)


def test_a_new_label_is_refused_where_the_pipeline_file_says_so():
    world = World(problem="multiclass", contract={"new_labels": "refuse"})
    world.take(rows("x,y", "1,red", "2,blue"))

    record = world.take(rows("x,y", "1,red", "2,green"))

    assert (record.rows, record.quarantined, record.contract_version) == (10, 10, 1)
    assert world.rejected[0][1]["counts"][0]["reason"] == "unknown_label"


def test_a_binary_target_knows_two_labels_and_no_third():
    world = World(problem="binary")
    world.take(rows("x,y", "1,no"))
    world.take(rows("x,y", "1,yes", "1,no"))

    record = world.take(rows("x,y", "1,yes", "1,no", "1,maybe"))

    assert world.contract.target.allowed == ("no", "yes")
    assert (record.rows, record.quarantined) == (20, 10)


def test_a_first_file_with_three_labels_is_no_binary_problem():
    world = World(problem="binary")

    assert world.take(rows("x,y", "1,yes", "1,no", "1,maybe")).refused == "contract_labels"
    assert world.contract is None


def test_what_the_first_file_was_is_written_into_the_contract():
    world = World(problem="multiclass")

    world.take(rows("x,color,y", "1.5,red,a", "NA,blue,b"))

    assert world.contract.observed == {
        "x": {"missing": 10, "min": 1.5, "max": 1.5},
        "color": {"missing": 0, "categories": ["blue", "red"]},
        "y": {"missing": 0, "categories": ["a", "b"]},
    }


def test_an_edited_pipeline_file_takes_effect_with_the_next_file():
    world = World()
    world.take(GOOD)
    world.pipeline = Pipeline.model_validate({**PIPELINE, "contract": {"columns": {"x": {"max": 5}}}})

    record = world.take(GOOD)

    assert (record.rows, record.quarantined, record.contract_version) == (5, 5, 2)
    assert world.contract.changes == ("the pipeline file changed column 'x'",)
    assert world.rejected[0][0][0]["reason"] == "out_of_range"


def test_a_rule_that_flags_keeps_the_row():
    world = World(contract={"columns": {"x": {"max": 5, "severity": "flag"}}})

    record = world.take(GOOD)

    assert (record.rows, record.quarantined, record.flagged) == (10, 0, 5)


def test_a_file_whose_rows_are_all_bad_changes_no_contract():
    world = World(ingest={"max_bad_row_share": 1.0}, contract={"new_columns": "accept"})
    world.take(GOOD)

    world.take(b"x,y,z\n1,,3\n")

    assert world.contract.version == 1


def test_rows_say_in_their_file_which_contract_they_were_cleaned_against():
    world = World(contract={"new_columns": "accept"})
    world.take(GOOD)
    world.take(b"x,y,z\n1,2,3\n")

    assert [frame.schema.metadata[b"headrace.contract_version"] for frame, _, _ in world.frames] == [
        b"1",
        b"2",
    ]


def test_a_file_without_header_has_the_columns_of_the_files_and_not_those_of_the_steps():
    world = World()
    world.take(GOOD)

    assert world.take(b"1.5,2\n2.5,3\n").rows == 2


def test_rows_that_are_retried_are_judged_one_by_one_however_many_are_bad_still():
    world = World(ingest={"max_bad_row_share": 0.5})
    world.take(GOOD)
    bad = b"x,y\nred,1\ngreen,2\n3,9\n"

    assert world.take(bad).refused == "contract_kind_changed"
    again = world.take(bad, key="incoming/retry/a.csv/v1.parquet")

    assert (again.refused, again.rows, again.quarantined) == (None, 1, 2)
    assert (again.reasons, again.contract_version) == ({"not_a_number": 2}, 1)


def test_the_profile_of_accepted_rows_is_kept_under_the_name_of_their_file():
    world = World()

    world.take(GOOD)
    world.take(GOOD)

    assert list(world.profiles) == [("incoming/a.csv#v1", "2026-01-31")]
    (profile,) = world.profiles.values()
    assert (profile["rows"], [feature["name"] for feature in profile["features"]]) == (10, ["x", "y"])


def test_a_file_without_good_rows_has_no_profile():
    world = World()

    world.take(b"x,y\n")

    assert world.profiles == {}
