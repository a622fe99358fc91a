import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headrace.ml.column_schema import ColumnSchema
from headrace.ml.row_blocks import UNUSUAL, BlockReader, CellMemory, Rows
from headrace.ml.rows import CellError, read_columns

KINDS = ("number", "boolean", "category", "datetime", "text")
SCHEMA = tuple(ColumnSchema(kind, kind) for kind in KINDS)
NUMBERS_WRITTEN = st.sampled_from(
    "0 -0 1.5 -2.5e3 +.5 5. 007 1e5 1E-5 1e999 -1e400 1_000 _1 0x1 inf -Infinity nan +nan NaN ١٢ 1,2 ' 3 ' 1e 1.7976931348623159e308"
    ' 123456789012345678901234567890 5e-324 4.9406564584124654e-324 0.1 true null [1] {} "5" 9007199254740993'.split()
)
WORDS = st.sampled_from(
    [
        "",
        " ",
        "NA",
        "n/a",
        "Null",
        "true",
        "YES",
        "f",
        "0.0",
        "2.0",
        "2",
        "red",
        " red ",
        "?",
        "a_b",
        "rot\u2028",
        "\x00",
    ]
)
MOMENTS = st.sampled_from(
    ["2011-01-31", "2011-01-31T10:00:00+02:00", "2011-02-30", "0000-01-01", "9999-12-31T23:59:59.999999"]
)
TEXT_CELLS = st.one_of(NUMBERS_WRITTEN, WORDS, MOMENTS, st.floats().map(repr), st.text(max_size=5))
JSON_CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(),
    TEXT_CELLS,
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=1),
)


def same(found, expected):
    """Tell whether arrays hold the same cells; NaN, NaT and None count as themselves, and the sign of zero does not count."""
    pairs = zip(found.tolist(), expected.tolist(), strict=True)
    return all(one == other or (one != one and other != other) for one, other in pairs)  # noqa: PLR0124


def one_column(kind, cells):
    try:
        return read_columns({kind: cells}, [ColumnSchema(kind, kind)])[kind]
    except CellError:
        return None


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(
    cells=st.one_of(
        st.lists(TEXT_CELLS, min_size=1, max_size=4), st.lists(JSON_CELLS, min_size=1, max_size=4)
    )
)
@example(cells=["1,2", ""])
@example(cells=['"1', '2"'])
@example(cells=["[1", "2],[3,4]"])
@example(cells=["1", "1_0"])
@example(cells=[1, "1_0", None])
@example(cells=[True, "1", 1, 1.0])
@example(cells=[1e29])
def test_what_is_read_at_once_is_what_is_read_cell_by_cell(kind, cells):
    expected = one_column(kind, cells)
    try:
        found = BlockReader([ColumnSchema(kind, kind)]).columns(Rows(cells, 1))[kind]
    except UNUSUAL:
        return

    assert expected is not None
    assert found.dtype == expected.dtype
    assert same(found, expected)


@settings(deadline=None)
@given(st.lists(st.tuples(TEXT_CELLS, WORDS, WORDS, MOMENTS, WORDS), min_size=1, max_size=5))
def test_matrices_hold_what_columns_hold(rows):
    cells = [cell for row in rows for cell in row]
    reader = BlockReader(SCHEMA)
    try:
        columns = reader.columns(Rows(cells, len(KINDS)))
    except UNUSUAL:
        with pytest.raises(UNUSUAL):
            reader.arrays(Rows(cells, len(KINDS)))
        return

    numbers, words = reader.arrays(Rows(cells, len(KINDS)))

    moments = columns["datetime"]
    microseconds = np.where(np.isnat(moments), np.nan, moments.astype(np.int64).astype(float))
    for place, column in enumerate([columns["number"], columns["boolean"], microseconds]):
        assert same(numbers[:, place], column)
    for place, name in enumerate(["category", "text"]):
        assert words[:, place].tolist() == ["" if cell is None else cell for cell in columns[name]]


@pytest.mark.parametrize(
    "cells",
    [
        ["0.5", "yes", "red", "2011-01-31", "hello"],
        ["", "", "", "", ""],
        ["+5", "NA", " red ", "2011-01-31 10:30", ""],
        [1, True, "red", "2011-01-31", "hello"],
        [None, None, None, None, None],
        ["n/a", 0, 2.0, None, None],
    ],
)
def test_the_usual_is_read_at_once(cells):
    rows = Rows(cells * 3, len(KINDS))

    columns = BlockReader(SCHEMA).columns(rows)

    expected = read_columns(dict(zip(KINDS, ([cell] * 3 for cell in cells), strict=True)), SCHEMA)
    assert all(same(columns[name], expected[name]) for name in KINDS)


def test_cells_are_taken_from_their_places():
    reader = BlockReader(
        [ColumnSchema("a", "number"), ColumnSchema("b", "category"), ColumnSchema("c", "number")]
    )

    numbers, words = reader.arrays(Rows(["7", "x", "1", "3", "8", "y", "2", "4"], 4), [0, 1, 3])

    assert numbers.tolist() == [[7, 3], [8, 4]]
    assert words.tolist() == [["x"], ["y"]]


def test_what_is_remembered_stays_small():
    memory = CellMemory(str.upper)

    read = [memory[f"town {number}"] for number in range(12_000)] + [memory["x" * 101]]

    assert read[-2:] == ["TOWN 11999", "X" * 101]
    assert len(memory) <= 5000
    assert "x" * 101 not in memory
