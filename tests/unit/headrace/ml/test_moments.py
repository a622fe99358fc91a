import subprocess
import sys

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headrace.ml.cells import as_datetimes
from headrace.ml.moments import read_moment

DATES = st.sampled_from(
    ["2011-01-31", "2012-02-29", "2011-02-29", "1969-12-31", "0001-01-01", "9999-12-31", "2011-1-1"]
)
TIMES = st.sampled_from(
    ["", " 10", "T10:05", " 23:59:59", "T10:05:60", "T24:00", " 10:05:06.1", "T10:05:06.123456789"]
)
ZONES = st.sampled_from(["", "Z", "z", " Z", "\t+02:00", "+0200", "-02:30", "+02", "+99:99", "\x0b+02:00"])
NEARLY = st.text("0123456789-: T.Z+", max_size=32)


def read_alone(text):
    try:
        return read_moment(text)
    except ValueError:
        return None


def read_by_arrow(text):
    try:
        return as_datetimes(pa.chunked_array([[text]]))[0].as_py()
    except OverflowError:  # a moment that Python's datetime cannot hold
        return None


@settings(deadline=None)
@given(st.one_of(st.builds("".join, st.tuples(DATES, TIMES, ZONES)), NEARLY))
@example("0000-01-01")
@example("9999-12-31T23:00-02:00")
def test_a_moment_alone_is_read_as_in_a_column(text):
    assert read_alone(text) == read_by_arrow(text)


@pytest.mark.parametrize(
    "text", ["0000-01-01", "2011-02-30", "9999-12-31T23:00-02:00", "0001-01-01T00:00+01:00", "soon"]
)
def test_what_no_calendar_has_is_no_moment_in_words_that_do_not_tell_the_cell(text):
    with pytest.raises(ValueError, match=r"^no moment$"):
        read_moment(text)


def test_rows_are_read_without_arrow_and_pandas():
    code = "import sys, headrace.ml.rows; sys.exit(bool({'pyarrow', 'pandas'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
