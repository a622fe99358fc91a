"""Whatever a file holds, every row of it is accepted or in quarantine, and none is both."""

import csv
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.ml.clean_file import clean_file
from headrace.ml.column_rules import ColumnRules
from headrace.ml.contract import Fields, infer_contract
from headrace.ml.declared_steps import DeclaredStep
from headrace.ml.files.options import ReadOptions
from headrace.ml.files.small import read_bytes
from headrace.ml.files.table_file import open_table

HEADER = "id,x,color,y"
FIRST = read_bytes(f"{HEADER}\n1,0.5,red,1\n2,1.5,blue,2\n".encode())
STEPS = (
    DeclaredStep("normalise_text", ("color",), {"case": "lower"}),
    DeclaredStep("drop_rows", ("color",), {"op": "==", "value": "none of ours"}),
)

ids = st.sampled_from(["1", "2", "3", "NA", ""])
numbers = st.sampled_from(["0.5", "5", "-7", "warm", "", "1e999"])
colors = st.sampled_from(["red", "BLUE", "None of ours", "green", "", "x" * 1001, '"quoted, twice"'])
targets = st.sampled_from(["1", "2.5", "", "none"])
rows = st.tuples(ids, numbers, colors, targets).map(",".join)
broken = st.sampled_from(["1", "1,2", "1,2,3,4,5", ",,,,,,"])
files = st.lists(rows | broken, max_size=60)
with_id = Fields("regression", "y", id="id")
contracts = st.builds(
    infer_contract,
    st.just(FIRST),
    st.builds(
        Fields,
        st.just("regression"),
        st.just("y"),
        id=st.sampled_from(["id", None]),
        rules=st.sampled_from([
            {},
            {"x": ColumnRules(min=0), "color": ColumnRules(allowed=("red", "blue"))},
            {"x": ColumnRules(max=1, severity="flag"), "color": ColumnRules(nullable=False, unique=True)},
        ]),
        steps=st.sampled_from([(), STEPS]),
        refuse_equal_rows=st.booleans(),
    ),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(files, contracts, st.sampled_from([64, 2**20]))
def test_accepted_and_quarantined_rows_are_the_rows_received(lines, contract, block_bytes):
    with tempfile.TemporaryDirectory() as folder:
        path, scratch = Path(folder) / "dropped.csv", Path(folder) / "scratch"
        scratch.mkdir()
        path.write_text("\n".join([HEADER, *lines]) + "\n")
        options = ReadOptions(expected=frozenset({"y"}), block_bytes=max(block_bytes, 4096))

        cleaned = clean_file(open_table(path, scratch, options), contract, scratch)

        good = pq.read_metadata(cleaned.good).num_rows if cleaned.good else 0
        refused = list(csv.DictReader(cleaned.rejected.open(newline=""))) if cleaned.rejected else []
        assert good + len(refused) == len(lines)
        assert (cleaned.rows, cleaned.summary.rows) == (good, len(refused))
        numbers = [int(row["row"]) for row in refused]
        assert len(set(numbers)) == len(numbers)
        assert set(numbers) <= set(range(1, len(lines) + 1))
        assert sum(cleaned.summary.by_reason().values()) == len(refused)
