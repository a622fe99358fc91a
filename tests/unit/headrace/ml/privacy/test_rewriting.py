import gzip
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.ml.privacy.rewriting import DroppedTable, rest_of


def without(body, *places):
    """Return a file without the rows of these places, counted from 0."""
    table = DroppedTable.read(body)
    return rest_of(body, table, np.isin(np.arange(len(table.numbers)), places))


@pytest.mark.parametrize(
    ("rows", "end"),
    [
        ([b"id,note", b"1,a", b"2,b", b"3,c"], b"\n"),
        ([b"id;note", b"1;a", b"2;b", b"3;c"], b"\r\n"),
        ([b"\xef\xbb\xbfid,note", b'1,"a, ""A"""', b'2,"b"', b"3, c "], b"\n"),
        ([b"id,note", b'1,"a\nA\nA"', b'2,"b\nB"', b'3,"c\n"'], b"\n"),
        ([b"id,note", "1,Öl".encode("cp1252"), "2,Bär".encode("cp1252"), b"3,c"], b"\n"),
        ([b'{"id": 1, "note": "a"}', b'{"note": "b", "id":2}', b'{"id": 3,  "note": "c"}'], b"\n"),
    ],
    ids=["csv", "semicolons", "quotes and a mark", "breaks in cells", "another encoding", "json lines"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_the_other_rows_keep_their_bytes(rows, end, packed):
    place = len(rows) - 2  # the row in the middle, with a header before it or without
    body = end.join(rows) + end
    rest = without(gzip.compress(body) if packed else body, 1)

    plain = gzip.decompress(rest) if packed else rest
    assert plain == end.join([*rows[:place], *rows[place + 1 :]]) + end


def test_the_last_row_needs_no_line_break_and_blank_lines_count_for_none():
    assert without(b"id,note\n1,a\n\n2,b", 0) == b"id,note\n\n2,b"


def test_broken_rows_go_as_well():
    assert without(b"id,note\n1,a\n2\n3,c\n", 0) == b"id,note\n3,c\n"


def test_types_and_order_of_parquet_stay():
    buffer = io.BytesIO()
    table = pa.table({"id": pa.array([1, 2, 3], pa.int16()), "at": pa.array([0, 1, 2], pa.timestamp("ms"))})
    pq.write_table(table, buffer)

    rest = pq.read_table(io.BytesIO(without(buffer.getvalue(), 1)))

    assert rest.schema.equals(table.schema)
    assert rest["id"].to_pylist() == [1, 3]


@pytest.mark.parametrize(
    "body",
    [
        json.dumps([{"id": 1, "note": "a"}, {"id": 2, "note": "b"}]).encode(),
        "id,note\n1,a\n2,b\n".encode("utf-16"),
    ],
    ids=["a list in JSON", "UTF-16"],
)
def test_what_cannot_be_cut_by_lines_is_written_as_csv(body):
    assert without(body, 0) == b'"id","note"\n"2","b"\n'


def test_nothing_is_left_of_a_file_of_one_person():
    assert without(b"id,note\n1,a\n2,b\n", 0, 1) is None


def test_a_quote_that_is_none_does_not_lead_to_wrong_rows():
    body = b'id;note\n1;5" x 3\n2;b\n3;6" x 3\n'
    rest = DroppedTable.read(without(body, 1))

    expected = [row for row in DroppedTable.read(body).cells.to_pylist() if row["id"] != "2"]
    assert rest.cells.to_pylist() == expected
