import io
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.aws.dropped_files import DroppedFile
from headrace.aws.large_files import LargeFileOrder, LargeFileOutcome, execution_name
from headrace.ml.column_rules import ColumnRules
from headrace.ml.contract import ColumnSchema, Contract, Fields
from headrace.ml.contract_evolution import EvolutionRules
from headrace.ml.declared_steps import DeclaredStep
from headrace.ml.files.options import ReadOptions
from lambdas.close_large_file.closing import Ports, close

FILE = DroppedFile("data", "incoming/rows.csv", "v1", 10**10, "2026-01-31T12:00:00Z", "0A")
CONTRACT = Contract(
    "regression", (ColumnSchema("id", "category", "id"), ColumnSchema("y", "number", "target"))
)
ORDER = LargeFileOrder(
    FILE,
    Fields(
        "regression", "y", id="id", rules={"y": ColumnRules(min=0)}, steps=(DeclaredStep("clip", ("y",)),)
    ),
    EvolutionRules(),
    ReadOptions(max_mb=1024, expected=frozenset({"y"})),
    0.5,
    None,
)
TAKEN = LargeFileOutcome(
    rows=90,
    quarantined=10,
    reasons={"missing": 10},
    curated=("s3://data/curated/a-00000.parquet", "s3://data/curated/a-00001.parquet"),
    contract=CONTRACT,
)


class World:
    """Work folder, quarantine, contract, catalogue, ledger and event bus."""

    def __init__(self, outcome, order=ORDER, present=None):
        self.written, self.ordered, self.present = outcome, order, present
        self.done, self.records, self.kept, self.events = [], [], [], []
        self.profiles = {}

    def close(self, error=None):
        ports = Ports(lambda uri: self, self, _Leftovers(self), self, self, self.rows, self, self, self)
        return close("s3://data/work/1/", error or {}, ports)

    def rows(self, uri):
        buffer = io.BytesIO()
        pq.write_table(pa.table({"id": ["1", "2"], "y": [1.0, 2.0]}), buffer)
        return io.BytesIO(buffer.getvalue())

    def keep(self, profile, *, source, day):
        self.profiles[source, day] = profile

    def order(self):
        return self.ordered

    def order_again(self, order):
        self.ordered = order

    def outcome(self):
        return self.written

    def delete(self):
        self.done.append("work deleted")

    def keep_whole(self, file, reason, *, copy=True):
        self.kept.append(dict(reason))

    def offer(self, contract):
        self.present = self.present or contract
        return self.present

    def register(self, schema, *, day):
        self.done.append((schema.names, day))

    def record(self, file):
        self.records.append(file)

    def put(self, detail_type, detail):
        self.events.append((detail_type, dict(detail)))


class _Leftovers:
    def __init__(self, world):
        self.world = world

    def delete(self, file):
        self.world.done.append("leftovers deleted")

    def delete_refused(self, file):
        self.world.done.append("refused rows deleted")


def test_a_cleaned_file_is_registered_written_down_and_announced():
    world = World(TAKEN)

    record = world.close()

    assert world.done == [(["id", "y"], "2026-01-31"), "work deleted"]
    assert world.records == [record]
    assert (record.rows, record.quarantined, record.curated_paths) == (90, 10, TAKEN.curated)
    assert (record.contract_version, record.sequencer) == (1, "0A")
    assert world.present == CONTRACT
    assert [kind for kind, _ in world.events] == ["DataAccepted"]


def test_a_file_is_cleaned_again_if_another_was_quicker_to_make_the_contract():
    other = replace(CONTRACT, columns=(*CONTRACT.columns, ColumnSchema("x", "number")))
    world = World(TAKEN, present=other)

    assert world.close() is None
    assert world.ordered.contract == other
    assert world.ordered.options.columns == ("id", "y", "x")
    assert world.records == world.events == world.done == []


def test_refused_rows_of_an_earlier_run_go_once_the_file_has_none():
    world = World(replace(TAKEN, rows=100, quarantined=0, reasons={}))

    world.close()

    assert "refused rows deleted" in world.done


def test_a_file_that_the_contract_fits_offers_none():
    world = World(TAKEN, order=replace(ORDER, contract=CONTRACT))

    assert world.close().rows == 90
    assert world.present is None


def test_a_refused_file_goes_to_quarantine_and_makes_no_contract():
    world = World(LargeFileOutcome(refused="too_many_bad_rows", why="60% of its rows are bad"))

    record = world.close()

    assert (record.refused, record.rows) == ("too_many_bad_rows", 0)
    assert world.kept == [
        {
            "contract_version": None,
            "accepted": 0,
            "code": "too_many_bad_rows",
            "why": "60% of its rows are bad",
        }
    ]
    assert world.present is None
    assert world.events == []


def test_a_failed_job_refuses_the_file_and_leaves_no_rows_behind():
    world = World(TAKEN)

    record = world.close({"Error": "States.TaskFailed", "Cause": "{}"})

    assert record.refused == "large_job_failed"
    assert "States.TaskFailed" in world.kept[0]["why"]
    assert world.done == ["leftovers deleted", "work deleted"]
    assert (record.curated_paths, world.events) == ((), [])


def test_orders_and_outcomes_survive_being_written():
    assert LargeFileOrder.from_dict(ORDER.as_dict()) == replace(
        ORDER, fields=replace(ORDER.fields, steps=[DeclaredStep("clip", ("y",))])
    )
    assert LargeFileOutcome.from_dict(TAKEN.as_dict()) == TAKEN


@pytest.mark.parametrize("change", [{"key": "incoming/b.csv"}, {"version_id": "v2"}, {"bucket": "other"}])
def test_an_execution_is_named_after_the_version_of_the_file(change):
    same = replace(FILE, size_bytes=1, dropped_at="2026-02-01T00:00:00Z")

    assert execution_name(same) == execution_name(FILE) != execution_name(replace(FILE, **change))
    assert len(execution_name(FILE)) <= 80  # Step Functions' limit


def test_a_file_that_is_taken_has_a_profile_of_its_parts():
    world = World(TAKEN)

    world.close()

    assert world.profiles[f"{FILE.key}#{FILE.version_id}", "2026-01-31"]["rows"] == 4


def test_a_file_that_is_refused_has_no_profile():
    world = World(LargeFileOutcome(refused="not_utf8", why="not UTF-8"))

    world.close()

    assert world.profiles == {}
