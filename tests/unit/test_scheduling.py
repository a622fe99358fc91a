from pathlib import Path

import pytest

from tests.scheduling import LONGEST_FIRST, line_of

REPO = Path(__file__).parents[2]
FILES = [str(path.relative_to(REPO)) for path in (REPO / "tests").rglob("test_*.py")]


@pytest.mark.parametrize("line", range(len(LONGEST_FIRST)))
def test_every_line_has_files_that_are_there(line):
    assert line in map(line_of, FILES)


def test_what_is_in_no_line_comes_last():
    assert line_of("tests/unit/test_docs.py::test_links") == len(LONGEST_FIRST)
