import numpy as np
import pyarrow as pa
import pytest

from headrace.ml.captured_cells import typed_cells
from headrace.ml.rows import DTYPES, READERS

ODD = [
    *("1", " 2.50 ", "+3", ".5", "5.", "-1e3", "1E-3", "1e999", "-1e999", "inf", "Infinity", "nan", "0x10"),
    *(
        "1_000",
        "1,5",
        "\uff11\uff12",
        "",
        " ",
        "NA",
        "n/a",
        "#N/A",
        "null",
        "?",
        "warm",
        "2.0",
        "2.00",
        "2.5",
        "-0",
        "007",
    ),
    *("yes", "No", "t", "F", "TRUE", "0.0", "maybe", " true "),
    *("2011-01-31", "2011-01-31T10:00:00+02:00", "2011-02-30", "31.01.2011", "2011-01-31 12:30", "2011"),
    *("iVBORw0KGgo=", "aGVsbG8=", "süß", "a b", "9007199254740993", "0.1000000000000000055511151231257827"),
]
VALUES = [
    1,
    2.5,
    -0.0,
    10**400,
    2**53 + 1,
    float("nan"),
    float("inf"),
    True,
    None,
    [1],
    {"a": 1},
    "3",
    "",
    b"\xff\xd8\xff",
]
KINDS = ["number", "category", "boolean", "datetime", "text", "image"]


def cell_by_cell(cells, kind):
    """Read every cell for itself; what cannot be read is missing."""
    read = []
    for cell in cells:
        try:
            read.append(READERS[kind](cell))
        except ValueError:
            read.append(READERS[kind](None))
    values = np.empty(len(read), dtype=DTYPES[kind])
    values[:] = read
    return values


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cells", [ODD, ["1", "2.5", "-3e2"], ["1", "", "2"], ["", "NA"], []])
def test_a_column_of_text_is_read_as_its_cells_are(cells, kind):
    together = typed_cells(pa.chunked_array([cells[:7], cells[7:]], pa.string()), kind)

    np.testing.assert_array_equal(together, cell_by_cell(cells, kind), strict=True)
    np.testing.assert_array_equal(typed_cells(cells, kind), together, strict=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "cells",
    [
        VALUES,
        [1, 2.5, None],
        [1, 2**53 + 1, float("inf"), float("nan")],
        [10**400, 1],
        [True, 1],
        ["1", None],
        [None],
    ],
)
def test_a_column_of_json_is_read_as_its_values_are(cells, kind):
    np.testing.assert_array_equal(typed_cells(cells, kind), cell_by_cell(cells, kind), strict=True)


def test_an_absent_cell_of_text_is_missing():
    absent = pa.chunked_array([["1", None]], pa.string())

    assert np.isnan(typed_cells(absent, "number")).tolist() == [False, True]
    assert typed_cells(absent, "category").tolist() == ["1", None]
