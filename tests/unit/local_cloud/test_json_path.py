import pytest

from local_cloud.repairs.json_path import PathError, select

DATA = {
    "a": {"b c": [10, 20, {"Größe": None}]},
    "jobs": [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}],
    "a-b": 1,
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", DATA),
        ("$.a['b c'][1]", 20),
        ('$["a"]["b c"][-1].Größe', None),
        ("$.a-b", 1),
        ("$.jobs[*].id", [1, 2]),
        ("$.jobs[0:1].id", [1]),
        ("$.jobs[?(@.name == 'y')].id", [2]),
        ("$.jobs[?(@.id > 5)]", []),
        ("$..name", ["x", "y"]),
    ],
)
def test_a_path_selects(path, value):
    assert select(path, DATA) == value


@pytest.mark.parametrize("path", ["$.x", "$.jobs[2]", "$.jobs.id", "$.a[0]", "$['jobs'][9].id"])
def test_a_definite_path_to_nothing_is_an_error(path):
    with pytest.raises(PathError, match="No results for path"):
        select(path, DATA)


@pytest.mark.parametrize("path", ["$.jobs[", "$.jobs.length()"])
def test_a_malformed_path_is_an_error(path):
    with pytest.raises(PathError, match="Invalid path"):
        select(path, DATA)
