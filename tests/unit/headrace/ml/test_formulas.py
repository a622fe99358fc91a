import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.ml.formulas import as_written, harmless


def written(*cells):
    return harmless(pa.chunked_array([cells], pa.string())).to_pylist()


@pytest.mark.parametrize(
    "cell", ["=1+1", "+cmd|' /C calc'!A0", "-1+cmd()", "@SUM(A1)", "\t=1", "\r=1", " =1", "'=1", "-"]
)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(cell):
    assert written(cell) == [f"'{cell}"]


@pytest.mark.parametrize("cell", ["-2.5", "+1,000", "-5e-3", "12%", "a=b", "", "O'Neill", None])
def test_numbers_and_plain_text_stay_as_they_are(cell):
    assert written(cell) == [cell]


@given(st.lists(st.text(alphabet="=+-@'\t\r\v\u00a0\u0661 1a", max_size=5)))
def test_every_cell_can_be_had_back_as_it_was(cells):
    assert as_written(harmless(pa.chunked_array([cells], pa.string()))).to_pylist() == cells
