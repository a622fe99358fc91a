import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.ml import duplicates
from headrace.ml.duplicates import SeenIds, hashes

IDS = st.lists(st.lists(st.text(min_size=1, max_size=3), max_size=8), max_size=6)


def places_of_earlier_ones(ids):
    """Return the places of ids that come again, one by one."""
    return [place for place, one in enumerate(ids) if one in ids[place + 1 :]]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("ids") / "ids"


@given(blocks=IDS, rows_at_once=st.integers(1, 10))
def test_whatever_comes_again_is_found_however_the_ids_are_cut_into_blocks_and_shares(
    path, blocks, rows_at_once
):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "_ROWS_AT_ONCE", rows_at_once)
        seen = SeenIds(path)
        for block in blocks:
            seen.add(pa.chunked_array([block], pa.string()))

        found = seen.earlier().tolist()

    assert found == places_of_earlier_ones([one for block in blocks for one in block])


def test_ids_of_a_file_that_was_given_up_are_forgotten(path):
    SeenIds(path).add(pa.chunked_array([["a"]]))
    again = SeenIds(path)
    again.add(pa.chunked_array([["a"]]))

    assert again.earlier().tolist() == []


@pytest.mark.parametrize(
    ("one", "other"),
    [("ab", "ba"), ("a", "aa"), ("1", "01"), ("x" * 4096, "x" * 4097), ("é", "e\u0301"), ("a", "b")],
)
def test_ids_that_look_alike_have_other_hashes(one, other):
    first, second = hashes(pa.array([one, other]))

    assert (first != second).all()


def test_a_slice_of_an_array_has_the_hashes_of_its_own_cells():
    cells = pa.array(["zz", "a", "bc", "d"])

    assert (hashes(cells.slice(1, 2)) == hashes(pa.array(["a", "bc"]))).all()
