"""Text files are cut where rows begin, whatever their quotes are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.ml.files.options import ReadOptions
from headrace.ml.files.ranges import ByteRange, Dialect, pieces, row_ranges, survey
from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.files.split_file import dialect_of, split_file
from headrace.ml.files.table_file import open_table
from headrace.ml.text_table import united

COMMA = Dialect(",", '"')


def ranges_of(data, piece_bytes, dialect=COMMA, options=None):
    options = options or ReadOptions()
    found = [
        survey(lambda start, end: data[start:end], piece, dialect, options)
        for piece in pieces(len(data), piece_bytes)
    ]
    return row_ranges([each for each in found if each], options)


def texts(data, piece_bytes, dialect=COMMA):
    return [data[each.start : each.end] for each in ranges_of(data, piece_bytes, dialect)]


def test_a_line_break_within_quotes_begins_no_range():
    data = b'id,text\n1,"a\nb\nc"\n2,d\n'

    assert texts(data, 10) == [b'id,text\n1,"a\nb\nc"\n', b"2,d\n"]


def test_a_quote_in_the_middle_of_a_cell_is_a_letter():
    data = b'id,text\n1,5" pipe\n2,6" pipe\n3,x\n'

    assert texts(data, 8) == [b"id,text\n", b'1,5" pipe\n', b'2,6" pipe\n', b"3,x\n"]


def test_two_quotes_in_a_row_close_nothing():
    data = b'id,text\n1,"a""\n"",b"\n2,c\n'

    assert texts(data, 8) == [b"id,text\n", b'1,"a""\n"",b"\n', b"2,c\n"]


def test_json_lines_are_cut_at_every_line():
    data = b'{"a": "\\""}\n{"a": 1}\n'

    assert texts(data, 8, Dialect("", "")) == [b'{"a": "\\""}\n', b'{"a": 1}\n']


def test_a_file_without_a_line_break_at_its_end_is_read_to_its_end():
    assert texts(b"id\n1\n2", 3) == [b"id\n", b"1\n2"]


def test_a_piece_in_which_no_line_begins_is_left_out():
    assert ranges_of(b"a" * 25 + b"\n1\n", 10) == [ByteRange(0, 26), ByteRange(26, 28)]


@pytest.mark.parametrize("data", [b'id,text\n1,"' + b"x\n" * 200, b"id\n" + b"x" * 500])
def test_a_line_that_does_not_end_refuses_the_file(data):
    with pytest.raises(FileRefusedError) as refusal:
        ranges_of(data + b"\n2\n", 20, options=ReadOptions(block_bytes=50))

    assert refusal.value.reason == FileReason.LINE_TOO_LONG


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(['"', '""', ",", "\n", "a", "b", "\r\n", " ", '"a\n"', ',"']), max_size=40),
    st.integers(1, 12),
)
def test_the_rows_of_all_ranges_are_those_of_the_file(tmp_path_factory, letters, piece_bytes):
    folder = tmp_path_factory.mktemp("ranges")
    path, options = folder / "rows.csv", ReadOptions(expected=frozenset({"id"}))
    data = b"id,text\n" + "".join(letters).encode() + b"\n"
    path.write_bytes(data)
    try:
        whole = united(open_table(path, folder, options).blocks())
    except FileRefusedError:
        return

    rows = _rows_in_ranges(path, folder, data, piece_bytes, options)

    assert rows == [*whole.cells.to_pylist(), *whole.broken.values()]


def _rows_in_ranges(path, folder, data, piece_bytes, options):
    dialect = dialect_of(path, folder, options)
    found = [
        survey(lambda start, end: data[start:end], piece, dialect, options)
        for piece in pieces(len(data), piece_bytes)
    ]
    parts = split_file(path, [each for each in found if each], dialect, options)
    good, broken = [], []
    for index, place in enumerate(parts.ranges):
        part = folder / str(index)
        part.write_bytes(data[place.start : place.end])
        table = united(parts.table(index, part).blocks())
        good += table.cells.to_pylist()
        broken += table.broken.values()
    return [*good, *broken]
