import numpy as np
import pytest

from headrace.ml.contract import ColumnSchema
from headrace.ml.rows import CellError, read_columns


def read(kind, *cells):
    return read_columns({"x": list(cells)}, [ColumnSchema("x", kind)])["x"]


@pytest.mark.parametrize("missing", [None, "", "  ", "NA", "null", "NaN", "n/a", float("nan")])
@pytest.mark.parametrize("kind", ["number", "category", "boolean", "datetime"])
def test_what_is_missing_is_missing_in_every_kind(kind, missing):
    (value,) = read(kind, missing)

    assert value is None or value != value  # noqa: PLR0124 - NaN and NaT


@pytest.mark.parametrize(
    ("cell", "number"), [("1.5", 1.5), (" 2 ", 2.0), (3, 3.0), ("1e3", 1000.0), (True, 1.0)]
)
def test_numbers(cell, number):
    assert read("number", cell)[0] == number


@pytest.mark.parametrize(
    "cell", ["warm", "1,5", "inf", "1_000", "0x10", float("inf"), 10**400, [1], {"a": 1}]
)
def test_no_numbers(cell):
    with pytest.raises(CellError, match="row 1, column 'x' is not a finite number") as refused:
        read("number", cell)

    assert "warm" not in str(refused.value)


@pytest.mark.parametrize(
    ("cell", "label"), [(" fall ", "fall"), (2, "2"), (2.0, "2"), ("2.0", "2"), (2.5, "2.5"), (True, "true")]
)
def test_categories_are_the_same_from_csv_and_json(cell, label):
    assert read("category", cell)[0] == label


@pytest.mark.parametrize(
    ("cell", "value"), [("yes", 1.0), ("0", 0.0), (True, 1.0), ("False", 0.0), (1.0, 1.0)]
)
def test_booleans(cell, value):
    assert read("boolean", cell)[0] == value


def test_no_boolean():
    with pytest.raises(CellError, match="row 2, column 'x' is not true or false"):
        read("boolean", "yes", "maybe")


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2011-01-31", "2011-01-31T00:00:00"),
        ("2011-01-31 12:30", "2011-01-31T12:30:00"),
        ("2011-01-31T12:30:00+02:00", "2011-01-31T10:30:00"),
    ],
)
def test_moments_are_in_utc(cell, moment):
    assert read("datetime", cell)[0] == np.datetime64(moment, "us")


def test_no_moment():
    with pytest.raises(CellError, match="is not an ISO 8601 date or time"):
        read("datetime", "yesterday")


def test_the_first_bad_cell_is_named():
    schema = [ColumnSchema("a", "number"), ColumnSchema("b", "number")]
    with pytest.raises(CellError, match="row 3, column 'a'"):
        read_columns({"a": [1, 2, "x"], "b": ["y", 1, 1]}, schema)


def test_a_text_is_trimmed_and_nothing_else():
    cells = [" 2.0 ", "yes\nno", "NA", None]

    values = read_columns({"message": cells}, [ColumnSchema("message", "text")])["message"]

    assert values.tolist() == ["2.0", "yes\nno", None, None]


def test_a_text_is_no_number():
    with pytest.raises(CellError, match="row 2, column 'message' is not a text"):
        read_columns({"message": ["a", 5]}, [ColumnSchema("message", "text")])


def test_an_image_comes_in_base64_or_as_its_file():
    cells = ["iVBORw0KGgo=", b"\xff\xd8\xff", "", None]

    values = read_columns({"photo": cells}, [ColumnSchema("photo", "image")])["photo"]

    assert values.tolist() == [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", None, None]


@pytest.mark.parametrize("cell", ["aGVsbG8=", "not base64", 7, "R0lGODlh"])
def test_what_is_no_image_is_told(cell):
    with pytest.raises(CellError, match="column 'photo' is not a PNG or JPEG file, in base64"):
        read_columns({"photo": [cell]}, [ColumnSchema("photo", "image")])
