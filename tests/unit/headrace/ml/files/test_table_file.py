import pyarrow as pa
import pytest

from headrace.ml.files.refusal import FileReason, FileRefusedError
from headrace.ml.files.small import read_bytes
from headrace.ml.text_table import text_of


def parquet(table):
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(table, sink)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter):
    data = "a,b\n1,2\n".replace(",", delimiter).encode()

    assert read_bytes(data).cells.to_pydict() == {"a": ["1"], "b": ["2"]}


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b"\n\n", b"\r\n", b"\xef\xbb\xbf\r\n"])
def test_a_byte_order_mark_and_blank_lines_before_the_header_are_skipped(prefix):
    assert read_bytes(prefix + b"a,b\r\n1,2\r\n").cells.to_pydict() == {"a": ["1"], "b": ["2"]}


def test_lines_may_end_as_on_old_macs():
    table = read_bytes(b"a,b\r1,2\r3\r4,5\r")

    assert table.cells.to_pydict() == {"a": ["1", "4"], "b": ["2", "5"]}
    assert table.broken == {2: "3"}


def test_names_in_parquet_lose_the_white_space_around_them_as_in_csv():
    table = read_bytes(parquet(pa.table({" cnt ": [1]})))

    assert table.cells.column_names == read_bytes(b" cnt ,x\n1,2\n").cells.column_names[:1] == ["cnt"]


def test_rows_of_another_length_are_kept_as_text_and_the_others_keep_their_numbers():
    table = read_bytes(b"a,b\n1,2\n3\n4,5,6\n7,8\n")

    assert table.row_numbers.tolist() == [1, 4]
    assert table.broken == {2: "3", 3: "4,5,6"}


def test_quotes_may_hold_delimiters_line_breaks_and_unicode():
    table = read_bytes('a,b\n"x,\ny",grün\n1,2\n'.encode())

    assert table.cells.to_pydict() == {"a": ["x,\ny", "1"], "b": ["grün", "2"]}


def test_a_header_alone_is_a_file_without_rows():
    assert read_bytes(b"a,b\n").cells.num_rows == 0


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", FileReason.EMPTY),
        (b"\n\n", FileReason.EMPTY),
        (b"a,a\n1,2\n", FileReason.DUPLICATE_COLUMN),
        (b"a,A\n1,2\n", FileReason.DUPLICATE_COLUMN),
        (b"a,,c\n1,2,3\n", FileReason.UNNAMED_COLUMN),
        (b"a,b" + b"c" * 2**21, FileReason.LINE_TOO_LONG),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_the_reason(data, reason):
    with pytest.raises(FileRefusedError) as refused:
        read_bytes(data)

    assert refused.value.reason == reason


def test_parquet_cells_read_as_if_they_came_from_csv():
    table = pa.table(
        {
            "n": [1.5, None],
            "i": [1, 2],
            "b": [True, False],
            "d": pa.array([0, 86_400_000_000], pa.timestamp("us")),
            "s": ["x", ""],
        }
    )

    cells = read_bytes(parquet(table)).cells.to_pydict()

    assert cells["n"] == ["1.5", None]
    assert cells["i"] == ["1", "2"]
    assert cells["b"] == ["true", "false"]
    assert cells["d"][1].startswith("1970-01-02 00:00:00")


def test_damaged_parquet_and_nested_columns_are_refused():
    with pytest.raises(FileRefusedError, match="damaged"):
        read_bytes(b"PAR1 no")
    with pytest.raises(FileRefusedError, match="'l'"):
        text_of(pa.table({"l": [{"x": 1}]}))
